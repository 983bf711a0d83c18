"""Watches the training error without waiting for the device, and stops a run whose numbers cannot be right."""

from __future__ import annotations

import math

import torch

from engines.api.errors import TrainingError

_ZEROS = 3


class LossWatch:
    """Sums losses on the device; only `read` waits for it."""

    def __init__(self, device: torch.device) -> None:
        self._sum = torch.zeros((), device=device)
        self._steps = 0
        self._zeros = 0

    def add(self, loss: torch.Tensor, *, last: bool) -> None:
        """Add the (share of the) loss of one step; `last` ends the step."""
        self._sum += loss.detach()
        self._steps += last

    def read(self, step: int) -> float | None:
        """The mean a step since the last reading; None when no step was made.

        Raises:
            TrainingError: it is not a number, or was exactly zero for several steps on end.
        """
        if self._steps == 0:
            return None
        mean = float(self._sum) / self._steps
        self._zeros = self._zeros + self._steps if mean == 0.0 else 0
        self._sum.zero_()
        self._steps = 0
        check(mean, step)
        if self._zeros >= _ZEROS:
            raise TrainingError(
                "Nothing is being learned",
                f"The error was exactly zero for {self._zeros} steps on end, which cannot be.",
                "Check the masks and the weight outside them.",
            )
        return mean


def check(value: float, step: int) -> None:
    """Raise TrainingError when a loss is not a finite number."""
    if not math.isfinite(value):
        raise TrainingError(
            "The training went astray",
            f"At step {step} the error was no longer a number. The last checkpoint is from before that.",
            "Start again with a lower learning rate, or with fp32 precision.",
        )
