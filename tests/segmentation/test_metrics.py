"""What the figures must be whatever library they come from: anchors, symmetries, empty masks, and pixels that are not judged."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from engines.segmentation.metrics import boundary, counts, soft, structure, weighted
from engines.segmentation.metrics.boundary import boundary_f, gaps, hausdorff, outline
from engines.segmentation.metrics.pair import Mask, Pair, by_class, extent, pair
from engines.segmentation.metrics.table import judge
from tests.segmentation.drawn_pairs import cloudy, drawn_pairs, ellipse

MASKS = arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def square(top: int, left: int, side: int = 20, size: int = 80) -> Mask:
    mask = np.zeros((size, size), dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


def figures(prediction: np.ndarray, truth: Mask, valid: Mask | None = None) -> dict[str, float]:
    return dict(judge("", "", pair(prediction, truth, valid=valid)).figures)


def test_a_mask_equal_to_the_truth_gets_full_marks() -> None:
    found = figures(square(20, 30), square(20, 30))
    for name in ("dice", "iou", "precision", "recall", "f_beta", "f_adaptive", "f_weighted", "s_measure", "boundary_f"):
        assert found[name] == pytest.approx(1.0), name
    assert (found["mae"], found["ber"], found["hd95"]) == (0.0, 0.0, 0.0)
    assert found["e_adaptive"] == pytest.approx(6400 / 6399)


def test_the_opposite_of_the_truth_gets_none() -> None:
    found = figures(~square(20, 30), square(20, 30))
    for name in ("dice", "iou", "precision", "recall", "f_beta", "f_adaptive", "f_weighted", "s_measure"):
        assert found[name] == pytest.approx(0.0, abs=1e-9), name
    assert (found["mae"], found["ber"]) == (1.0, 100.0)
    assert found["e_adaptive"] == pytest.approx(0.0)


@pytest.mark.parametrize("shift", [1, 3, 7, 15])
def test_a_shifted_square_is_as_far_off_as_it_was_shifted(shift: int) -> None:
    """A whole side, a quarter of the outline, is that far off, so the 95th percentile is too; the tolerance turns there."""
    moved = gaps(pair(square(20, 30 + shift), square(20, 30)))
    assert hausdorff(moved) == shift
    assert hausdorff(moved, percent=100) == shift
    assert boundary_f(moved, shift) == 1.0
    assert boundary_f(moved, shift - 0.5) < 0.9


def test_overlap_of_a_square_half_covered() -> None:
    found = figures(square(20, 40), square(20, 30))
    assert found["dice"] == pytest.approx(0.5)
    assert found["iou"] == pytest.approx(1 / 3)
    assert found["ber"] == pytest.approx(50 * (200 / 6000 + 200 / 400))
    assert found["mae"] == pytest.approx(400 / 6400)
    assert found["precision"] == found["recall"] == 0.5


def test_f_measure_leans_towards_precision() -> None:
    cautious, eager = (counts.f_beta(np.array(parts, dtype=float), 0.3) for parts in ((50, 0, 50, 0), (50, 50, 0, 0)))
    assert cautious == pytest.approx(1.3 * 0.5 / (0.3 + 0.5))
    assert eager == pytest.approx(1.3 * 0.5 / (0.3 * 0.5 + 1))


EMPTY, SOME = np.zeros((30, 30), dtype=bool), square(5, 5, 10, 30)


@pytest.mark.parametrize(
    ("predicted", "truth", "wanted"),
    [
        (EMPTY, EMPTY, {"dice": 1, "iou": 1, "precision": 1, "recall": 1, "ber": 0, "boundary_f": 1, "s_measure": 1}),
        (EMPTY, EMPTY, {"mae": 0, "e_adaptive": 900 / 899, "f_adaptive": 0, "f_weighted": 0, "hd95": math.nan}),
        (SOME, EMPTY, {"dice": 0, "iou": 0, "precision": 0, "recall": 0, "ber": 100 / 9, "boundary_f": 0}),
        (SOME, EMPTY, {"s_measure": 8 / 9, "f_max": 0, "f_weighted": 0, "hd95": math.nan}),
        (EMPTY, SOME, {"dice": 0, "iou": 0, "precision": 0, "recall": 0, "ber": 50, "boundary_f": 0}),
        (EMPTY, SOME, {"f_adaptive": 0, "f_weighted": 0, "hd95": math.nan}),
        (~EMPTY, ~EMPTY, {"dice": 1, "ber": 0, "s_measure": 1, "f_weighted": 1, "hd95": 0, "boundary_f": 1}),
        (SOME, ~EMPTY, {"ber": 100 * 8 / 9, "s_measure": 1 / 9, "recall": 1 / 9, "precision": 1}),
    ],
)
def test_empty_and_full_masks_count_as_stated(predicted: Mask, truth: Mask, wanted: dict[str, float]) -> None:
    found = figures(predicted, truth)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, nan_ok=True)


def test_a_picture_without_a_pixel_to_judge_has_no_figures() -> None:
    judged = judge("", "", pair(SOME, SOME, valid=EMPTY), predicted_iou=0.9)
    assert all(map(math.isnan, judged.figures.values()))
    assert math.isnan(counts.dice(judged.counts))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), truth=MASKS)
def test_what_holds_for_all_masks(data: st.DataObject, truth: Mask) -> None:
    predicted = data.draw(arrays.arrays(bool, truth.shape))
    there, back = pair(predicted, truth), pair(truth, predicted)
    one, other = counts.count(there), counts.count(back)
    assert one.sum() == truth.size
    assert counts.dice(one) == counts.dice(other)
    assert counts.iou(one) == counts.iou(other)
    assert counts.precision(one) == counts.recall(other)
    assert counts.dice(one) == pytest.approx(2 * counts.iou(one) / (1 + counts.iou(one)))
    assert counts.ber(one) == pytest.approx(100 - counts.ber(counts.count(pair(~predicted, truth))))
    assert hausdorff(gaps(there)) == pytest.approx(hausdorff(gaps(back)), nan_ok=True)
    assert boundary_f(gaps(there), 1.5) == pytest.approx(boundary_f(gaps(back), 1.5))
    assert 0 <= structure.s_measure(there) <= 1 + 1e-9
    assert 0 <= weighted.weighted_f(there) <= 1 + 1e-9


@settings(max_examples=100, deadline=None)
@given(data=st.data(), truth=MASKS)
def test_e_measure_is_what_the_formula_says_pixel_by_pixel(data: st.DataObject, truth: Mask) -> None:
    predicted = data.draw(arrays.arrays(bool, truth.shape))
    if truth.size == 1 or truth.all() or not truth.any():
        return
    a, b = predicted - predicted.mean(), truth - truth.mean()
    aligned = 2 * a * b / (a**2 + b**2)
    wanted = ((aligned + 1) ** 2 / 4).sum() / (truth.size - 1)
    assert counts.e_measure(counts.count(pair(predicted, truth))) == pytest.approx(wanted)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), truth=MASKS)
def test_outlines_and_distances_are_those_of_the_definition(data: st.DataObject, truth: Mask) -> None:
    predicted = data.draw(arrays.arrays(bool, truth.shape))
    edges = [mask & ~ndimage.binary_erosion(mask) for mask in (predicted, truth)]
    assert (outline(predicted) == edges[0]).all()
    found = gaps(pair(predicted, truth))
    if not (predicted.any() and truth.any()):
        assert math.isnan(hausdorff(found))
        return
    for distances, start, goal in ((found.from_predicted, *edges), (found.from_truth, *edges[::-1])):
        wanted = [np.hypot(*(np.argwhere(goal) - place).T).min() for place in np.argwhere(start)]
        assert distances == pytest.approx(wanted)


@pytest.mark.parametrize("name", ["soft", "parts", "hard", "speck", "wrong place", "empty truth", "full truth"])
def test_pixels_not_to_be_judged_are_as_if_outside_the_picture(name: str) -> None:
    levels, truth = drawn_pairs()[name]
    inner = np.s_[5:-7, 6:-3]
    valid = np.zeros_like(truth)
    valid[inner] = True
    whole, cut = figures(levels / 255, truth, valid), figures(levels[inner] / 255, truth[inner])
    # The default tolerance of the boundary follows the size of the picture, which is what differs here.
    assert boundary.tolerance_px(*truth.shape) == 1 == boundary.tolerance_px(*truth[inner].shape)
    assert whole == pytest.approx(cut, abs=1e-12, nan_ok=True)


def test_what_lies_under_the_pixels_not_judged_changes_nothing() -> None:
    levels, truth = drawn_pairs()["soft"]
    valid = ellipse(*truth.shape, 33, 36, 25) & ~ellipse(*truth.shape, 20, 40, 4)
    other = np.where(valid, levels / 255, 0.7)
    assert figures(levels / 255, truth, valid) == pytest.approx(
        figures(other, np.where(valid, truth, ~truth), valid), nan_ok=True
    )


def test_single_precision_and_masks_are_taken_as_they_are() -> None:
    levels, truth = drawn_pairs()["soft"]
    single, double = figures((levels / 255).astype(np.float32), truth), figures(levels / 255, truth)
    assert {name: single[name] for name in ("mae", "s_measure", "dice", "hd95")} == pytest.approx(
        {name: double[name] for name in ("mae", "s_measure", "dice", "hd95")}, rel=1e-6
    )
    mask = levels > 127
    assert figures(mask, truth) == pytest.approx(figures(mask.astype(np.float64), truth), nan_ok=True)


def test_the_cut_is_above_the_threshold_as_in_segment_anything() -> None:
    assert pair(np.array([[0.5, 0.51]]), np.array([[True, True]])).predicted.tolist() == [[False, True]]
    assert pair(np.array([[0.5, 0.51]]), np.array([[True, True]]), threshold=0.3).predicted.all()


def test_structure_splits_at_the_centroid_with_halves_rounded_up() -> None:
    """Moving the pair inside its picture moves the split along, which rounding to even would not do."""
    truth, wanted = np.zeros((1, 40), dtype=bool), []
    levels = cloudy(np.ones((1, 6), dtype=bool), seed=9) / 255
    for start in (10, 11):
        mask, prediction, valid = truth.copy(), np.zeros((1, 40)), truth.copy()
        mask[0, start : start + 4] = True
        prediction[0, start : start + 6] = levels[0]
        valid[0, start - 5 : start + 15] = True
        wanted.append(structure.s_measure(pair(prediction, mask, valid=valid)))
    assert wanted[0] == pytest.approx(wanted[1])


def test_an_object_in_the_last_row_has_a_structure() -> None:
    """The centroid's own row belongs to the upper blocks, so nothing is left for the lower ones."""
    truth = np.zeros((10, 10), dtype=bool)
    truth[9, 3:6] = True
    assert structure.s_measure(pair(truth, truth)) == pytest.approx(1.0)


