"""Adding adapters up: how much of each subject is left when three adapters of one way to teach act at once.

Eight clay subjects that no base picture shows are each taught alone in every way; three random triples of them are then summed. Kept is the
share of what an adapter alone gained over the base: (merged - base) / (alone - base), with a bootstrap over triples, subjects and prompts.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engines.bench._contest import Contest, Judged, Lesson, Way
from engines.bench.table import Bench, Figure, Result, Table

if TYPE_CHECKING:
    from engines.starter.subjects import Subject

SENTENCE = "adapters alone and three added up: LoRA, Orthogonal, Token-aware, and the Mergeable and Composable recipes"

TRIPLES = 3
STEPS, QUICK_STEPS = 200, 4
_RESAMPLES = 2000


@dataclass(frozen=True)
class Outcome:
    """What came of one way to teach; figures by subject, and by triple and subject."""

    way: Way
    lessons: Mapping[str, Lesson]
    alone: Mapping[str, Judged]
    merged: Mapping[tuple[int, str], Judged]
    drift: Sequence[float]


def ways() -> tuple[Way, ...]:
    """The three methods as they are published, with one rank and one number of steps, and what Lorikeet ships."""
    from engines.diffusion.presets import preset

    rank = {"rank": 8}
    shipped, composable = preset("mergeable"), preset("composable")
    return (
        Way("LoRA", "lora", rank),
        Way("Orthogonal", "orthogonal", rank),
        Way("Token-aware", "tara", rank),
        Way("Composable", composable.method_name, composable.method, composable.changes),
        Way("Mergeable", shipped.method_name, shipped.method, shipped.changes),
    )


def measure(bench: Bench) -> Result:
    """Teach, judge alone, add up, judge again."""
    from engines.starter.subjects import SUBJECTS

    subjects = SUBJECTS[: 3 if bench.quick else 8]
    contest = Contest(bench, steps=QUICK_STEPS if bench.quick else STEPS)
    triples = draw_triples(subjects, 1 if bench.quick else TRIPLES)
    base = {subject.ident: contest.judge(subject, (), 1.0) for subject in subjects}
    outcomes, kept = [], {}
    for way in ways():
        outcomes.append(run(contest, way, subjects, triples))
        kept[way.title] = kept_share(base, outcomes[-1], contest.groups())
        bench.say("{}: {:.2f} kept ({:.2f} to {:.2f})".format(way.title, *kept[way.title]))
    plain, shipped = outcomes[0], outcomes[-1]
    lost = {outcome.way.title: _lost(outcome) for outcome in outcomes}
    middle, low, high = kept[shipped.way.title]
    figures = [
        Figure("merge-identity-kept", middle, 0.70, 0.95, note=f"{low:.2f} to {high:.2f}, the Mergeable recipe"),
        Figure(
            "merge-loss-against-lora",
            lost[shipped.way.title] / lost[plain.way.title] if lost[plain.way.title] > 0 else float("nan"),
            1 / 3,
            better="lower",
            note=f"CLIP-I lost by merging: {lost[shipped.way.title]:.3f} against {lost[plain.way.title]:.3f}",
        ),
        *(
            Figure(f"merge-kept-{name.lower()}", share, note=f"{least:.2f} to {most:.2f}")
            for name, (share, least, most) in kept.items()
            if name != shipped.way.title
        ),
    ]
    conditions = {
        "device": contest.device,
        "steps": str(QUICK_STEPS if bench.quick else STEPS),
        "triples": "; ".join(" + ".join(subject.ident for subject in triple) for triple in triples),
        "base CLIP-I": f"{_mean([value for one in base.values() for value in one.likeness]):.3f}",
    }
    return Result((_table(outcomes, kept),), tuple(figures), conditions)


def draw_triples(subjects: Sequence[Subject], count: int) -> list[tuple[Subject, ...]]:
    """Different random triples; always the same ones."""
    rng = random.Random(0)
    found: list[tuple[Subject, ...]] = []
    while len(found) < count:
        triple = tuple(sorted(rng.sample(list(subjects), 3), key=lambda one: one.ident))
        if triple not in found:
            found.append(triple)
    return found


def slots_for(subjects: Sequence[Subject], triples: Sequence[tuple[Subject, ...]]) -> dict[str, int]:
    """The lowest slot for each subject that none has it is ever added up with: a small model has few slots."""
    slots: dict[str, int] = {}
    for one in subjects:
        beside = {other.ident for triple in triples if one in triple for other in triple}
        taken = {slots[ident] for ident in beside if ident in slots}
        slots[one.ident] = next(slot for slot in range(1, len(subjects) + 1) if slot not in taken)
    return slots


def run(contest: Contest, way: Way, subjects: Sequence[Subject], triples: Sequence[tuple[Subject, ...]]) -> Outcome:
    """Everything about one way to teach."""
    slots = slots_for(subjects, triples)
    lessons = {one.ident: contest.teach(one, way, slots[one.ident]) for one in subjects}
    alone = {one.ident: contest.judge(one, [lessons[one.ident].file], 1.0) for one in subjects}
    merged: dict[tuple[int, str], Judged] = {}
    drift: list[float] = []
    for number, triple in enumerate(triples):
        files = [lessons[one.ident].file for one in triple]
        merged |= {(number, one.ident): contest.judge(one, files, way.strength) for one in triple}
        drift += contest.drift(files, way.strength)
    return Outcome(way, lessons, alone, merged, drift)


def kept_share(base: Mapping[str, Judged], outcome: Outcome, groups: Sequence[str]) -> tuple[float, float, float]:
    """Share of the gain that merging leaves, and its 95 % interval: bootstrap over cells of triple, subject and prompt."""
    import numpy as np

    gained, left = [], []
    for (_, ident), judged in outcome.merged.items():
        for group in dict.fromkeys(groups):
            rows = [row for row, name in enumerate(groups) if name == group]
            before, single, after = (
                _mean([figures.likeness[row] for row in rows])
                for figures in (base[ident], outcome.alone[ident], judged)
            )
            gained.append(single - before)
            left.append(after - before)
    gain, rest = np.array(gained), np.array(left)
    drawn = np.random.default_rng(0).integers(0, len(gain), (_RESAMPLES, len(gain)))
    low, high = np.percentile(rest[drawn].sum(axis=1) / gain[drawn].sum(axis=1), [2.5, 97.5])
    return float(rest.sum() / gain.sum()), float(low), float(high)


def _lost(outcome: Outcome) -> float:
    """CLIP-I lost by merging, mean over the subjects of all triples."""
    return _mean(
        [
            single - after
            for (_, ident), judged in outcome.merged.items()
            for single, after in zip(outcome.alone[ident].likeness, judged.likeness, strict=True)
        ]
    )


def _table(outcomes: Sequence[Outcome], kept: Mapping[str, tuple[float, float, float]]) -> Table:
    rows = []
    for outcome in outcomes:
        alone = _mean([value for (_, ident) in outcome.merged for value in outcome.alone[ident].likeness])
        merged = _mean([value for judged in outcome.merged.values() for value in judged.likeness])
        lessons = list(outcome.lessons.values())
        rows.append(
            (
                outcome.way.title,
                lessons[0].parameters,
                _size(lessons[0].file),
                _mean([lesson.steps_per_s for lesson in lessons]),
                alone,
                merged,
                alone - merged,
                _mean([value for judged in outcome.merged.values() for value in judged.following]),
                _mean(outcome.drift),
                "{:.2f} ({:.2f} to {:.2f})".format(*kept[outcome.way.title]),
            )
        )
    headings = (
        "method",
        "params",
        "file kB",
        "steps/s",
        "CLIP-I alone",
        "after merging 3",
        "drop",
        "CLIP-T",
        "drift",
        "kept",
    )
    return Table("Alone and three added up", headings, tuple(rows))


def _size(file: Path) -> float:
    return file.stat().st_size / 1000


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
