"""From what a judge sees in pictures to the figures of a comparison: each picture's own, each column's, and the differences between columns.

Columns are paired: a picture is held against the one of equal words and seed in another column, so that a difference is the adapters' alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from engines.core.intervals import FEWEST, certain, interval
from engines.diffusion.evaluate import change, following, likeness, variety

Group = Literal["subject", "class", "elsewhere"]

FIGURES: dict[str, tuple[Group, str]] = {
    "likeness": ("subject", "likeness"),
    "following": ("subject", "following"),
    "variety": ("subject", "variety"),
    "class_likeness": ("class", "likeness"),
    "class_change": ("class", "change"),
    "change": ("elsewhere", "change"),
}
"""What is told of a column: the pictures it is measured on, and what of each picture is averaged."""


@dataclass(frozen=True)
class Made:
    """One picture.

    Attributes:
        column: 0 is the base.
        file: name in the comparison's folder.
        group: whether it shows the subject, the plain class (the trigger not among the words), or something else altogether.
    """

    column: int
    prompt: str
    seed: int
    file: str
    group: Group = "subject"


@dataclass(frozen=True)
class Seen:
    """What the judge sees, as unit vectors.

    Attributes:
        made: the pictures (N, D).
        words: what each should show (N, D), for the subject's pictures; None when the judge reads none.
        photos: of the subject (M, D); None when there are none.
    """

    made: torch.Tensor
    words: torch.Tensor | None
    photos: torch.Tensor | None


def rows(made: Sequence[Made], seen: Seen | None) -> list[dict[str, Any]]:
    """Each picture as plain data with its own figures; without a judge there are none."""
    found: list[dict[str, Any]] = [
        {"column": one.column, "prompt": one.prompt, "seed": one.seed, "file": one.file} for one in made
    ]
    if seen is None:
        return found
    places: dict[Group, list[int]] = {
        group: [i for i, one in enumerate(made) if one.group == group] for group in ("subject", "class", "elsewhere")
    }
    if seen.words is not None:
        _put(found, "following", places["subject"], following(seen.made[places["subject"]], seen.words))
    if seen.photos is not None:
        known = [*places["subject"], *places["class"]]
        _put(found, "likeness", known, likeness(seen.made[known], seen.photos))
    for group in places.values():
        siblings = [f"{made[i].column} {made[i].prompt}" for i in group]
        _put(found, "variety", group, variety(seen.made[group], siblings))
    base = {(one.group, one.prompt, one.seed): i for i, one in enumerate(made) if one.column == 0}
    for group in (places["class"], places["elsewhere"]):
        adapted = [i for i in group if made[i].column]
        partners = [base[made[i].group, made[i].prompt, made[i].seed] for i in adapted]
        _put(found, "change", adapted, change(seen.made[partners], seen.made[adapted]))
    return found


def column_figures(pictures: Mapping[Group, Sequence[Mapping[str, Any]]], column: int) -> dict[str, Any]:
    """Each of `FIGURES` for one column, with its interval; None for those nobody measured."""
    return {name: _figure(_values(pictures[group], column, key)) for name, (group, key) in FIGURES.items()}


def difference(pictures: Mapping[Group, Sequence[Mapping[str, Any]]], first: int, second: int) -> dict[str, Any]:
    """What the second column has over the first, by pictures of equal words and seed.

    Returns:
        `gain`: for each of `FIGURES` its difference with an interval, or None; `closer`: in how many pairs the second's picture is more like the
        photos, or None; `clearly`: whether the gain of likeness is certain, or None with too few prompts.
    """
    gain = {}
    closer: dict[str, int] | None = None
    for name, (group, key) in FIGURES.items():
        before, after = (_values(pictures[group], column, key) for column in (first, second))
        both = {pair: after[pair] - before[pair] for pair in before if pair in after}
        gain[name] = _figure(both)
        if name == "likeness" and both:
            closer = {"won": sum(value > 0 for value in both.values()), "of": len(both)}
    alike = gain["likeness"]
    enough = len({row["prompt"] for row in pictures["subject"]}) >= FEWEST
    return {"gain": gain, "closer": closer, "clearly": certain(alike) if alike is not None and enough else None}


def beside(pictures: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The pictures of the class or of other things, with how far another seed alone takes the base's; None when nobody measured them."""
    if not any("change" in row for row in pictures):
        return None
    apart = [row["variety"] for row in pictures if row["column"] == 0 and "variety" in row]
    return {
        "prompts": list(dict.fromkeys(row["prompt"] for row in pictures)),
        "another_seed": sum(apart) / len(apart) if apart else 0.0,
        "pictures": list(pictures),
    }


def _put(found: list[dict[str, Any]], name: str, places: Sequence[int], values: Sequence[float | None]) -> None:
    for place, value in zip(places, values, strict=True):
        if value is not None:
            found[place][name] = value


def _values(pictures: Sequence[Mapping[str, Any]], column: int, key: str) -> dict[tuple[str, int], float]:
    return {(row["prompt"], row["seed"]): row[key] for row in pictures if row["column"] == column and key in row}


def _figure(values: Mapping[tuple[str, int], float]) -> dict[str, float | int] | None:
    return interval(list(values.values()), [prompt for prompt, _ in values]).as_data() if values else None
