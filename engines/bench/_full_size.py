"""All loops on the same models of full size: Stable Diffusion 1.5 at 512 px and XL at 1024 px, random weights, a picture a step.

Without a graphics card the starter stands in for them. Every turn is a process of its own, so that the most memory it held is its own; the
loops take turns, so that whatever else the machine does falls on all of them.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engines.bench.table import Bench, Figure, Result, Table

if TYPE_CHECKING:
    from engines.bench._turn import Report, Turn

STEPS, ROUNDS = 40, 3
QUICK_STEPS, QUICK_ROUNDS = 4, 1
_GB = 1e9


@dataclass(frozen=True)
class Model:
    """A base model: its layout's name, empty for the starter; the side of its pictures, and whether it has to be spared."""

    title: str
    slug: str
    layout: str
    edge: int
    spared: bool = False


@dataclass
class Contender:
    """One way to run a loop, and what came of its turns."""

    title: str
    loop: str
    method: str = "lora"
    spare: bool = False
    cached: bool = False
    reports: list[Report] = field(default_factory=list)

    @property
    def pace(self) -> float:
        """Steps a second, the middle of its turns."""
        return statistics.median(report.pace for report in self.reports)

    @property
    def peak(self) -> int:
        """The most memory of any turn, bytes."""
        return max(report.peak for report in self.reports)


STARTER = Model("starter", "starter", "", 128)
LARGE = (
    Model("SD 1.5", "sd15", "stable-diffusion-1", 512),
    Model("SDXL", "sdxl", "stable-diffusion-xl", 1024, spared=True),
)


def compare(bench: Bench) -> Result:
    """Run all loops on the large models where there is a card, else on the starter."""
    import torch

    models = LARGE if torch.cuda.is_available() else (STARTER,)
    rows: list[tuple[str | int | float, ...]] = []
    figures: list[Figure] = []
    conditions = {}
    for model in models:
        found = _contest(bench, model)
        rows += _rows(model, found)
        figures += _figures(model, found)
        first = found[0].reports[0]
        conditions[model.title] = f"{model.edge} px, {first.device}, {first.precision}"
    columns = ("base", "loop", "learned", "optimiser kB", "file kB", "steps/s", "to plain", "peak MB")
    steps, rounds = _amount(bench)
    where = torch.cuda.get_device_name() if models is LARGE else f"processor, {torch.get_num_threads()} threads"
    conditions |= {"turns": f"{rounds} of {steps} steps, a picture a step", "device": where}
    return Result((Table("All loops", columns, tuple(rows)),), tuple(figures), conditions)


def contenders(model: Model) -> list[Contender]:
    """The plain loop first, then the same with everything encoded once, then ours."""
    found = [
        Contender("plain", "plain"),
        Contender("plain, encoded once", "plain", cached=True),
        Contender("Lorikeet, LoRA", "ours"),
        Contender("Lorikeet, Orthogonal", "ours", "orthogonal"),
    ]
    if model.spared:
        found += [
            Contender("plain, saving memory", "plain", spare=True),
            Contender("Lorikeet, LoRA, saving memory", "ours", spare=True),
        ]
    return found


def _contest(bench: Bench, model: Model) -> list[Contender]:
    base, pictures = _prepared(bench, model)
    found = contenders(model)
    steps, rounds = _amount(bench)
    for number in range(rounds):
        for contender in found if number % 2 == 0 else reversed(found):
            report = take(_turn(bench, model, contender, base, pictures, steps))
            contender.reports.append(report)
            told = f"{report.pace:.2f} steps a second, {report.peak / _GB:.2f} GB"
            bench.say(f"{model.title}, turn {number + 1} of {rounds}: {contender.title}: {told}")
    return found


def _prepared(bench: Bench, model: Model) -> tuple[Path, Path]:
    """The base's folder, and pictures of its own size: opening larger ones would cost the plain loop more."""
    from engines.api.places import samples, starter
    from engines.bench.teach import SUBJECT, camera_photos

    pictures = camera_photos(
        samples() / SUBJECT, bench.folder / f"{model.slug}-pictures" / SUBJECT, (model.edge, model.edge)
    )
    if not model.layout:
        return starter("diffusion"), pictures
    base = bench.folder / f"{model.slug}-base"
    bench.say(f"{model.title}: making random weights ...")
    command = [sys.executable, "-m", "engines.bench._random_base", model.layout, str(base)]
    subprocess.run(command, check=True)  # noqa: S603 - our own interpreter and arguments
    return base, pictures


def _turn(bench: Bench, model: Model, contender: Contender, base: Path, pictures: Path, steps: int) -> Turn:
    from engines.bench._turn import Turn

    return Turn(
        loop="plain" if contender.loop == "plain" else "ours",
        base=str(base),
        pictures=str(pictures),
        folder=str(bench.folder / f"{model.slug}-{contender.loop}"),
        steps=steps,
        method=contender.method,
        batch=1,
        spare=contender.spare,
        cached=contender.cached,
    )


def take(turn: Turn) -> Report:
    """Take a turn in a process of its own.

    Raises:
        JobError: it ended without a report.
    """
    from engines.api.errors import JobError
    from engines.bench._turn import Report

    command = [sys.executable, "-m", "engines.bench._turn", json.dumps(asdict(turn))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - as above
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        title = "A turn of the bench did not end well"
        raise JobError(title, f"The {turn.loop} loop ended with code {done.returncode}.", "Its own words are above.")
    return Report(**json.loads(lines[-1]))


def _amount(bench: Bench) -> tuple[int, int]:
    return (QUICK_STEPS, QUICK_ROUNDS) if bench.quick else (STEPS, ROUNDS)


def _rows(model: Model, found: Sequence[Contender]) -> list[tuple[str | int | float, ...]]:
    return [
        (
            model.title,
            one.title,
            one.reports[0].learned,
            one.reports[0].optimiser / 1e3,
            one.reports[0].file / 1e3,
            one.pace,
            one.pace / found[0].pace,
            one.peak / 1e6,
        )
        for one in found
    ]


def _figures(model: Model, found: Sequence[Contender]) -> list[Figure]:
    plain, cached, lora, orthogonal = found[:4]
    name = f"full-size-{model.slug}"
    halved = orthogonal.reports[0].optimiser / lora.reports[0].optimiser
    figures = [
        Figure(f"{name}-speed", lora.pace / plain.pace, 1.0, 1.5, unit="x", note=f"{model.edge} px, LoRA to plain"),
        Figure(f"{name}-speed-encoded-once", lora.pace / cached.pace, unit="x", note="LoRA to plain, encoded once"),
        Figure(f"{name}-orthogonal-speed", orthogonal.pace / lora.pace, unit="x", note="Orthogonal to LoRA"),
        Figure(f"{name}-orthogonal-optimiser", halved, better="lower", unit="x", note="bytes, Orthogonal to LoRA"),
        Figure(f"{name}-memory", lora.peak / _GB, better="lower", unit="GB", note=f"plain {plain.peak / _GB:.2f} GB"),
    ]
    if model.spared:
        spared = found[5]
        note = f"LoRA, saving memory; plain {found[4].peak / _GB:.2f} GB"
        figures.append(Figure(f"{name}-memory-spared", spared.peak / _GB, None, 10.0, "lower", "GB", note))
    return figures
