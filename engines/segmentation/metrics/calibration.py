"""Whether a model knows how good its masks are: the IoU it predicts beside the IoU that is true.

Adapters spoil Segment Anything's head for that when it is not trained along. Error and bias of each mask stand in the table (`iou_error`,
`iou_bias`); here is the curve behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bin:
    """The masks whose predicted IoU lies from `low` to below `high`: how many, and the means of both figures."""

    low: float
    high: float
    count: int
    predicted: float
    true: float


def reliability(predicted: Sequence[float], true: Sequence[float], *, bins: int = 10) -> list[Bin]:
    """The curve of a reliability diagram: bins of equal width over 0 to 1 that hold any mask, from low to high.

    A head may leave 0 to 1 by a little; such masks go to the outermost bins.

    Raises:
        ValueError: the two differ in length.
    """
    if len(predicted) != len(true):
        raise ValueError(f"{len(predicted)} predictions for {len(true)} masks")
    said, is_so = np.asarray(predicted, dtype=np.float64), np.asarray(true, dtype=np.float64)
    places = np.clip(np.floor(said * bins), 0, bins - 1).astype(int)
    found = []
    for place in np.unique(places):
        inside = places == place
        means = float(said[inside].mean()), float(is_so[inside].mean())
        found.append(Bin(place / bins, (place + 1) / bins, int(np.count_nonzero(inside)), *means))
    return found


def calibration_error(curve: Sequence[Bin]) -> float:
    """Expected calibration error (Guo et al. 2017): the mean distance of the curve from the diagonal, weighted by masks."""
    return sum(one.count * abs(one.predicted - one.true) for one in curve) / sum(one.count for one in curve)
