"""The figures of a soft map: its error as it stands, and its overlap with the truth at every threshold (the saliency papers' protocol).

Maps are taken as they are; they are not stretched to 0 and 1 first, as some papers do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.segmentation.metrics.counts import SALIENCY_BETA2, Counts, Values, e_measure, f_beta, from_sums
from engines.segmentation.metrics.pair import Pair

LEVELS = 256


@dataclass(frozen=True)
class Thresholds:
    """A figure at the picture's own threshold (twice the mean of the map, at most 1), and its mean and maximum over 256 fixed ones."""

    adaptive: float
    mean: float
    most: float


def mean_absolute_error(pair: Pair) -> float:
    """Mean of |p - truth| over the pixels, 0 to 1."""
    return float(np.abs(pair.judged(pair.soft) - pair.judged(pair.truth)).mean())


def f_over_thresholds(pair: Pair) -> Thresholds:
    """F-measure with b² = 0.3 (Achanta et al. 2009). 0 at every threshold where the truth is empty."""
    return _over_thresholds(f_beta(_at_all(pair), SALIENCY_BETA2, both_empty=0.0))


def e_over_thresholds(pair: Pair) -> Thresholds:
    """E-measure (Fan et al. 2018)."""
    return _over_thresholds(e_measure(_at_all(pair)))


def _over_thresholds(values: Values) -> Thresholds:
    return Thresholds(float(values[0]), float(values[1:].mean()), float(values[1:].max()))


def _at_all(pair: Pair) -> Counts:
    """Counts (1 + 256, 4): at the adaptive threshold, then at 0/255 to 255/255. A pixel at a threshold is foreground.

    Unlike in the papers' code a map of zeros alone, whose own threshold is 0, is an empty mask and not a full one.
    """
    soft, truth = pair.judged(pair.soft), pair.judged(pair.truth)
    own = (soft >= min(2 * float(soft.mean()), 1.0)) & (soft > 0)
    levels = (soft * (LEVELS - 1)).astype(np.uint8)
    of_all, of_truth = (np.bincount(found, minlength=LEVELS)[::-1].cumsum() for found in (levels, levels[truth]))
    return from_sums(
        np.append(np.count_nonzero(own & truth), of_truth),
        np.append(np.count_nonzero(own), of_all),
        float(np.count_nonzero(truth)),
        truth.size,
    )
