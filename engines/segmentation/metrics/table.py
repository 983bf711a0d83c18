"""Every figure of every picture, their means and pooled figures with intervals over pictures, and what an adapter changed.

A picture is what is resampled: the classes and objects of one picture stand or fall together. Means are means over pictures of the mean over a
picture's classes; pooled figures come from the pixels of all pictures together, class by class, and are then averaged over the classes (so the
pooled IoU of several classes is the mIoU). The two differ much where objects are small: pooling lets large ones decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engines.core.intervals import Figure, Rows, estimate, interval
from engines.segmentation.metrics import boundary, soft, structure, weighted
from engines.segmentation.metrics.counts import (
    SALIENCY_BETA2,
    Counts,
    Values,
    ber,
    count,
    dice,
    f_beta,
    iou,
    precision,
    recall,
)
from engines.segmentation.metrics.pair import Pair


@dataclass(frozen=True)
class Measure:
    """A figure there is: its name in files, how people call it, its unit, and which way is better. `pooled` exists where counts suffice."""

    name: str
    title: str
    better: Literal["higher", "lower", "nearer to 0"]
    unit: str = ""
    pooled: Callable[[Counts], Values] | None = None


def _saliency_f(counts: Counts) -> Values:
    return f_beta(counts, SALIENCY_BETA2)


MEASURES: tuple[Measure, ...] = (
    Measure("dice", "Dice", "higher", pooled=dice),
    Measure("iou", "IoU", "higher", pooled=iou),
    Measure("ber", "Balanced error rate", "lower", "%", pooled=ber),
    Measure("precision", "Precision", "higher", pooled=precision),
    Measure("recall", "Recall", "higher", pooled=recall),
    Measure("f_beta", "F-measure, b² = 0.3", "higher", pooled=_saliency_f),
    Measure("mae", "Mean absolute error", "lower"),
    Measure("f_adaptive", "F-measure, adaptive threshold", "higher"),
    Measure("f_mean", "F-measure, mean over thresholds", "higher"),
    Measure("f_max", "F-measure, best threshold", "higher"),
    Measure("f_weighted", "Weighted F-measure", "higher"),
    Measure("s_measure", "S-measure", "higher"),
    Measure("e_adaptive", "E-measure, adaptive threshold", "higher"),
    Measure("e_mean", "E-measure, mean over thresholds", "higher"),
    Measure("e_max", "E-measure, best threshold", "higher"),
    Measure("boundary_f", "Boundary F", "higher"),
    Measure("hd95", "HD95", "lower", "px"),
    Measure("iou_error", "Error of the predicted IoU", "lower"),
    Measure("iou_bias", "Predicted IoU less the true one", "nearer to 0"),
)


@dataclass(frozen=True, eq=False)
class Judged:
    """One class of one picture: its counts (4,), and its figures by name, NaN where one is undefined."""

    picture: str
    label: str
    counts: Counts
    figures: Mapping[str, float] = field(repr=False)


@dataclass(frozen=True)
class Summary:
    """The figures of many pictures.

    Attributes:
        pictures: how many there are.
        judged: pictures and classes together.
        both_empty: of those, how many are empty in truth and prediction alike.
        missed: how many have something in the truth and nothing in the prediction.
        invented: how many have something in the prediction and nothing in the truth.
        mean: by name; None where the figure is defined nowhere. `count` of a figure says in how many it is.
        pooled: by name, those that follow from counts.
    """

    pictures: int
    judged: int
    both_empty: int
    missed: int
    invented: int
    mean: Mapping[str, Figure | None]
    pooled: Mapping[str, Figure]


@dataclass(frozen=True)
class Change:
    """After less before, pair by pair; by name as in `Summary`. A mean's pictures are those where both are defined."""

    mean: Mapping[str, Figure | None]
    pooled: Mapping[str, Figure]


def judge(
    picture: str,
    label: str,
    pair: Pair,
    *,
    predicted_iou: float | None = None,
    tolerance_px: float | None = None,
    skip_absent: bool = False,
) -> Judged:
    """Measure one class of one picture.

    Args:
        picture: its name; classes and objects of one picture share it.
        label: the class.
        pair: prediction and truth.
        predicted_iou: what the model itself thinks of its mask, where it says so.
        tolerance_px: of the boundary F; `boundary.tolerance_px` of the picture when None.
        skip_absent: a class that is neither there nor predicted gets no figures of its own, only its pixels count in pooled ones. For several
            classes a picture, most of which are absent; with a single class an empty picture rightly left empty is worth a full mark.
    """
    counts = count(pair)
    figures = dict.fromkeys((measure.name for measure in MEASURES), math.nan)
    if counts.sum() and not (skip_absent and _is_empty(counts)):
        figures |= {measure.name: float(measure.pooled(counts)) for measure in MEASURES if measure.pooled}
        figures |= _of_maps(pair) | _of_outlines(pair, tolerance_px)
        if predicted_iou is not None:
            figures["iou_bias"] = predicted_iou - figures["iou"]
            figures["iou_error"] = abs(figures["iou_bias"])
    return Judged(picture, label, counts, figures)


