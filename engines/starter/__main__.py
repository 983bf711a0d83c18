"""Command line of the starter: ``python -m engines.starter render --out FOLDER``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Build Lorikeet's embedded starter models.")


@app.callback()
def main() -> None:
    """Build Lorikeet's embedded starter models."""


@app.command()
def render(out: Annotated[Path, typer.Option()], size: int = 64, workers: int = os.cpu_count() or 1) -> None:
    """Render the training and held-out pictures."""
    from engines.starter.dataset import SPLITS, render_split

    for split in SPLITS.values():
        render_split(split, out, size=size, workers=workers)


if __name__ == "__main__":
    app()
