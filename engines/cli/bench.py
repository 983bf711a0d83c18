"""`bench`: measure a published figure here and now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engines.cli.codes import FINE, MISSED


def bench(
    name: Annotated[str, typer.Argument(help="Which bench; without a name, all are listed.")] = "",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the result here.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A smoke run: the same path on far less work.")] = False,
    full_size: Annotated[
        bool, typer.Option("--full-size", help="On models of the published sizes with random weights, given a card.")
    ] = False,
) -> int:
    """Measure a published figure and say whether its floor is reached."""
    from engines.bench import runner

    if not name:
        for found in runner.discover().values():
            print(f"{found.name:10} {found.sentence}")
        return FINE
    return FINE if runner.run(name, quick=quick, full_size=full_size, json_file=json_file) else MISSED
