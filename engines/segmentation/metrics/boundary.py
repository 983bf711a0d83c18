"""How far the outlines of two masks are from each other, in pixels of the picture.

An outline is the pixels of a mask that touch, by a side, one outside it; the edge of the picture is outside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import spatial

from engines.segmentation.metrics.pair import Map, Mask, Pair

_DAVIS_SHARE = 0.008


@dataclass(frozen=True, eq=False)
class Gaps:
    """For each pixel of the predicted outline its distance to the true one, and the other way round; both in pixels, NaN without the other."""

    from_predicted: Map
    from_truth: Map


def gaps(pair: Pair) -> Gaps:
    """The distances between the two outlines; exact and Euclidean."""
    predicted, truth = outline(pair.predicted), outline(pair.truth)
    return Gaps(_distances(predicted, truth), _distances(truth, predicted))


def hausdorff(gaps: Gaps, *, percent: float = 95.0) -> float:
    """The larger of the two `percent` percentiles of the distances, in pixels: HD95 as MONAI counts it; 100 is the Hausdorff distance.

    medpy takes one percentile of both directions together, which is another number. NaN where either mask is empty, since there is nothing
    to measure to: a table must say how often that was so.
    """
    if not gaps.from_predicted.size or not gaps.from_truth.size:
        return math.nan
    return max(float(np.percentile(distances, percent)) for distances in (gaps.from_predicted, gaps.from_truth))


def boundary_f(gaps: Gaps, tolerance_px: float) -> float:
    """Harmonic mean of the shares of each outline that lie within `tolerance_px` of the other. Both empty: 1; one of them empty: 0."""
    if not gaps.from_predicted.size and not gaps.from_truth.size:
        return 1.0
    if not gaps.from_predicted.size or not gaps.from_truth.size:
        return 0.0
    precision, recall = (float((found <= tolerance_px).mean()) for found in (gaps.from_predicted, gaps.from_truth))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def tolerance_px(height: int, width: int) -> int:
    """The tolerance DAVIS uses (Perazzi et al. 2016): 0.8 % of the picture's diagonal, rounded up to whole pixels."""
    return math.ceil(_DAVIS_SHARE * math.hypot(height, width))


def outline(mask: Mask) -> Mask:
    """The pixels of a mask (H, W) that touch one outside it by a side."""
    inner = np.zeros_like(mask)
    inner[1:-1, 1:-1] = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return mask & ~inner


def _distances(start: Mask, goal: Mask) -> Map:
    """From each pixel of `start` to the nearest of `goal`. A tree of the few outline pixels is far quicker than a map of distances."""
    if not goal.any():
        return np.full(np.count_nonzero(start), np.nan)
    distances, _ = spatial.KDTree(np.argwhere(goal)).query(np.argwhere(start))
    return np.asarray(distances, dtype=np.float64)