def test_weighted_f_forgives_what_is_near() -> None:
    truth, near, far = square(30, 30, 15), square(30, 30, 15), square(30, 30, 15)
    near[30:45, 45:47] = True
    far[30:45, 70:72] = True
    assert 1 > weighted.weighted_f(pair(near, truth)) > weighted.weighted_f(pair(far, truth)) > 0.8


def test_thresholds_reach_the_best_cut() -> None:
    """A map that is right at one threshold only has a maximum of 1 and a lower mean."""
    truth = square(20, 20)
    found = soft.f_over_thresholds(pair(np.where(truth, 0.4, 0.3), truth))
    assert found.most == 1.0
    assert 0 < found.mean < 0.5
    assert soft.e_over_thresholds(pair(np.where(truth, 0.4, 0.3), truth)).most == pytest.approx(6400 / 6399)


def test_the_tolerance_follows_the_diagonal() -> None:
    assert boundary.tolerance_px(480, 854) == 8
    assert boundary.tolerance_px(10, 10) == 1


def test_a_pair_that_does_not_fit_is_refused() -> None:
    mask = np.zeros((4, 5), dtype=bool)
    nan = np.full((4, 5), np.nan)
    for prediction, truth, valid in (
        (mask.T, mask, None),
        (mask, mask, mask.T),
        (mask[None], mask[None], None),
        (mask, mask.astype(np.uint8), None),
        (mask.astype(np.uint8), mask, None),
        (nan, mask, None),
        (np.full((4, 5), 1.1), mask, None),
        (np.full((4, 5), -0.1), mask, None),
    ):
        with pytest.raises(ValueError, match=r"sizes|boolean|between 0 and 1"):
            pair(prediction, truth, valid=valid)


def test_classes_of_one_picture_become_pairs_without_the_void() -> None:
    truth = np.array([[0, 1, 2], [255, 1, 2]])
    predicted = np.array([[0, 1, 1], [2, 1, 2]])
    found = dict(by_class(predicted, truth, {1: "cat", 2: "dog", 3: "cow"}))
    assert counts.count(found["cat"]).tolist() == [2, 1, 0, 2]
    assert counts.count(found["dog"]).tolist() == [1, 0, 1, 3]
    assert counts.count(found["cow"]).tolist() == [0, 0, 0, 5]


def test_the_extent_of_a_mask_and_its_surroundings() -> None:
    mask = square(3, 10, 5)
    assert extent(mask) == np.s_[3:8, 10:15]
    assert mask[extent(mask, margin=4)].shape == (12, 13)
    assert mask[extent(~mask & mask)].size == 0


def test_a_pair_leaves_its_sources_alone() -> None:
    prediction, truth, valid = np.full((3, 3), 0.7), np.ones((3, 3), dtype=bool), np.eye(3, dtype=bool)
    made: Pair = pair(prediction, truth, valid=valid)
    assert (made.truth == valid).all()
    assert (made.predicted == valid).all()
    assert truth.all()
    assert (prediction == 0.7).all()
