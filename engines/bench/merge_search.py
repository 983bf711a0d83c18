"""The search behind the Mergeable recipe: one thing changed at a time, on three practice subjects that no published figure uses.

Each way to teach is judged alone and with all three adapters added up, at several strengths of the sum; the adapters are taught once.
"""

from __future__ import annotations

from dataclasses import replace

from engines.bench._contest import SEEDS, Contest, Judged, Way
from engines.bench.merge import STEPS, Outcome, kept_share
from engines.bench.table import Bench, Cell, Figure, Result, Table
from engines.starter.spec import Accessory, ObjectSpec
from engines.starter.subjects import Subject

SENTENCE = "the search for the Mergeable recipe, on practice subjects"

STRENGTHS = (1.0, 0.6)
_PRIOR = {"objective": {"class_pictures": 24, "class_weight": 1.0}}


def _practice(name: str, shape: str, tones: tuple[str, str], pattern: str, kind: str, colour: str) -> Subject:
    clay = ObjectSpec(
        shape=shape,
        colour=tones[0],
        second=tones[1],
        pattern=pattern,
        accessories=(Accessory(kind=kind, colour=colour),),
    )
    words = {
        "ident": f"{name}-{shape}",
        "name": f"{name.capitalize()} the {shape}",
        "trigger": name,
        "class_noun": shape,
    }
    return Subject(clay=clay, **words)


PRACTICE = (
    _practice("rilo", "duck", ("orange", "purple"), "spotted", "scarf", "teal"),
    _practice("gamu", "house", ("pink", "green"), "striped", "hat", "blue"),
    _practice("sefo", "bear", ("blue", "orange"), "checkered", "hat", "green"),
)


def ways() -> tuple[Way, ...]:
    """What is tried."""
    rank = {"rank": 8}
    words = {**rank, "words_only": True}
    return (
        Way("LoRA", "lora", rank),
        Way("Orthogonal", "orthogonal", rank),
        Way("LoRA, class pictures", "lora", rank, _PRIOR),
        Way("Orthogonal, class pictures", "orthogonal", rank, _PRIOR),
        Way("Token-aware", "tara", rank),
        Way("Token-aware, class pictures", "tara", rank, _PRIOR),
        Way("LoRA, word taught", "lora", {**rank, "train_word": True}),
        Way("Orthogonal, word taught, class pictures", "orthogonal", {**rank, "train_word": True}, _PRIOR),
        Way("Token-aware, word taught, class pictures", "tara", {**rank, "train_word": True}, _PRIOR),
        Way("LoRA, words only", "lora", words),
        Way("Orthogonal, words only", "orthogonal", words),
        Way("Token-aware, words only", "tara", words),
    )


def measure(bench: Bench) -> Result:
    """Teach, judge alone, add up at every strength."""
    contest = Contest(bench, steps=4 if bench.quick else STEPS, seeds=SEEDS[:2])
    base = {subject.ident: contest.judge(subject, (), 1.0) for subject in PRACTICE}
    rows: list[tuple[Cell, ...]] = []
    figures = []
    for way in ways()[: 2 if bench.quick else None]:
        lessons = {one.ident: contest.teach(one, way, slot) for slot, one in enumerate(PRACTICE, start=1)}
        alone = {one.ident: contest.judge(one, [lessons[one.ident].file], 1.0) for one in PRACTICE}
        files = [lesson.file for lesson in lessons.values()]
        for strength in STRENGTHS[: 1 if bench.quick else None]:
            merged = {(0, one.ident): contest.judge(one, files, strength) for one in PRACTICE}
            outcome = Outcome(replace(way, strength=strength), lessons, alone, merged, contest.drift(files, strength))
            share, low, high = kept_share(base, outcome, contest.groups())
            rows.append(_row(outcome, base, share, low, high))
            figures.append(Figure(f"kept-{way.title.lower().replace(', ', '-').replace(' ', '-')}-{strength:g}", share))
            bench.say(f"{way.title} at {strength:g}: {share:.2f} kept")
    headings = ("way", "strength", "base", "alone", "merged", "CLIP-T", "drift", "kept", "low", "high")
    return Result((Table("Three practice subjects added up", headings, tuple(rows)),), tuple(figures))


def _row(outcome: Outcome, base: dict[str, Judged], *kept: float) -> tuple[Cell, ...]:
    likeness = [
        [value for judged in part for value in judged.likeness]
        for part in (base.values(), outcome.alone.values(), outcome.merged.values())
    ]
    following = [value for judged in outcome.merged.values() for value in judged.following]
    means = [sum(values) / len(values) for values in (*likeness, following, list(outcome.drift))]
    return (outcome.way.title, outcome.way.strength, *means, *kept)
