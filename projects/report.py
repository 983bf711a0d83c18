"""What an import tells the person: one report, one line for everything worth knowing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from projects.change import Change
from projects.errors import UserError

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One thing worth knowing.

    Attributes:
        level: `error` when a file was not taken in, `warning` when it deserves a look, `info` otherwise.
        file: its name as the person knows it; empty when the line is about the whole import.
        title: what happened, without a full stop.
        hint: more about it and what to do; may be empty.
    """

    level: Level
    file: str
    title: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of one import.

    Attributes:
        added: ids of the pictures taken in, in order.
        lines: everything worth knowing, errors first.
        change: for undo and for the views; None when nothing came in.
        seconds: how long it took.
        cancelled: the person stopped it; what is in `added` stays.
        labels: ids of the labels that are new, where masks were imported.
        regions: ids of the regions taken in, where masks were imported.
        replaced: ids of the regions that some of these took the place of.
        checked: ids of the pictures of which the file says that nothing is in them.
    """

    added: tuple[str, ...]
    lines: tuple[ReportLine, ...]
    change: Change | None
    seconds: float
    cancelled: bool = False
    labels: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()


def line_of(error: UserError, file: str, *, level: Level = "error") -> ReportLine:
    """Put an expected failure about one file into a line."""
    return ReportLine(level, file, error.title, " ".join(part for part in (error.what, error.hint) if part))


def in_order(lines: list[ReportLine]) -> tuple[ReportLine, ...]:
    """Errors first, then warnings, then the rest, each in the order in which they came."""
    rank = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(lines, key=lambda line: rank[line.level]))
