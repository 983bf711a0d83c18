"""All ways to adapt a segmentation model, on three hard domains with three seeds each: what they learn, cost and weigh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engines.bench._domains import DOMAINS, Trial, trial
from engines.bench.table import Bench, Cell, Figure, Result, Table

SENTENCE = "every way to adapt the starter SAM, on camouflage, shadows and speckled slices, three seeds each"

SEEDS = (0, 1, 2)
STEPS = 80
WAYS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("decoder only", "decoder", {}),
    ("LoRA q, v", "lora", {}),
    ("SAM-Adapter", "sam-adapter", {}),
    ("SALT", "salt", {}),
    ("AdaptFormer", "adaptformer", {}),
)


def measure(bench: Bench) -> Result:
    """Adapt and measure; means over seeds, and the spread of the seeds."""
    domains, seeds = (DOMAINS[:1], SEEDS[:1]) if bench.quick else (DOMAINS, SEEDS)
    rows: list[tuple[Cell, ...]] = []
    figures = []
    for title, tuner, settings in WAYS[: 2 if bench.quick else None]:
        for domain in domains:
            trials = [trial(bench, domain, seed, tuner, settings, steps=STEPS) for seed in seeds]
            rows.append(_row(title, domain, trials))
            gains = [100 * one.change("dice")[0] for one in trials]
            spread = f"seeds {min(gains):+.0f} to {max(gains):+.0f}"
            figures.append(Figure(f"tuners-{tuner}-{domain}", sum(gains) / len(gains), unit=" points", note=spread))
    headings = (
        "way",
        "domain",
        "learned",
        "file kB",
        "seconds",
        "Dice before",
        "Dice after",
        "IoU after",
        "boundary F",
    )
    conditions = {"steps": str(STEPS), "asked": "automatic", "learned from": "16 pictures", "measured on": "24 others"}
    return Result((Table("Ways to adapt", headings, tuple(rows)),), tuple(figures), conditions)


def _row(title: str, domain: str, trials: list[Trial]) -> tuple[Cell, ...]:
    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    return (
        title,
        domain,
        trials[0].parameters,
        trials[0].size / 1000,
        mean([one.seconds for one in trials]),
        mean([one.figure("dice", "before") for one in trials]),
        mean([one.figure("dice", "after") for one in trials]),
        mean([one.figure("iou", "after") for one in trials]),
        mean([one.figure("boundary_f", "after") for one in trials]),
    )
