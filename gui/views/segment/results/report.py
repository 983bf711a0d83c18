"""The report of `segment evaluate` as the window shows it. It lies beside the run; one that makes no sense counts as none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "segment-evaluation.json"
_MOST_BYTES = 256 * 2**20
WAYS = {"click": "One click", "box": "A box", "automatic": "By itself"}
"""The ways to ask, in words and in order."""
_ROWS = (
    ("dice", "Overlap (Dice)", True),
    ("iou", "Overlap (IoU)", True),
    ("boundary_f", "Edges (F)", True),
    ("hd95", "Farthest edge, px", False),
    ("ber", "Balanced error, %", False),
    ("mae", "Error of a pixel", False),
)


@dataclass(frozen=True)
class Row:
    """One figure before and after.

    Attributes:
        spread: half the width of the interval of the one after; None when it is not known.
        better: whether the one after is.
        words: what stands in place of the two figures; empty for the figures themselves.
    """

    title: str
    before: float
    after: float
    spread: float | None
    better: bool
    words: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Measured:
    """One picture: its file in the project, its overlap before and after, and what was found in it.

    Attributes:
        masks: run lengths before and after, in the order of `names`.
    """

    file: str
    before: float | None
    after: float | None
    names: tuple[str, ...]
    masks: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Way:
    """One way to ask: its figures, and its pictures, the worst first."""

    key: str
    rows: tuple[Row, ...]
    pictures: tuple[Measured, ...]
    change: tuple[float, float, float] | None = None

    @property
    def title(self) -> str:
        """In words."""
        return WAYS.get(self.key, self.key)


@dataclass(frozen=True)
class Report:
    """All of it; `split` is the part that was measured on."""

    split: str
    pictures: int
    ways: tuple[Way, ...]

    def way(self, key: str) -> Way | None:
        """One way to ask."""
        return next((way for way in self.ways if way.key == key), None)


def read_report(folder: Path) -> Report | None:
    """The report in a run's folder; None when there is none, or it is damaged. For another thread."""
    path = folder / FILE
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        ways = sorted(found["ways"].items(), key=lambda item: list(WAYS).index(item[0]) if item[0] in WAYS else 9)
        return Report(str(found["split"]), int(found["pictures"]), tuple(_way(key, way) for key, way in ways))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _way(key: str, found: Mapping[str, Any]) -> Way:
    rows = [_row(found, name, title, higher) for name, title, higher in _ROWS]
    rows += [_clicks(share, effort) for share, effort in found.get("clicks", {}).items()]
    change = found["change"].get("dice")
    return Way(
        key,
        tuple(row for row in rows if row is not None),
        tuple(_measured(one) for one in found["pictures"]),
        (float(change["mean"]), float(change["low"]), float(change["high"])) if change else None,
    )


def _row(found: Mapping[str, Any], name: str, title: str, higher: bool) -> Row | None:
    before, after = found["before"]["mean"].get(name), found["after"]["mean"].get(name)
    if not before or not after:
        return None
    one, other = float(before["mean"]), float(after["mean"])
    # One picture has no spread.
    spread = (float(after["high"]) - float(after["low"])) / 2 if int(after.get("count", 0)) > 1 else None
    return Row(title, one, other, spread, other > one if higher else other < one)


def _clicks(share: str, effort: Mapping[str, Any]) -> Row:
    one, other = float(effort["before"]["mean"]), float(effort["after"]["mean"])
    words = _effort_words(effort["before"]), _effort_words(effort["after"])
    return Row(f"Clicks to {float(share) * 100:.0f} %", one, other, None, other < one, words)


def _effort_words(effort: Mapping[str, Any]) -> str:
    """Objects that were not right after all the clicks that were tried count as that many, so the mean is at least this."""
    missed, count = int(effort.get("failures", 0)), int(effort.get("count", 0))
    if missed and missed == count:
        return "never"
    return f"{float(effort['mean']):.1f}{'+' if missed else ''}"


def _measured(one: Mapping[str, Any]) -> Measured:
    return Measured(
        str(one["file"]),
        _number(one.get("before")),
        _number(one.get("after")),
        _texts(one["names"]),
        (_texts(one["masks_before"]), _texts(one["masks_after"])),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
