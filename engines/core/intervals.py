"""How sure a figure is: a mean, or anything that follows from means, with a 95 % bootstrap interval; without torch.

What is resampled is the group (the prompt, the picture), never its single values: values of one group are alike, and resampling them would
promise more certainty than there is. A difference that is known pair by pair belongs in as differences: the interval is then that of the
paired comparison. With few groups the plain percentiles are too narrow, so wider ones are taken, as far out as Student's t asks for (the
expanded percentile interval of Hesterberg, What Teachers Should Know about the Bootstrap, 2015).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Rows = npt.NDArray[np.float64]

RESAMPLES = 2000
FEWEST = 6
"""With fewer groups all of them can come out better by chance more often than one time in twenty."""


@dataclass(frozen=True)
class Figure:
    """A mean with its 95 % interval; `count` pictures went into it."""

    mean: float
    low: float
    high: float
    count: int

    def as_data(self) -> dict[str, float | int]:
        """Plain data for a report."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "count": self.count}


def interval(values: Sequence[float], groups: Sequence[str], *, seed: int = 0) -> Figure:
    """Mean over groups of their means, with a 95 % bootstrap interval over groups; deterministic.

    Args:
        values: one figure a picture; there must be some.
        groups: the prompt, or whatever else is to be resampled, of each.
        seed: of the resampling.
    """
    by_group: dict[str, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        by_group.setdefault(group, []).append(value)
    means = np.array([[np.mean(found)] for found in by_group.values()])
    return estimate(means, lambda mean: mean[:, 0], count=len(values), seed=seed)


def estimate(rows: Rows, figure: Callable[[Rows], Rows], *, count: int, seed: int = 0) -> Figure:
    """A figure that follows from the mean of all rows (a ratio of sums, say), with a 95 % bootstrap interval over rows; deterministic.

    Args:
        rows: (N, K), one row a group; N must be at least 1.
        figure: maps mean rows (B, K) to figures (B,); NaN where a resample leaves it undefined, and such a resample is left out.
        count: how many pictures went into the rows.
        seed: of the resampling.
    """
    drawn = np.random.default_rng(seed).integers(0, len(rows), (RESAMPLES, len(rows)))
    resampled = figure(np.stack([column[drawn].mean(axis=1) for column in rows.T], axis=1))
    known = resampled[~np.isnan(resampled)]
    tail = 100 * _tail(len(rows))
    low, high = np.percentile(known, [tail, 100 - tail]) if known.size else (np.nan, np.nan)
    return Figure(float(figure(rows.mean(axis=0, keepdims=True))[0]), float(low), float(high), count)


def certain(difference: Mapping[str, float | int]) -> bool:
    """Whether there is a difference at all: its interval lies on one side of 0."""
    return difference["low"] > 0 or difference["high"] < 0


def _tail(groups: int) -> float:
    """Share of the resamples beyond each end of the interval of so many groups; 0 for a single one."""
    if groups == 1:
        return 0.0
    student = special.stdtrit(groups - 1, 0.975)
    return float(special.ndtr(-math.sqrt(groups / (groups - 1)) * student))
