"""What a bench hands back: a table to read and figures that either hold their floor or fall short.

A bench is one file in this package. It defines two names at module level:

    SENTENCE: str                                  what it measures, in one line
    def measure(bench: Bench) -> Result            does the work; honours `bench.quick`, tells progress through `bench.say`

a third, FULL_SIZE = True, where it honours `bench.full_size` too, and may import anything of ours inside `measure`; importing the file
itself must be cheap and torch-free.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Cell = str | int | float | bool | None

HOLDS = "holds"
SHORT = "SHORT"


@dataclass(frozen=True)
class Figure:
    """One published figure.

    Attributes:
        name: stable and lower case with hyphens, e.g. `teach-speed-ratio`.
        value: what was measured; NaN counts as missed.
        floor: what must be reached; None where the figure is only reported.
        aim: what is hoped for; None where there is none.
        better: whether larger or smaller values are better.
        unit: printed behind the value ("x", "s", "/s", "ms").
        note: conditions or spread, printed at the end of the line.
    """

    name: str
    value: float
    floor: float | None = None
    aim: float | None = None
    better: Literal["higher", "lower"] = "higher"
    unit: str = ""
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the floor is reached; a figure without a floor holds as long as it is a number."""
        if math.isnan(self.value):
            return False
        if self.floor is None:
            return True
        return self.value >= self.floor if self.better == "higher" else self.value <= self.floor

    def line(self) -> str:
        """`name value floor aim holds|SHORT`, then the note; `-` stands for a floor or aim that does not exist."""
        parts = [self.name, _number(self.value) + self.unit, _number(self.floor), _number(self.aim)]
        parts.append(HOLDS if self.holds else SHORT)
        return " ".join(parts) + (f"  ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Table:
    """Rows under headings; numbers are set right, words left."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def text(self) -> str:
        """The table for a terminal."""
        cells = [[_cell(value) for value in row] for row in self.rows]
        widths = [
            max(len(heading), *(len(row[index]) for row in cells)) if cells else len(heading)
            for index, heading in enumerate(self.columns)
        ]
        numeric = [
            bool(self.rows) and all(_is_number(row[index]) for row in self.rows) for index in range(len(self.columns))
        ]

        def lay(row: Sequence[str]) -> str:
            laid = (
                text.rjust(width) if right else text.ljust(width)
                for text, width, right in zip(row, widths, numeric, strict=True)
            )
            return "  ".join(laid).rstrip()

        return "\n".join([self.title, lay(self.columns), lay(["-" * width for width in widths]), *map(lay, cells)])


@dataclass(frozen=True)
class Result:
    """Everything a bench measured. `conditions` names what the figures depend on (device, threads, model, sizes)."""

    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    conditions: dict[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every floor is reached."""
        return all(figure.holds for figure in self.figures)


@dataclass(frozen=True)
class Bench:
    """What a bench is given.

    Attributes:
        quick: a smoke run: the same path on far less work. Its figures mean nothing, so their floors are not enforced.
        full_size: on models of the published sizes, for the benches that can.
        folder: scratch folder, empty at the start and removed afterwards.
        say: prints one line of progress (to stderr).
    """

    quick: bool
    folder: Path
    say: Callable[[str], None]
    full_size: bool = False


Measure = Callable[[Bench], Result]


def to_json(name: str, result: Result, *, quick: bool, seconds: float) -> str:
    """The result as one JSON document: conditions, figures with `holds`, and the tables as lists of objects."""
    document = {
        "bench": name,
        "quick": quick,
        "seconds": round(seconds, 3),
        "conditions": result.conditions,
        "holds": result.holds,
        "figures": [
            {
                "name": figure.name,
                "value": None if math.isnan(figure.value) else figure.value,
                "floor": figure.floor,
                "aim": figure.aim,
                "better": figure.better,
                "unit": figure.unit,
                "note": figure.note,
                "holds": figure.holds,
            }
            for figure in result.figures
        ],
        "tables": [
            {"title": table.title, "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows]}
            for table in result.tables
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _is_number(value: Cell) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
