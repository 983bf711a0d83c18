"""The figures of `bench segment` about adapting: hard domains before and after, minutes on a processor, and the full-size model's memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from engines.bench._domains import Trial, trial
from engines.bench.table import Bench, Cell, Figure, Table

BEST = {"camouflage": ("adaptformer", 25.0, 45.0), "shadows": ("lora", 15.0, 35.0), "scan": ("lora", 15.0, 35.0)}
"""The tuner chosen for each domain on pictures that are not reported (seed 9), with floor and aim in points of Dice."""
SEEDS = (0, 1, 2)
STEPS, DECODER_STEPS = 150, 80
TUNERS = ("decoder", "lora", "sam-adapter", "salt", "adaptformer")
_LIMIT_GIB = 20.0


def quality(bench: Bench) -> tuple[Table, list[Figure]]:
    """Dice before and after the chosen tuner, on three domains, three seeds each."""
    rows: list[tuple[Cell, ...]] = []
    figures = []
    for domain, (tuner, floor, aim) in list(BEST.items())[: 1 if bench.quick else None]:
        seeds = SEEDS[: 1 if bench.quick else None]
        trials = [trial(bench, domain, seed, tuner, {}, steps=STEPS, prompts="both") for seed in seeds]
        gains = [one.change("dice") for one in trials]
        points = 100 * sum(gain for gain, _, _ in gains) / len(gains)
        note = "; ".join(f"{100 * gain:+.0f} ({100 * low:+.0f} to {100 * high:+.0f})" for gain, low, high in gains)
        figures.append(Figure(f"segment-dice-{domain}", points, floor, aim, unit=" points", note=note))
        clicked = [100 * (one.figure("dice", "after") - one.figure("dice", "before", "click")) for one in trials]
        told = "found without being asked, against the plain model with a click in the middle"
        mean = sum(clicked) / len(clicked)
        figures.append(Figure(f"segment-dice-{domain}-against-a-click", mean, unit=" points", note=told))
        rows += [_row(domain, tuner, seed, one) for seed, one in zip(SEEDS, trials, strict=False)]
    headings = (
        "domain",
        "way",
        "seed",
        "Dice before",
        "one click before",
        "Dice after",
        "IoU after",
        "boundary F after",
        "one click after",
        "seconds",
    )
    return Table(
        "Hard domains, automatic, 16 pictures learned from, 24 others measured", headings, tuple(rows)
    ), figures


def decoder_only(bench: Bench) -> Figure:
    """Seconds that adapting the decoder alone to sixteen pictures takes, from opening the model to the checked file."""
    found = trial(bench, "camouflage", 0, "decoder", {}, steps=DECODER_STEPS)
    before, after = found.figure("dice", "before"), found.figure("dice", "after")
    note = f"{DECODER_STEPS} steps, Dice {before:.3f} -> {after:.3f}"
    return Figure("segment-decoder-only", found.seconds, 60.0, 20.0, better="lower", unit=" s", note=note)


def full_size(bench: Bench) -> tuple[Table, Figure]:
    """One training step of every tuner on ViT-B with random weights, each in a process of its own: seconds and peak memory."""
    rows: list[tuple[Cell, ...]] = []
    for tuner in TUNERS[: 1 if bench.quick else None]:
        code = [sys.executable, "-m", "engines.bench._full_size_step", tuner]
        done = subprocess.run(code, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])  # noqa: S603 - our own code
        found = json.loads(done.stdout.splitlines()[-1])
        rows.append((tuner, found["learned"], found["seconds"], found["peak_gib"], found["forecast_gib"]))
        bench.say(f"ViT-B, {tuner}: {found['seconds']:.0f} s, {found['peak_gib']:.1f} GiB")
    most = max(float(row[3] or 0.0) for row in rows)
    headings = ("way", "learned", "seconds a step", "peak GiB", "forecast GiB")
    figure = Figure(
        "segment-vit-b-step", most, _LIMIT_GIB, better="lower", unit=" GiB", note="the greediest tuner, one picture"
    )
    return Table("One step on ViT-B, random weights, this processor", headings, tuple(rows)), figure


def _row(domain: str, tuner: str, seed: int, one: Trial) -> tuple[Cell, ...]:
    after = [one.figure(name, "after") for name in ("dice", "iou", "boundary_f")]
    clicks = [one.figure("dice", side, "click") for side in ("before", "after")]
    return (domain, tuner, seed, one.figure("dice", "before"), clicks[0], *after, clicks[1], one.seconds)
