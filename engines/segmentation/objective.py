"""The training error of masks: overlap, pixels, and the model's own estimate of each mask.

Errors are measured on a grid twice as fine as the decoder's, against the share of each cell that belongs to the object; what lies outside the
picture counts nothing.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from engines.api.segment_job import SegmentObjective

_SHARE_WEIGHT = 10.0
FINER = 2
"""Masks are compared on a grid so many times finer than the decoder's."""


def mask_errors(
    logits: torch.Tensor, truth: torch.Tensor, valid: torch.Tensor, weights: SegmentObjective
) -> torch.Tensor:
    """Error of each mask (P,).

    Args:
        logits: (P, n, n).
        truth: (P, n, n) share of each cell that belongs to the object.
        valid: (P, n, n) or (1, n, n) share of each cell that lies in the picture.
        weights: how overlap and pixels are put together.
    """
    overlap = 1.0 - soft_dice(logits, truth, valid)
    each = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    if weights.focal_gamma:
        sure = logits.sigmoid()
        each = each * (truth * (1.0 - sure) + (1.0 - truth) * sure) ** weights.focal_gamma
    pixels = (each * valid).sum(dim=(1, 2)) / valid.sum(dim=(1, 2)).clamp_min(1e-6)
    return weights.dice_weight * overlap + weights.pixel_weight * pixels


def soft_dice(logits: torch.Tensor, truth: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Dice of the masks' chances and the truth (P,), 1 where both are empty."""
    sure = logits.sigmoid() * valid
    truth = truth * valid
    both = (sure * truth).sum(dim=(1, 2))
    return (2.0 * both + 1.0) / ((sure.square() + truth.square()).sum(dim=(1, 2)) + 1.0)


def overlap_of(logits: torch.Tensor, truth: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """IoU (P,) of what the masks say and what is true, no gradient; 1 where both are empty."""
    with torch.no_grad():
        said, there = (logits > 0) & (valid > 0.5), (truth > 0.5) & (valid > 0.5)
        either = (said | there).sum(dim=(1, 2))
        return torch.where(either > 0, (said & there).sum(dim=(1, 2)) / either.clamp_min(1), 1.0)


def unmarked_errors(logits: torch.Tensor, valid: torch.Tensor, weights: SegmentObjective) -> torch.Tensor:
    """Error of masks without a truth (P,): how unsure they are, and how far their size leaves what is known of the class.

    Entropy alone would make everything background or everything object; the share of the picture prevents it (Bateson et al. 2022, there as
    one ratio, here as an interval). Unsureness inside counts nine times what it counts outside, as there.
    """
    sure = logits.sigmoid().clamp(1e-6, 1.0 - 1e-6)
    entropy = -(sure * sure.log() + (1.0 - sure) * (1.0 - sure).log())
    each = entropy * (0.9 * sure + 0.1 * (1.0 - sure)).detach()
    area = valid.sum(dim=(1, 2)).clamp_min(1e-6)
    share = (sure * valid).sum(dim=(1, 2)) / area
    beyond = functional.relu(weights.least_share - share) + functional.relu(share - weights.most_share)
    return (each * valid).sum(dim=(1, 2)) / area + _SHARE_WEIGHT * beyond.square()


def drawn_together(first: torch.Tensor, second: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """How far two answers (P, n, n) are apart (P,): the symmetric divergence of their chances, pixel by pixel."""
    one, two = first.sigmoid(), second.sigmoid()
    apart = (one - two) * (first - second)  # KL(1, 2) + KL(2, 1) of two yes-or-no chances
    return (apart * valid).sum(dim=(1, 2)) / valid.sum(dim=(1, 2)).clamp_min(1e-6)
