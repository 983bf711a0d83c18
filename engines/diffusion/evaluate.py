"""How alike pictures are to photos of the subject (CLIP-I) and to their prompts (CLIP-T), how far they went from what they were (drift), and how
much they vary, with bootstrap intervals over prompts.

Figures are raw cosines (Radford et al. 2021); the encoder's name goes with them, since figures of different encoders cannot be compared.
CLIP-I is the mean over all pairs of a made picture and a photo (DreamBooth, Ruiz et al. 2023). Intervals resample prompts, not pictures,
because pictures of one prompt are alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch

RESAMPLES = 2000
FEWEST = 6
"""With fewer prompts all of them can come out better by chance more often than one time in twenty."""


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


def likeness(made: torch.Tensor, references: torch.Tensor) -> list[float]:
    """CLIP-I of each made picture (N, D): its mean cosine with the references (M, D)."""
    return [float(value) for value in (made @ references.T).mean(dim=1)]


def following(made: torch.Tensor, prompts: torch.Tensor) -> list[float]:
    """CLIP-T of each made picture (N, D): its cosine with its own prompt (N, D)."""
    return [float(value) for value in (made * prompts).sum(dim=1)]


def change(before: torch.Tensor, after: torch.Tensor) -> list[float]:
    """Drift: how far each picture (N, D) went from its partner of equal words and seed (N, D); 0 is the same picture (1 - cosine)."""
    return [float(value) for value in 1.0 - (before * after).sum(dim=1)]


def variety(made: torch.Tensor, groups: Sequence[str]) -> list[float | None]:
    """How far each picture (N, D) is from the others of its group on average, as in `change`; None where it is alone."""
    far = 1.0 - made @ made.T
    found: list[float | None] = []
    for place, group in enumerate(groups):
        others = [other for other, own in enumerate(groups) if own == group and other != place]
        found.append(float(far[place, others].mean()) if others else None)
    return found


def interval(values: Sequence[float], groups: Sequence[str], *, seed: int = 0) -> Figure:
    """Mean over groups of their means, with a 95 % bootstrap interval over groups; deterministic.

    With few groups the plain percentiles are too narrow, so wider ones are taken, as far out as Student's t asks for (the expanded
    percentile interval of Hesterberg, What Teachers Should Know about the Bootstrap, 2015).

    Args:
        values: one figure a picture; there must be some.
        groups: the prompt of each.
        seed: of the resampling.
    """
    by_group: dict[str, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        by_group.setdefault(group, []).append(value)
    means = np.array([np.mean(found) for found in by_group.values()])
    drawn = np.random.default_rng(seed).integers(0, len(means), (RESAMPLES, len(means)))
    tail = 100 * _tail(len(means))
    low, high = np.percentile(means[drawn].mean(axis=1), [tail, 100 - tail])
    return Figure(float(means.mean()), float(low), float(high), len(values))


def certain(difference: Mapping[str, float | int]) -> bool:
    """Whether there is a difference at all: its interval lies on one side of 0."""
    return difference["low"] > 0 or difference["high"] < 0


def _tail(count: int) -> float:
    """Share of the resamples beyond each end of the interval of so many groups; 0 where there are too few to leave any out."""
    freedom = count - 1
    if freedom < 3:
        return 0.0
    z = 1.959964
    student = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    student += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    return NormalDist().cdf(-math.sqrt(count / freedom) * student)
