"""What a measured comparison says, in words that never claim more than its intervals allow.

The report comes from a file that anybody may have edited, so every part of it is checked before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

REPORT = "report.json"
SHEET = "sheet.png"
_LARGEST_BYTES = 4 * 2**20
_FEWEST_PROMPTS = 6
_LITTLE, _MUCH = 0.25, 0.5


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, populate_by_name=True)


class Figure(_Part):
    """A mean with its 95 % interval over `count` pictures."""

    mean: float
    low: float
    high: float
    count: int = Field(ge=0)

    @property
    def margin(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2

    @property
    def certain(self) -> bool:
        """For a difference: whether there is one at all."""
        return self.low > 0 or self.high < 0


class Closer(_Part):
    """In how many pairs of pictures with equal words and seed the adapter's is closer to the photos."""

    won: int = Field(ge=0)
    of: int = Field(ge=0)


class Gains(_Part):
    """What a column has over another, picture by picture."""

    likeness: Figure | None = None
    following: Figure | None = None
    variety: Figure | None = None
    class_likeness: Figure | None = None
    class_change: Figure | None = None
    change: Figure | None = None


class Column(_Part):
    """One column of a report; `gain` is over the base."""

    label: str = Field(max_length=200)
    likeness: Figure | None = None
    following: Figure | None = None
    variety: Figure | None = None
    class_likeness: Figure | None = None
    class_change: Figure | None = None
    change: Figure | None = None
    gain: Gains = Gains()
    closer: Closer | None = None


class Between(_Part):
    """What the second of two adapters has over the first."""

    first: int = Field(ge=1)
    second: int = Field(ge=1)
    gain: Gains = Gains()
    closer: Closer | None = None


class Conditions(_Part):
    """How the pictures were made."""

    base: str = Field(default="", max_length=400)
    prompts: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    steps: int = 0
    guidance: float = 0.0
    encoder: Mapping[str, Any] | None = None
    photos: int = 0


class Beside(_Part):
    """Pictures of the plain class or of other things: how far another seed alone takes them, as `Column.change` counts it."""

    another_seed: float = Field(default=0.0, ge=0.0)


class Made(_Part):
    """One picture; its file lies beside the report."""

    column: int = Field(ge=0)
    prompt: str = Field(max_length=4000)
    seed: int
    file: str = Field(pattern=r"^[\w.-]{1,200}$")


class Report(_Part):
    """A comparison; column 0 is the base."""

    columns: tuple[Column, ...] = Field(min_length=2, max_length=64)
    between: tuple[Between, ...] = ()
    conditions: Conditions = Conditions()
    pictures: tuple[Made, ...] = ()
    kind: Beside | None = Field(default=None, alias="class")
    elsewhere: Beside | None = None
    note: str = Field(default="", max_length=2000)

    @property
    def count(self) -> int:
        """Pictures in each column."""
        return len(self.conditions.prompts) * len(self.conditions.seeds)

    def pair(self) -> tuple[Made, Made] | None:
        """The first picture of the base, and the adapter's of the same words and seed."""
        before = next((one for one in self.pictures if one.column == 0), None)
        if before is None:
            return None
        same = (1, before.prompt, before.seed)
        after = next((one for one in self.pictures if (one.column, one.prompt, one.seed) == same), None)
        return (before, after) if after is not None else None


@dataclass(frozen=True)
class Cell:
    """A figure as shown, half its interval, and whether it differs from the base's for certain."""

    text: str = ""
    margin: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Row:
    """One line of the table: a cell for each column; `tip` spells the intervals out."""

    name: str
    cells: tuple[Cell, ...]
    tip: str


def read_report(folder: Path) -> Report | None:
    """The report of a folder; None when there is none or it is damaged."""
    path = folder / REPORT
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return None
        return Report.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError, RecursionError):
        return None


def sentence(report: Report) -> str:
    """The result in a sentence or two; of two adapters, how they differ."""
    if len(report.conditions.prompts) < _FEWEST_PROMPTS:
        return "Too few different prompts to say anything for sure."
    if report.between:
        return _contest(report, report.between[0])
    after = report.columns[1]
    parts = [part for part in (_likeness(after), _following(after.gain, "it")) if part]
    if not parts:
        return report.note or "There are no figures to judge by."
    return " ".join(_as_sentence(part) for part in (", and ".join(parts), _beside(report, after)) if part)


def rows(report: Report) -> tuple[Row, ...]:
    """The table."""
    plain = (
        ("likeness", "Likeness to photos", ""),
        ("following", "Follows the words", ""),
        ("variety", "Variety", "How much pictures of the same words differ from each other. "),
        (
            "class_likeness",
            "Its kind, like the photos",
            "Others of its kind, without the trigger word; best as it was. ",
        ),
    )
    changes = (
        ("class_change", "Change of its kind", "Others of its kind, without the trigger word", report.kind),
        ("change", "Change elsewhere", "Other things, without the trigger word", report.elsewhere),
    )
    made = [_row(report, key, name, about) for key, name, about in plain]
    made += [_change_row(report, key, name, about, beside) for key, name, about, beside in changes]
    return tuple(row for row in made if row is not None)


