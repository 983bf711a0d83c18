"""How alike pictures are to photos of the subject (CLIP-I) and to their prompts (CLIP-T), how far they went from what they were (drift), and how
much they vary, with bootstrap intervals over prompts.

Figures are raw cosines (Radford et al. 2021); the encoder's name goes with them, since figures of different encoders cannot be compared.
CLIP-I is the mean over all pairs of a made picture and a photo (DreamBooth, Ruiz et al. 2023). Intervals resample prompts, not pictures,
because pictures of one prompt are alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


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
