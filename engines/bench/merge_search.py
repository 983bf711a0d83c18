"""The search behind the Mergeable recipe: one thing changed at a time, on practice subjects that no published figure uses.

Each way to teach is judged alone and with the adapters of a triple added up, at several strengths of the sum; the adapters are taught once. What
other tools read differently is judged a second time as they read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engines.bench._contest import SEEDS, Contest, Judged, Way
from engines.bench.merge import STEPS, Outcome, kept_share
from engines.bench.table import Bench, Cell, Figure, Result, Table
from engines.starter.spec import Accessory, ObjectSpec
from engines.starter.subjects import Subject

SENTENCE = "the search for the Mergeable recipe, on practice subjects"

STRENGTHS = (1.0, 0.6)
Changes = dict[str, dict[str, Any]]
_PRIOR: Changes = {"objective": {"class_pictures": 24, "class_weight": 1.0}}
_HELD: Changes = {"objective": {"hold_weight": 1.0}}


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


TRIPLES = (
    (
        _practice("rilo", "duck", ("orange", "purple"), "spotted", "scarf", "teal"),
        _practice("gamu", "house", ("pink", "green"), "striped", "hat", "blue"),
        _practice("sefo", "bear", ("blue", "orange"), "checkered", "hat", "green"),
    ),
    (
        _practice("lemba", "mug", ("green", "orange"), "spotted", "hat", "red"),
        _practice("dopi", "car", ("purple", "yellow"), "checkered", "scarf", "orange"),
        _practice("nexu", "bottle", ("pink", "blue"), "striped", "hat", "purple"),
    ),
)
PRACTICE = tuple(one for triple in TRIPLES for one in triple)


def ways() -> tuple[Way, ...]:
    """What is tried."""
    rank, wide = {"rank": 8}, {"rank": 16}
    faster: Changes = {**_HELD, "loop": {"learning_rate": 8e-3}}
    longer: Changes = {**_HELD, "loop": {"steps": 2 * STEPS}}
    twice: Changes = {"objective": {"hold_weight": 2.0}}
    thrice: Changes = {"objective": {"hold_weight": 3.0}}
    return (
        Way("LoRA", "lora", rank),
        Way("Orthogonal", "orthogonal", rank),
        Way("Token-aware", "tara", rank),
        Way("LoRA, class pictures", "lora", rank, _PRIOR),
        Way("Orthogonal, class pictures", "orthogonal", rank, _PRIOR),
        Way("LoRA, held", "lora", rank, _HELD),
        Way("Orthogonal, held", "orthogonal", rank, _HELD),
        Way("Orthogonal, held, rank 16", "orthogonal", wide, _HELD),
        Way("Orthogonal, held, rank 16, twice the rate", "orthogonal", wide, faster),
        Way("Orthogonal, held, rank 16, twice the steps", "orthogonal", wide, longer),
        Way("Orthogonal, held twice, rank 16", "orthogonal", wide, twice),
        Way("Orthogonal, held thrice, rank 16", "orthogonal", wide, thrice),
        Way("Orthogonal, held twice, rank 16, word taught", "orthogonal", {**wide, "train_word": True}, twice),
        Way("LoRA, held thrice", "lora", rank, thrice),
        Way("LoRA, held thrice, word taught", "lora", {**rank, "train_word": True}, thrice),
        Way("Token-aware, held", "tara", rank, _HELD),
        Way("Token-aware, held, words only", "tara", {**rank, "words_only": True}, _HELD),
        Way("Token-aware, held, word taught", "tara", {**rank, "train_word": True}, _HELD),
    )


def measure(bench: Bench) -> Result:
    """Teach, judge alone, add up at every strength."""
    contest = Contest(bench, steps=4 if bench.quick else STEPS, seeds=SEEDS[:2])
    base = {subject.ident: contest.judge(subject, (), 1.0) for subject in PRACTICE}
    rows: list[tuple[Cell, ...]] = []
    figures = []
    for way in ways()[: 2 if bench.quick else None]:
        lessons = {
            one.ident: contest.teach(one, way, slot) for triple in TRIPLES for slot, one in enumerate(triple, start=1)
        }
        files = {ident: lesson.file for ident, lesson in lessons.items()}
        sides = {"": files, ", in other tools": {ident: contest.as_others_read(file) for ident, file in files.items()}}
        for where, found in sides.items():
            if where and found == files:
                continue
            alone = {one.ident: contest.judge(one, [found[one.ident]], 1.0) for one in PRACTICE}
            for strength in STRENGTHS[: 1 if bench.quick else None]:
                merged, drift = _added(contest, found, strength)
                here = replace(way, title=way.title + where, strength=strength)
                outcome = Outcome(here, lessons, alone, merged, drift)
                share, low, high = kept_share(base, outcome, contest.groups())
                rows.append(_row(outcome, base, share, low, high))
                name = here.title.lower().replace(", ", "-").replace(" ", "-")
                figures.append(Figure(f"kept-{name}-{strength:g}", share))
                bench.say(f"{here.title} at {strength:g}: {share:.2f} kept")
    headings = ("way", "strength", "base", "alone", "merged", "CLIP-T", "drift", "kept", "low", "high")
    return Result((Table("Practice subjects, three added up", headings, tuple(rows)),), tuple(figures))


def _added(
    contest: Contest, files: Mapping[str, Path], strength: float
) -> tuple[dict[tuple[int, str], Judged], list[float]]:
    """Every triple with its adapters added up: its subjects, and how far other things move."""
    merged: dict[tuple[int, str], Judged] = {}
    drift: list[float] = []
    for number, triple in enumerate(TRIPLES):
        together = [files[one.ident] for one in triple]
        merged |= {(number, one.ident): contest.judge(one, together, strength) for one in triple}
        drift += contest.drift(together, strength)
    return merged, drift


def _row(outcome: Outcome, base: dict[str, Judged], *kept: float) -> tuple[Cell, ...]:
    likeness = [
        [value for judged in part for value in judged.likeness]
        for part in (base.values(), outcome.alone.values(), outcome.merged.values())
    ]
    following = [value for judged in outcome.merged.values() for value in judged.following]
    means = [sum(values) / len(values) for values in (*likeness, following, list(outcome.drift))]
    return (outcome.way.title, outcome.way.strength, *means, *kept)
