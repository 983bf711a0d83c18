"""The figures that follow from four counts of pixels: (true positive, false positive, false negative, true negative).

Counts are float arrays (..., 4), so the same functions serve one mask, all thresholds of a soft one, many pictures pooled, and the resamples
of a bootstrap. Counts without any pixel make every figure undefined (NaN).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.segmentation.metrics.pair import Pair

Counts = npt.NDArray[np.float64]
Values = npt.NDArray[np.float64]

SALIENCY_BETA2 = 0.3
"""How much recall weighs against precision in the F-measure of the saliency papers (Achanta et al. 2009); 1 makes it Dice."""


def count(pair: Pair) -> Counts:
    """The counts (4,) of the predicted mask."""
    masks = (pair.predicted & pair.truth, pair.predicted, pair.truth, pair.valid)
    return from_sums(*(np.float64(np.count_nonzero(mask)) for mask in masks))


def from_sums(both: npt.ArrayLike, predicted: npt.ArrayLike, truth: float, pixels: float) -> Counts:
    """Counts (..., 4) from the pixels of the overlap (...), of the prediction (...), of the truth and of the picture."""
    overlap, found = np.asarray(both, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    return np.stack([overlap, found - overlap, truth - overlap, pixels - found - truth + overlap], axis=-1)


def dice(counts: Counts) -> Values:
    """2 TP / (2 TP + FP + FN). Both empty: 1; one of them empty: 0."""
    return f_beta(counts, 1.0)


def iou(counts: Counts) -> Values:
    """TP / (TP + FP + FN), Jaccard's index. Both empty: 1; one of them empty: 0."""
    tp, fp, fn, _ = _parts(counts)
    return _ratio(counts, tp, tp + fp + fn, otherwise=1.0)


def precision(counts: Counts) -> Values:
    """How much of the prediction is true, TP / (TP + FP). Nothing predicted: 1 if there is nothing, else 0."""
    tp, fp, fn, _ = _parts(counts)
    return _ratio(counts, tp, tp + fp, otherwise=fn == 0)


def recall(counts: Counts) -> Values:
    """How much of the truth was predicted, TP / (TP + FN). Nothing there: 1 if nothing was predicted, else 0."""
    tp, fp, fn, _ = _parts(counts)
    return _ratio(counts, tp, tp + fn, otherwise=fp == 0)


def f_beta(counts: Counts, beta2: float, *, both_empty: float = 1.0) -> Values:
    """(1 + b²) P R / (b² P + R) of precision and recall, where `beta2` is b². One empty: 0; both: `both_empty`."""
    tp, fp, fn, _ = _parts(counts)
    weighted = (1 + beta2) * tp
    return _ratio(counts, weighted, weighted + beta2 * fn + fp, otherwise=both_empty)


def ber(counts: Counts) -> Values:
    """Balanced error rate in %: the mean of the shares of background and of foreground that were mistaken (shadow detection).

    A truth that is all background or all foreground has only one share, and that is the figure.
    """
    tp, fp, fn, tn = _parts(counts)
    mistaken = _share(fp, tn + fp) + _share(fn, fn + tp)
    sides = np.add(tn + fp > 0, fn + tp > 0, dtype=np.float64)
    return _ratio(counts, 100 * mistaken, sides, otherwise=np.nan)


def e_measure(counts: Counts) -> Values:
    """Enhanced alignment of two masks (Fan et al., IJCAI 2018): how both depart from their own means, pixel by pixel.

    The sum is divided by the pixels less one, as in the authors' code, so that equal masks get a hair above 1. A truth without foreground
    gets the share of background predicted, one without background the share of foreground.
    """
    tp, fp, fn, tn = _parts(counts)
    pixels = tp + fp + fn + tn
    foreground = tp + fn
    share_predicted, share_true = _share(tp + fp, pixels), _share(foreground, pixels)
    total = np.zeros_like(tp)
    for size, predicted, true in ((tp, 1, 1), (fp, 1, 0), (fn, 0, 1), (tn, 0, 0)):
        a, b = predicted - share_predicted, true - share_true
        total += size * (_share(2 * a * b, a**2 + b**2) + 1) ** 2 / 4
    total = np.where(foreground == 0, tn + fn, np.where(foreground == pixels, tp + fp, total))
    return _ratio(counts, total, np.maximum(pixels - 1, 1), otherwise=total)


def _parts(counts: Counts) -> tuple[Values, Values, Values, Values]:
    return counts[..., 0], counts[..., 1], counts[..., 2], counts[..., 3]


def _share(part: Values, whole: Values) -> Values:
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole != 0)


def _ratio(counts: Counts, part: Values, whole: Values, *, otherwise: npt.ArrayLike) -> Values:
    """`part` by `whole`, `otherwise` where the whole is 0, and NaN where there is no pixel at all."""
    fallback = np.full(counts.shape[:-1], otherwise, dtype=np.float64)
    found = np.divide(part, whole, out=fallback, where=whole != 0)
    return np.where(counts.sum(axis=-1) > 0, found, np.nan)
