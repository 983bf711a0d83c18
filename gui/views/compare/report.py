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
_FEWEST_PROMPTS = 3
_LITTLE, _MUCH = 0.25, 0.5


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


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

    def apart(self, other: Figure) -> bool:
        """Whether the two intervals do not overlap."""
        return self.high < other.low or other.high < self.low


class Closer(_Part):
    """In how many pairs of pictures with equal words and seed the adapter's is closer to the photos."""

    won: int = Field(ge=0)
    of: int = Field(ge=0)


class Column(_Part):
    """One column of a report."""

    label: str = Field(max_length=200)
    likeness: Figure | None = None
    following: Figure | None = None
    closer: Closer | None = None
    change: Figure | None = None


class Conditions(_Part):
    """How the pictures were made."""

    base: str = Field(default="", max_length=400)
    prompts: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    steps: int = 0
    guidance: float = 0.0
    encoder: Mapping[str, Any] | None = None
    photos: int = 0


class Elsewhere(_Part):
    """Pictures of other things: how far another seed alone takes them, as `Column.change` counts it."""

    another_seed: float = Field(default=0.0, ge=0.0)


class Report(_Part):
    """A comparison; column 0 is the base."""

    columns: tuple[Column, ...] = Field(min_length=2, max_length=64)
    conditions: Conditions = Conditions()
    elsewhere: Elsewhere | None = None
    note: str = Field(default="", max_length=2000)

    @property
    def pictures(self) -> int:
        """Pictures in each column."""
        return len(self.conditions.prompts) * len(self.conditions.seeds)


@dataclass(frozen=True)
class Row:
    """One line of the table; figures as shown, `tip` spells the intervals out."""

    name: str
    before: str
    after: str
    margin: str
    strong: bool
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


def sentence(report: Report, column: int = 1) -> str:
    """The result in a sentence."""
    before, after = report.columns[0], report.columns[column]
    if len(report.conditions.prompts) < _FEWEST_PROMPTS:
        return "Too few different prompts to say anything for sure."
    likeness = _likeness(before, after)
    following = _following(before, after)
    parts = [part for part in (likeness, following) if part]
    if not parts:
        return report.note or "There are no figures to judge by."
    joined = ", and ".join(parts)
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in (joined, _elsewhere(report, after)) if part)


def rows(report: Report, column: int = 1) -> tuple[Row, ...]:
    """The table."""
    before, after = report.columns[0], report.columns[column]
    made = [
        _row("Likeness to photos", before.likeness, after.likeness),
        _row("Follows the words", before.following, after.following),
        _change_row(report, after),
    ]
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


def _likeness(before: Column, after: Column) -> str:
    if before.likeness is None or after.likeness is None:
        return ""
    count = f" in {after.closer.won} of {after.closer.of} pictures" if after.closer is not None else ""
    better = after.likeness.mean >= before.likeness.mean
    if after.likeness.apart(before.likeness):
        return f"closer to your photos{count}" if better else f"less like your photos than before (closer{count})"
    return (
        f"no clear difference in likeness to your photos (closer{count})"
        if count
        else "no clear difference in likeness"
    )


def _following(before: Column, after: Column) -> str:
    if before.following is None or after.following is None:
        return ""
    if not after.following.apart(before.following):
        return "no clear change in how it follows the words"
    return (
        "follows the words more closely"
        if after.following.mean > before.following.mean
        else "follows the words less closely"
    )


def _elsewhere(report: Report, after: Column) -> str:
    """How much it changes what it was not taught, held against what another seed does; no judgement where the interval spans two."""
    if after.change is None or report.elsewhere is None or report.elsewhere.another_seed <= 0:
        return ""
    low, high = after.change.low / report.elsewhere.another_seed, after.change.high / report.elsewhere.another_seed
    if high < _LITTLE:
        return "without the trigger word, pictures stay almost as they were"
    if low > _MUCH:
        return "without the trigger word, pictures change about as much as another seed changes them"
    return "without the trigger word, pictures change somewhat"


def _change_row(report: Report, after: Column) -> Row | None:
    if after.change is None:
        return None
    seed = report.elsewhere.another_seed if report.elsewhere is not None else 0.0
    tip = (
        "How far pictures of other things, made without the trigger word, go from what they were. "
        f"{100 * max(after.change.low, 0.0):.1f} to {100 * after.change.high:.1f} %: 95 % interval over {after.change.count} pictures. "
        + (f"Another seed changes them by {100 * seed:.0f} %." if seed else "")
    )
    return Row("Change elsewhere", "", _percent(after.change.mean), f"±{_percent(after.change.margin)}", False, tip)


def _percent(share: float) -> str:
    value = 100 * max(share, 0.0)
    return f"{value:.0f} %" if value >= 2 else f"{value:.1f} %"


def _row(name: str, before: Figure | None, after: Figure | None) -> Row | None:
    if before is None or after is None:
        return None
    tip = (
        f"Before {before.low:.3f} to {before.high:.3f}, after {after.low:.3f} to {after.high:.3f}: "
        f"95 % intervals over {after.count} pictures each. "
        + ("They do not overlap." if after.apart(before) else "They overlap, so the difference may be chance.")
    )
    return Row(name, f"{before.mean:.2f}", f"{after.mean:.2f}", f"±{after.margin:.2f}", after.apart(before), tip)
