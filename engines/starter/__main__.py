"""Command line of the starter: render the clay world, train the models, judge them, write the sample pictures."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from engines.api.errors import UserError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Build Lorikeet's embedded starter models.")

_Out = Annotated[Path, typer.Option(help="Folder that receives the result.")]
_Work = Annotated[Path, typer.Option(help="Folder for pictures, checkpoints and caches; keep it to resume.")]
_Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
_Size = Annotated[int, typer.Option(help="Width of the pictures in pixels.")]
_Steps = Annotated[int | None, typer.Option(help="Another number of training steps than the recipe's.")]
_Compile = Annotated[
    bool, typer.Option(help="Let torch.compile speed the training up (needs a C++ compiler on a CPU).")
]


@app.command()
def render(out: _Out, size: _Size = 64, workers: int = os.cpu_count() or 1) -> None:
    """Render the training and held-out pictures into the work folder OUT."""
    from engines.starter.build import render_world

    render_world(out, size=size, workers=workers)


@app.command()
def diffusion(
    out: _Out,
    work: _Work = Path("starter-work"),
    device: _Device = "auto",
    size: _Size = 64,
    steps: _Steps = None,
    compiled: _Compile = False,
    start: Annotated[Path | None, typer.Option(help="Pipeline folder to go on from in an empty work folder.")] = None,
) -> None:
    """Train autoencoder, text encoder and UNet; OUT becomes a Stable Diffusion folder."""
    from engines.starter.build import build_diffusion
    from engines.starter.training import pick_device

    build_diffusion(work, out, device=pick_device(device), size=size, steps=steps, compiled=compiled, start=start)


@app.command()
def clip(
    out: _Out, work: _Work = Path("starter-work"), device: _Device = "auto", size: _Size = 64, steps: _Steps = None
) -> None:
    """Train the judge; OUT becomes a CLIP folder."""
    from engines.starter.build import build_clip
    from engines.starter.training import pick_device

    build_clip(work, out, device=pick_device(device), size=size, steps=steps)


@app.command()
def sam(out: _Out, work: _Work = Path("starter-work"), device: _Device = "auto", steps: _Steps = None) -> None:
    """Train the model that cuts objects out; OUT receives a Segment Anything checkpoint."""
    from engines.starter.build import build_sam
    from engines.starter.training import pick_device

    build_sam(work, out, device=pick_device(device), steps=steps)


@app.command()
def evaluate(
    out: _Out,
    starter: Annotated[Path, typer.Option(help="Folder holding diffusion, clip and sam.")] = Path("resources/starter"),
    device: _Device = "auto",
    quick: bool = False,
) -> None:
    """Print the quality table, write table and contact sheet into OUT; exit 1 when a floor is missed."""
    from engines.starter.evaluate import evaluate as measure
    from engines.starter.training import pick_device

    figures = measure(starter, out, device=pick_device(device), quick=quick)
    lines = [figure.line() for figure in figures]
    (out / "table.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (out / "table.json").write_text(
        json.dumps({figure.name: figure.value for figure in figures}, indent=2), encoding="utf-8"
    )
    typer.echo("\n".join(lines))
    if not all(figure.holds for figure in figures):
        raise typer.Exit(1)


@app.command()
def hard(
    out: _Out,
    domain: Annotated[str, typer.Option(help="camouflage, shadows, thin, scan or volumes.")] = "camouflage",
    count: Annotated[int, typer.Option(help="How many pictures (or volumes).")] = 24,
    first: Annotated[int, typer.Option(help="Seed of the first one.")] = 0,
    size: _Size = 160,
) -> None:
    """Write pictures of a hard domain and their true masks into the folder OUT."""
    from engines.starter.hard import write_samples

    write_samples(out, domain, range(first, first + count), size=size)


@app.command()
def samples(out: _Out = Path("resources/samples")) -> None:
    """Write the sample subjects' reference pictures and captions."""
    from engines.starter.samples import write_samples
    from engines.starter.subjects import SAMPLE_IDENTS

    write_samples(out, idents=SAMPLE_IDENTS)


if __name__ == "__main__":
    try:
        app()
    except UserError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