def by_label(judged: Iterable[Judged]) -> dict[str, list[Judged]]:
    """The same, apart by class, to be summarised or compared class by class."""
    found: dict[str, list[Judged]] = {}
    for one in judged:
        found.setdefault(one.label, []).append(one)
    return found


def summarise(judged: Sequence[Judged]) -> Summary:
    """Means and pooled figures with 95 % intervals over pictures; there must be some."""
    counts = np.stack([one.counts for one in judged])
    true, predicted = counts[:, [0, 2]].any(axis=1), counts[:, [0, 1]].any(axis=1)
    return Summary(
        pictures=len({one.picture for one in judged}),
        judged=len(judged),
        both_empty=int(np.count_nonzero(~true & ~predicted)),
        missed=int(np.count_nonzero(true & ~predicted)),
        invented=int(np.count_nonzero(~true & predicted)),
        mean=_means([one.picture for one in judged], [one.figures for one in judged]),
        pooled=_pooled([judged]),
    )


def compare(before: Sequence[Judged], after: Sequence[Judged]) -> Change:
    """What changed between two judgements of the same pictures, with intervals of the paired comparison.

    Raises:
        ValueError: the two are not of the same pictures and classes, or name one twice.
    """
    first, second = ({(one.picture, one.label): one for one in side} for side in (before, after))
    if first.keys() != second.keys() or len(first) != len(before) or len(second) != len(after):
        raise ValueError("only judgements of the same pictures and classes can be compared")
    pairs = [(first[key], second[key]) for key in first]
    changes = [{name: new.figures[name] - old.figures[name] for name in old.figures} for old, new in pairs]
    mean = _means([old.picture for old, _ in pairs], changes)
    return Change(mean, _pooled([before, after]))


def _is_empty(counts: Counts) -> bool:
    return not counts[:3].any()


def _of_maps(pair: Pair) -> dict[str, float]:
    f, e = soft.f_over_thresholds(pair), soft.e_over_thresholds(pair)
    return {
        "mae": soft.mean_absolute_error(pair),
        "f_adaptive": f.adaptive,
        "f_mean": f.mean,
        "f_max": f.most,
        "f_weighted": weighted.weighted_f(pair),
        "s_measure": structure.s_measure(pair),
        "e_adaptive": e.adaptive,
        "e_mean": e.mean,
        "e_max": e.most,
    }


def _of_outlines(pair: Pair, tolerance_px: float | None) -> dict[str, float]:
    gaps = boundary.gaps(pair)
    tolerance = boundary.tolerance_px(*pair.truth.shape) if tolerance_px is None else tolerance_px
    return {"boundary_f": boundary.boundary_f(gaps, tolerance), "hd95": boundary.hausdorff(gaps)}


def _means(pictures: Sequence[str], figures: Sequence[Mapping[str, float]]) -> dict[str, Figure | None]:
    found: dict[str, Figure | None] = {}
    for measure in MEASURES:
        known = [
            (one[measure.name], picture)
            for one, picture in zip(figures, pictures, strict=True)
            if not math.isnan(one[measure.name])
        ]
        found[measure.name] = interval(*zip(*known, strict=True)) if known else None
    return found


def _pooled(sides: Sequence[Sequence[Judged]]) -> dict[str, Figure]:
    """The pooled figures of one side, or those of the second less those of the first."""
    rows = np.stack([_totals(side) for side in sides], axis=1)
    pictures, _, classes, _ = rows.shape

    def figure_of(pooled: Callable[[Counts], Values]) -> Callable[[Rows], Rows]:
        def figure(means: Rows) -> Rows:
            values = _over_classes(pooled(means.reshape(-1, len(sides), classes, 4)))
            return values[:, 0] if len(sides) == 1 else values[:, 1] - values[:, 0]

        return figure

    flat = rows.reshape(pictures, -1)
    return {
        measure.name: estimate(flat, figure_of(measure.pooled), count=pictures)
        for measure in MEASURES
        if measure.pooled
    }


def _totals(judged: Sequence[Judged]) -> Counts:
    """Counts (pictures, classes, 4), in the alphabet's order, so that two sides of a comparison match."""
    pictures, labels = (
        {name: place for place, name in enumerate(sorted(names))}
        for names in ({one.picture for one in judged}, {one.label for one in judged})
    )
    totals = np.zeros((len(pictures), len(labels), 4))
    for one in judged:
        totals[pictures[one.picture], labels[one.label]] += one.counts
    return totals


def _over_classes(values: Values) -> Values:
    """Mean over the last axis of what is defined; NaN where nothing is (a resample without that class)."""
    known = ~np.isnan(values)
    sums: Values = np.where(known, values, 0.0).sum(axis=-1)
    undefined = np.full_like(sums, np.nan)
    mean: Values = np.divide(sums, known.sum(axis=-1), out=undefined, where=known.any(axis=-1))
    return mean
