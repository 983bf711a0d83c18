"""S-measure: whether a soft map has the structure of the truth, as objects and region by region (Fan et al., ICCV 2017)."""

from __future__ import annotations

import math

import numpy as np

from engines.segmentation.metrics.pair import Map, Mask, Pair


def s_measure(pair: Pair, *, alpha: float = 0.5) -> float:
    """`alpha` times the object part and the rest times the region part, never below 0.

    Without foreground in the truth it is the mean of 1 - p, without background the mean of p.
    """
    soft, truth = pair.judged(pair.soft), pair.judged(pair.truth)
    share = float(truth.mean())
    if share in {0.0, 1.0}:
        return float(soft.mean() if share else 1 - soft.mean())
    objects = share * _uniform(soft[truth]) + (1 - share) * _uniform(1 - soft[~truth])
    return max(0.0, alpha * objects + (1 - alpha) * _regions(pair))


def _uniform(values: Map) -> float:
    """How close to 1, and to each other, the values inside an object are."""
    mean = float(values.mean())
    spread = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + spread)


def _regions(pair: Pair) -> float:
    """The four blocks around the centroid of the truth, weighted by their pixels.

    The centroid's own row and column belong to the upper left block. Halves are rounded up as in the authors' code; libraries that round
    them to even cut some pictures one pixel off.
    """
    row, column = (_centre(pair.truth.sum(axis=1 - axis)) + 1 for axis in (0, 1))
    total, pixels = 0.0, int(np.count_nonzero(pair.valid))
    for rows in (slice(row), slice(row, None)):
        for columns in (slice(column), slice(column, None)):
            block = pair.valid[rows, columns]
            if count := int(np.count_nonzero(block)):
                alike = _alike(pair.soft[rows, columns][block], pair.truth[rows, columns][block])
                total += count / pixels * alike
    return total


def _centre(weights: Map) -> int:
    return math.floor(float(weights @ np.arange(len(weights))) / float(weights.sum()) + 0.5)


def _alike(soft: Map, truth: Mask) -> float:
    """Structural similarity of two blocks, flat."""
    degrees = max(soft.size - 1, 1)
    mean, share = float(soft.mean()), float(truth.mean())
    if soft.max() == soft.min():  # exactly nothing, where rounding would leave a trace of a variance
        variance = covariance = 0.0
    else:
        centred = soft - mean
        variance = float(centred @ centred) / degrees
        covariance = float(centred[truth].sum()) / degrees
    above = 4 * mean * share * covariance
    below = (mean**2 + share**2) * (variance + soft.size * share * (1 - share) / degrees)
    if above == 0:
        return float(below == 0)
    return above / below