def conditions(report: Report) -> str:
    """How it was measured, for the small print."""
    told = report.conditions
    encoder = told.encoder or {}
    judge = str(encoder.get("name", ""))[:100]
    parts = [
        f"{len(told.prompts)} prompts with {len(told.seeds)} seeds each",
        f"{told.steps} denoising steps",
        f"{told.photos} photos" if told.photos else "",
        f"judged by {judge}" if judge else "",
        "95 % intervals",
    ]
    return ", ".join(part for part in parts if part)


def _as_sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _likeness(after: Column) -> str:
    gain, closer = after.gain.likeness, after.closer
    if gain is None or closer is None:
        return ""
    count = f"in {closer.won} of {closer.of} pictures"
    if not gain.certain:
        return f"no clear difference in likeness to your photos (closer {count})"
    return f"closer to your photos {count}" if gain.mean > 0 else f"less like your photos than before (closer {count})"


def _following(gain: Gains, who: str) -> str:
    if gain.following is None:
        return ""
    if not gain.following.certain:
        return f"no clear change in how {who} follows the words"
    return f"{who if who != 'it' else ''} follows the words {'more' if gain.following.mean > 0 else 'less'} closely".strip()


def _contest(report: Report, pair: Between) -> str:
    """How the second adapter differs from the first."""
    if max(pair.first, pair.second) >= len(report.columns):
        return "There are no figures to judge by."
    first, second = (f"“{report.columns[place].label}”" for place in (pair.first, pair.second))
    likeness, closer, following = pair.gain.likeness, pair.closer, pair.gain.following
    if likeness is None or closer is None:
        return report.note or "There are no figures to judge by."
    if likeness.certain and likeness.mean < 0:
        words = f"{first} is closer to your photos than {second}, in {closer.of - closer.won} of {closer.of} pictures."
    elif likeness.certain:
        words = f"{second} is closer to your photos than {first}, in {closer.won} of {closer.of} pictures."
    else:
        words = (
            f"No clear difference in likeness to your photos ({second} closer in {closer.won} of {closer.of} pictures)."
        )
    if following is not None and following.certain:
        words += f" {second if following.mean > 0 else first} follows the words more closely."
    change = pair.gain.change
    if change is not None and change.certain:
        words += f" {second if change.mean < 0 else first} leaves other things more as they were."
    return words


def _beside(report: Report, after: Column) -> str:
    """How much it changes what it was not taught, held against what another seed does."""
    kind = _extent(after.class_change, report.kind)
    other = _extent(after.change, report.elsewhere)
    if kind and kind == other:
        return f"without the trigger word, others of its kind and other things {other}"
    parts = [f"{who} {extent}" for who, extent in (("others of its kind", kind), ("other things", other)) if extent]
    return f"without the trigger word, {' and '.join(parts)}" if parts else ""


def _extent(change: Figure | None, beside: Beside | None) -> str:
    """In words; no judgement where the interval spans two."""
    if change is None or beside is None or beside.another_seed <= 0:
        return ""
    if change.high / beside.another_seed < _LITTLE:
        return "stay almost as they were"
    if change.low / beside.another_seed > _MUCH:
        return "change about as much as another seed changes them"
    return "change somewhat"


def _row(report: Report, key: str, name: str, about: str) -> Row | None:
    found: list[tuple[Column, Figure]] = []
    for column in report.columns:
        figure: Figure | None = getattr(column, key)
        if figure is None:
            return None
        found.append((column, figure))
    cells, tips = [], [about]
    for column, figure in found:
        gain: Figure | None = getattr(column.gain, key)
        sure = gain is not None and gain.certain
        first = column is report.columns[0]
        cells.append(Cell(f"{figure.mean:.2f}", "" if first else f"±{figure.margin:.2f}", sure))
        tips.append(f"{'Before' if first else column.label}: {figure.low:.3f} to {figure.high:.3f}. ")
        if gain is not None:
            chance = "" if sure else ", which may be chance"
            tips.append(f"Picture by picture {gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}){chance}. ")
    return Row(name, tuple(cells), f"{''.join(tips)}95 % intervals over {found[-1][1].count} pictures each.")


def _change_row(report: Report, key: str, name: str, about: str, beside: Beside | None) -> Row | None:
    found: list[tuple[str, Figure]] = []
    for column in report.columns[1:]:
        figure: Figure | None = getattr(column, key)
        if figure is None:
            return None
        found.append((column.label, figure))
    seed = (
        f" Another seed changes them by {100 * beside.another_seed:.0f} %."
        if beside is not None and beside.another_seed
        else ""
    )
    ranges = " ".join(f"{label}: {100 * max(one.low, 0.0):.1f} to {100 * one.high:.1f} %." for label, one in found)
    tip = f"{about}: how far pictures go from what they were. {ranges} 95 % intervals over {found[-1][1].count} pictures.{seed}"
    return Row(name, (Cell(), *(Cell(_percent(one.mean), f"±{_percent(one.margin)}") for _label, one in found)), tip)


def _percent(share: float) -> str:
    value = 100 * max(share, 0.0)
    return f"{value:.0f} %" if value >= 2 else f"{value:.1f} %"
