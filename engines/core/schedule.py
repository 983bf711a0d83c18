"""The learning rate over a run, as a pure function of the step: nothing to save, nothing to restore."""

from __future__ import annotations

import math

from engines.api.recipe import LoopSettings


def factor(step: int, settings: LoopSettings) -> float:
    """Share of the full learning rate for the step with this number (the first is 0): warm-up, then the schedule.

    Linear and cosine fall to zero just behind the last step (cosine: SGDR, arXiv 1608.03983, without restarts).
    """
    warmup = min(settings.warmup, settings.steps - 1)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if settings.schedule == "constant":
        return 1.0
    done = min(1.0, (step - warmup) / max(1, settings.steps - warmup))
    return 1.0 - done if settings.schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))
