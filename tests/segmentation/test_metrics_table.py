"""Figures of many pictures: means, pooled ones, classes, intervals, and what an adapter changed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engines.segmentation.metrics.calibration import calibration_error, reliability
from engines.segmentation.metrics.pair import Mask, by_class, pair
from engines.segmentation.metrics.table import MEASURES, Judged, by_label, compare, judge, summarise


def bar(width: int) -> Mask:
    mask = np.zeros((10, 40), dtype=bool)
    mask[2:8, :width] = True
    return mask


def judged(picture: str, predicted: int, true: int, label: str = "cat", predicted_iou: float | None = None) -> Judged:
    return judge(picture, label, pair(bar(predicted), bar(true)), predicted_iou=predicted_iou)


def mean(judged: list[Judged], name: str = "iou") -> float:
    figure = summarise(judged).mean[name]
    assert figure is not None
    return figure.mean


def test_every_figure_is_there_under_its_name() -> None:
    names = {measure.name for measure in MEASURES}
    one = judged("a", 10, 20, predicted_iou=0.8)
    assert set(one.figures) == names == set(summarise([one]).mean)
    assert not [name for name, value in one.figures.items() if math.isnan(value)]
    assert len(names) == len(MEASURES)


def test_a_mean_asks_every_picture_and_pooling_every_pixel() -> None:
    small_lost = [judged("a", 0, 1), judged("b", 30, 30)]
    found = summarise(small_lost)
    assert mean(small_lost) == pytest.approx(0.5)
    assert found.pooled["iou"].mean == pytest.approx(30 / 31)
    assert found.pooled["dice"].mean == pytest.approx(60 / 61)
    assert (found.pictures, found.judged, found.missed, found.invented, found.both_empty) == (2, 2, 1, 0, 0)


def test_classes_of_a_picture_are_averaged_first_and_pooled_class_by_class() -> None:
    several = [judged("a", 5, 10, "cat"), judged("a", 10, 10, "dog"), judged("b", 20, 20, "cat")]
    assert mean(several) == pytest.approx((0.75 + 1) / 2)
    assert summarise(several).pooled["iou"].mean == pytest.approx((25 / 30 + 1) / 2)
    apart = by_label(several)
    assert [mean(apart["cat"]), mean(apart["dog"])] == pytest.approx([0.75, 1.0])
    assert summarise(apart["cat"]).pooled["iou"].mean == pytest.approx(25 / 30)


def test_undefined_figures_are_left_out_and_counted() -> None:
    found = summarise([judged("a", 10, 10), judged("b", 0, 10), judged("c", 10, 0), judged("d", 0, 0)])
    hd95 = found.mean["hd95"]
    assert hd95 is not None
    assert (hd95.mean, hd95.count) == (0.0, 1)
    assert (found.missed, found.invented, found.both_empty) == (1, 1, 1)
    assert found.mean["iou_error"] is None
    nowhere = summarise([judged("d", 0, 0)]).mean
    assert nowhere["hd95"] is None
    assert nowhere["iou"] is not None


def test_absent_classes_can_be_left_out_of_the_mean_but_their_background_is_pooled() -> None:
    cat_only = np.zeros((4, 4), dtype=np.uint8)
    cat_only[:2] = 1
    empty = np.zeros((4, 4), dtype=np.uint8)
    pictures = {"a": (cat_only, cat_only), "b": (empty, cat_only), "c": (empty, empty)}
    rows = [
        judge(name, label, one, skip_absent=True)
        for name, (predicted, truth) in pictures.items()
        for label, one in by_class(predicted, truth, {1: "cat", 2: "dog"})
    ]
    found = summarise(rows)
    iou = found.mean["iou"]
    assert iou is not None
    assert (iou.mean, iou.count, found.judged, found.both_empty) == (0.5, 2, 6, 4)
    cats = summarise(by_label(rows)["cat"])
    assert cats.pooled["ber"].mean == pytest.approx(50 * (0 / 32 + 8 / 16))
    assert cats.pooled["iou"].mean == pytest.approx(0.5)


def test_intervals_resample_pictures_and_hold_the_figure() -> None:
    many = [judged(str(number), number, 20) for number in range(5, 20)]
    found = summarise(many)
    for figure in (found.mean["iou"], found.pooled["iou"]):
        assert figure is not None
        assert figure.low < figure.mean < figure.high
        assert (0.25, 0.95) < (figure.low, figure.high) < (0.65, 1.0)
    assert found == summarise(many)
    same = summarise([judged(str(number), 10, 20) for number in range(5)]).pooled["iou"]
    assert (same.low, same.high) == (pytest.approx(0.5), pytest.approx(0.5))
    objects = summarise([judged("one picture", number, 20, str(number)) for number in range(5, 20)]).mean["iou"]
    assert objects is not None
    assert objects.low == objects.high == objects.mean


def test_a_comparison_is_paired() -> None:
    """Pictures differ far more from each other than before from after; only pairs show what changed."""
    widths = range(4, 40, 3)
    before = [judged(str(width), width - 2, 40) for width in widths]
    after = [judged(str(width), width, 40) for width in widths]
    change = compare(before, list(reversed(after)))
    first, second = summarise(before).mean["iou"], summarise(after).mean["iou"]
    iou, pooled = change.mean["iou"], change.pooled["iou"]
    assert first is not None
    assert second is not None
    assert iou is not None
    assert first.high > second.low
    assert (iou.mean, iou.low, iou.high) == (pytest.approx(0.05),) * 3
    assert (pooled.mean, pooled.low, pooled.high) == (pytest.approx(0.05),) * 3
    assert pooled.mean == pytest.approx(summarise(after).pooled["iou"].mean - summarise(before).pooled["iou"].mean)


def test_a_comparison_counts_what_both_can_tell() -> None:
    change = compare(
        [judged("a", 0, 10), judged("b", 5, 10), judged("c", 5, 10)],
        [judged("a", 9, 10), judged("b", 0, 10), judged("c", 10, 10)],
    )
    hd95 = change.mean["hd95"]
    assert hd95 is not None
    assert (hd95.mean, hd95.count) == (-5.0, 1)


def test_only_the_same_pictures_can_be_compared() -> None:
    one, other = judged("a", 1, 2), judged("b", 1, 2)
    for before, after in (([one], [other]), ([one], [one, other]), ([one, one], [one])):
        with pytest.raises(ValueError, match="the same pictures"):
            compare(before, after)


def test_a_resample_without_a_class_leaves_it_out() -> None:
    """With two pictures a quarter of the resamples lacks the dog; the interval is of what is left, and no warning is given."""
    found = summarise([judged("a", 10, 10, "cat"), judged("b", 5, 10, "dog")]).pooled["iou"]
    assert (found.mean, found.low, found.high) == (0.75, 0.5, 1.0)


def test_the_models_own_judgement_is_judged() -> None:
    found = summarise([judged("a", 10, 20, predicted_iou=0.9), judged("b", 20, 20, predicted_iou=0.8)])
    error, bias = found.mean["iou_error"], found.mean["iou_bias"]
    assert error is not None
    assert bias is not None
    assert error.mean == pytest.approx((0.4 + 0.2) / 2)
    assert bias.mean == pytest.approx((0.4 - 0.2) / 2)


def test_the_curve_of_predicted_and_true_overlap() -> None:
    curve = reliability([0.05, 0.81, 0.89, 1.02, -0.1], [0.25, 0.6, 0.7, 1.0, 0.05])
    assert [(one.low, one.high, one.count) for one in curve] == [(0.0, 0.1, 2), (0.8, 0.9, 2), (0.9, 1.0, 1)]
    assert curve[1].predicted == pytest.approx(0.85)
    assert curve[1].true == pytest.approx(0.65)
    assert calibration_error(curve) == pytest.approx((2 * 0.175 + 2 * 0.2 + 0.02) / 5)
    with pytest.raises(ValueError, match="2 predictions for 1"):
        reliability([0.1, 0.2], [0.1])
