"""Segmentation: a click to its mask, hard domains before and after, an adaptation without a graphics card, and a training step of every tuner at full size."""

from __future__ import annotations

from engines.bench._segment_adapting import decoder_only, full_size, quality
from engines.bench._segment_clicks import clicking, threads
from engines.bench.table import Bench, Result

SENTENCE = "a click to its mask; the starter SAM before and after on hard domains, decoder-only seconds, and a full-size training step of every tuner"


def measure(bench: Bench) -> Result:
    """All of it; the slowest part, the full-size steps, comes last."""
    clicks, answered = clicking(bench)
    domains, gained = quality(bench)
    quick = decoder_only(bench)
    steps, peak = full_size(bench)
    return Result(
        (clicks, domains, steps),
        (*answered, *gained, quick, peak),
        {"asked": "both ways; the table's Dice without being asked", "threads for clicks": threads()},
    )
