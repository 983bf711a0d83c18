"""Weighted F-measure: mistakes near the object and in clusters weigh differently from lone ones far off (Margolin et al., CVPR 2014)."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from engines.segmentation.metrics.pair import Map, Mask, Pair, extent

_REACH = 3
_SIGMA = 5.0
_HALVING = 5.0


def weighted_f(pair: Pair) -> float:
    """The weighted F-measure with b² = 1 of a soft map; 0 where the truth is empty."""
    truth = pair.truth
    if not truth.any():
        return 0.0
    error = np.abs(pair.soft - truth)
    nearest = ndimage.distance_transform_edt(~truth, return_distances=False, return_indices=True)
    inside = _forgiven(pair, error, nearest)
    background = pair.valid & ~truth
    outside = float(error[background] @ _importance(nearest, background))
    size = int(np.count_nonzero(truth))
    hit = size - float(inside.sum())
    if hit <= 0:
        return 0.0
    precision, recall = hit / (hit + outside), hit / size
    return 2 * precision * recall / (precision + recall)


def _forgiven(pair: Pair, error: Map, nearest: Map) -> Map:
    """The errors of the truth's pixels, each at most the mean around it: a lone hole is half seen through.

    Around the object counts what the nearest pixel of the object has, so that its edge is treated like its middle.
    """
    rows, columns = extent(pair.truth, margin=_REACH)
    near_rows, near_columns = nearest[:, rows, columns]
    extended = np.where(pair.valid[rows, columns], error[near_rows, near_columns], 0.0)
    kernel = np.exp(-(np.arange(-_REACH, _REACH + 1) ** 2) / (2 * _SIGMA**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        extended = ndimage.correlate1d(extended, kernel, axis=axis, mode="constant")
    return np.minimum(error[rows, columns], extended)[pair.truth[rows, columns]]


def _importance(nearest: Map, background: Mask) -> Map:
    """The weight of mistakes in the background: 1 at the object, towards 2 far from it, halfway every five pixels."""
    rows, columns = np.nonzero(background)
    distances: Map = np.hypot(nearest[0][background] - rows, nearest[1][background] - columns)
    return 2 - np.exp(distances * (math.log(0.5) / _HALVING))
