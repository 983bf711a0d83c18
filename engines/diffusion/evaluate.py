"""How alike pictures are to photos of the subject (CLIP-I) and to their prompts (CLIP-T), with bootstrap intervals over prompts.

Figures are raw cosines (Radford et al. 2021); the encoder's name goes with them, since figures of different encoders cannot be compared.
CLIP-I is the mean over all pairs of a made picture and a photo (DreamBooth, Ruiz et al. 2023). Intervals resample prompts, not pictures,
because pictures of one prompt are alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

RESAMPLES = 2000
FEWEST = 3
"""With fewer prompts an interval says nothing."""


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


def spread(made: torch.Tensor, groups: Sequence[str]) -> float:
    """How far pictures (N, D) of one group are from each other, as in `change`, over all groups; 0 where each has only one."""
    found = [float(1.0 - made[i] @ made[j]) for i in range(len(groups)) for j in range(i) if groups[i] == groups[j]]
    return sum(found) / len(found) if found else 0.0


def interval(values: Sequence[float], groups: Sequence[str], *, seed: int = 0) -> Figure:
    """Mean over groups of their means, with a 95 % bootstrap interval over groups; deterministic.

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
    low, high = np.percentile(means[drawn].mean(axis=1), [2.5, 97.5])
    return Figure(float(means.mean()), float(low), float(high), len(values))


def apart(first: Mapping[str, float | int], second: Mapping[str, float | int]) -> bool:
    """Whether two intervals do not overlap."""
    return first["high"] < second["low"] or second["high"] < first["low"]
