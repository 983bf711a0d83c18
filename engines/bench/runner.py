"""Finds the benches and runs one: prints its table, then a line a figure, and says whether every floor is reached."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import engines.bench
from engines.api.errors import UserError
from engines.bench.table import Bench, Measure, Result, to_json

FRAME = frozenset({"table", "runner"})


@dataclass(frozen=True)
class Found:
    """A bench that may be run: `import_.py` is found as `import`."""

    name: str
    sentence: str
    measure: Measure
    full_size: bool = False


def discover() -> dict[str, Found]:
    """Every bench by name; a file of this package that is neither frame nor private is a bench."""
    found: dict[str, Found] = {}
    for module_info in pkgutil.iter_modules(engines.bench.__path__):
        if module_info.name in FRAME or module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"engines.bench.{module_info.name}")
        name = module_info.name.rstrip("_")
        found[name] = Found(name, module.SENTENCE, module.measure, getattr(module, "FULL_SIZE", False))
    return found


def run(name: str, *, quick: bool = False, full_size: bool = False, json_file: Path | None = None) -> bool:
    """Measure, print, and tell whether all floors hold (always true with `quick`).

    Raises:
        UserError: there is no bench of that name, or it knows no models of full size.
    """
    benches = discover()
    if name not in benches:
        title = f"There is no bench called “{name}”"
        raise UserError(title, hint="Known: " + ", ".join(sorted(benches)) + ".")
    if full_size and not benches[name].full_size:
        title = f"The bench “{name}” has no full size"
        raise UserError(
            title, hint=f"Those that have: {', '.join(sorted(n for n, one in benches.items() if one.full_size))}."
        )
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="lorikeet-bench-", ignore_cleanup_errors=True) as scratch:
        result = benches[name].measure(Bench(quick, Path(scratch), _say, full_size))
    seconds = time.perf_counter() - started
    _print(result, quick=quick)
    if json_file is not None:
        from projects.files import atomic_write_text

        atomic_write_text(json_file, to_json(name, result, quick=quick, seconds=seconds) + "\n")
    return quick or result.holds


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print(result: Result, *, quick: bool) -> None:
    for table in result.tables:
        print(table.text(), end="\n\n")
    for key, value in result.conditions.items():
        print(f"{key}: {value}")
    if result.conditions:
        print()
    for figure in result.figures:
        print(figure.line())
    if quick:
        print("A quick run only shows that the bench works; its figures mean nothing and its floors are not enforced.")
