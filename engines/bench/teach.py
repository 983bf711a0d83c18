"""Teaching: steps a second against a plain diffusers and peft loop, and the demo's seconds and likeness.

Both loops teach the same sample subject to the starter with the same settings, in one process, turn and turn about, so that whatever else
the machine does falls on both. Ours is the whole worker with its journal, not a bare loop; the demo is a cold process of its own.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.bench.table import Bench, Figure, Result, Table

SENTENCE = "steps a second against a plain diffusers and peft loop; the demo's seconds and likeness"

FULL_SIZE = True
SUBJECT = "tobi-bear"
PAIRS, STEPS = 5, 40
QUICK_PAIRS, QUICK_STEPS = 1, 4
CAMERA = (4000, 3000)
"""A twelve-megapixel photo, what people have. The samples themselves are far smaller than any photo, so both are measured."""


@dataclass(frozen=True)
class Turn:
    """One turn of both loops: steps a second of each."""

    plain: float
    ours: float

    @property
    def ratio(self) -> float:
        """How many times faster ours was."""
        return self.ours / self.plain


def measure(bench: Bench) -> Result:
    """Run both loops on camera-sized photos and on the small samples, then the demo; or all loops on models of full size."""
    from engines.api.places import samples, starter

    if bench.full_size:
        from engines.bench._full_size import compare

        return compare(bench)
    small = samples() / SUBJECT
    camera = camera_photos(small, bench.folder / "camera" / SUBJECT)
    measured = {}
    conditions: dict[str, str] = {}
    for name, pictures in (("12 MP photos", camera), ("256 px samples", small)):
        measured[name], conditions = compare_loops(bench, starter("diffusion"), pictures, name)
    rows = [
        (name, number, turn.plain, turn.ours, turn.ratio)
        for name, turns in measured.items()
        for number, turn in enumerate(turns, start=1)
    ]
    table = Table(
        "Steps a second, turn and turn about", ("pictures", "turn", "plain loop", "Lorikeet", "ratio"), tuple(rows)
    )
    bench.say("The demo, in a process of its own ...")
    told = run_demo(bench)
    photos, little = measured.values()
    figures = [
        Figure("teach-speed-ratio", _middle(photos), 1.5, 2.5, unit="x", note=f"12 MP photos, {_spread(photos)}"),
        Figure("teach-speed-ratio-small", _middle(little), unit="x", note=f"256 px samples, {_spread(little)}"),
        Figure("teach-steps-per-second", statistics.median(turn.ours for turn in (*photos, *little)), unit="/s"),
        *demo_figures(told),
    ]
    parts = Table("The demo, seconds", ("part", "seconds"), tuple(told["parts"].items()))
    return Result((table, parts), tuple(figures), {**conditions, "demo device": str(told["device"])})


def _middle(turns: Sequence[Turn]) -> float:
    return statistics.median(turn.ratio for turn in turns)


def _spread(turns: Sequence[Turn]) -> str:
    ratios = [turn.ratio for turn in turns]
    return f"{len(turns)} turns, {min(ratios):.2f} to {max(ratios):.2f}"


def camera_photos(pictures: Path, folder: Path, size: tuple[int, int] = CAMERA) -> Path:
    """The same pictures as a camera would have made them: twelve megapixels or another size, JPEG, with a sensor's grain; returns `folder`."""
    import numpy as np
    from PIL import Image

    folder.mkdir(parents=True)
    grain = np.random.default_rng(0).integers(-6, 7, (size[1], size[0], 1), dtype=np.int16)
    for file in sorted(pictures.glob("*.png")):
        with Image.open(file) as opened:
            large = opened.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        values = np.clip(np.asarray(large).astype(np.int16) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(values).save(folder / f"{file.stem}.jpg", quality=92)
        shutil.copy(file.with_suffix(".txt"), folder)
    shutil.copy(pictures / "subject.json", folder)
    return folder


def compare_loops(bench: Bench, base: Path, pictures: Path, name: str) -> tuple[list[Turn], dict[str, str]]:
    """Let both loops teach the subject in the folder `pictures` to `base`, a diffusers folder, in turns."""
    import torch

    from engines.bench._plain_loop import PlainLoop, PlainSettings
    from engines.bench._worker_loop import WorkerLoop, examples_of, pace_of, shared_settings
    from engines.core.devices import pick

    device = pick("auto", "fp32")
    pairs, steps = (QUICK_PAIRS, QUICK_STEPS) if bench.quick else (PAIRS, STEPS)
    bench.say(f"{name}: loading both loops ...")
    ours = WorkerLoop(bench.folder / name.replace(" ", "-"), base, pictures)
    shared = shared_settings(base)
    plain = PlainLoop(base, examples_of(pictures), PlainSettings(**shared), device.torch_device)

    def our_pace() -> float:
        return pace_of(ours.run(steps=steps, precision="fp32"))

    bench.say(f"{name}: warming up ...")
    plain.run(2)
    our_pace()
    turns = []
    for number in range(pairs):
        fast = our_pace() if number % 2 else 0.0
        slow = steps / plain.run(steps)
        turns.append(Turn(slow, fast or our_pace()))
        bench.say(
            f"{name}: turn {number + 1} of {pairs}: plain {slow:.2f}, Lorikeet {turns[-1].ours:.2f} steps a second"
        )
    conditions = {
        "device": device.kind,
        "threads": str(torch.get_num_threads()),
        "base": base.parent.name + "/" + base.name,
        "settings": f"{shared['edge']} px, batch {shared['batch']}, rank {shared['rank']}, fp32, {steps} steps a turn",
        "learned numbers": str(plain.trained_count),
    }
    return turns, conditions


def run_demo(bench: Bench) -> dict[str, Any]:
    """The demo as a person starts it; returns what it tells with `--json`."""
    command = [sys.executable, "-m", "engines", "demo", str(bench.folder / "demo"), "--json"]
    if bench.quick:
        command += ["--steps", str(QUICK_STEPS)]
    done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
        command, stdout=subprocess.PIPE, text=True, check=False
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    results = [line for line in told if line.get("type") == "result"]
    if not results:
        error = next((line["error"] for line in told if "error" in line), {"title": "The demo gave no result"})
        from engines.api.errors import JobError

        raise JobError(error["title"], error.get("what", ""), error.get("hint", ""))
    result: dict[str, Any] = results[-1]
    return result


def demo_figures(told: dict[str, Any]) -> list[Figure]:
    """Seconds, and likeness before and after; the gap is from the top of one interval to the foot of the other."""
    identity = told["identity"]
    figures = [Figure("demo-seconds", told["seconds"], 150, 75, better="lower", unit="s")]
    if identity is None:
        return [*figures, Figure("identity-gap", float("nan"), 0.0, note="nobody judged the pictures")]
    before, after = identity["before"], identity["after"]
    closer = identity["closer"]
    return [
        *figures,
        Figure("identity-before", before["mean"], note=f"{before['low']:.3f} to {before['high']:.3f}"),
        Figure("identity-after", after["mean"], note=f"{after['low']:.3f} to {after['high']:.3f}"),
        Figure(
            "identity-gap",
            after["low"] - before["high"],
            0.0,
            note=f"closer in {closer['won']} of {closer['of']} pairs",
        ),
    ]
