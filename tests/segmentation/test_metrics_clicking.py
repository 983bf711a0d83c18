"""A program that clicks: where it clicks, in which order, and what counts as reached."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engines.segmentation.metrics.clicking import Click, Clicked, clicks_to, effort, effort_saved, iou_after, next_click
from engines.segmentation.metrics.pair import Mask
from tests.segmentation.drawn_pairs import ellipse

Predict = Callable[[tuple[Click, ...]], Mask]
TRUTH = ellipse(60, 80, 25, 40, 15)


def discs(truth: Mask, radius: int) -> Predict:
    """A model that is right within `radius` of every click and says background elsewhere."""

    def predict(clicks: tuple[Click, ...]) -> Mask:
        y, x = np.mgrid[: truth.shape[0], : truth.shape[1]]
        near = [(x - click.x) ** 2 + (y - click.y) ** 2 <= radius**2 for click in clicks]
        return truth & np.any(near, axis=0)

    return predict


def never(clicks: tuple[Click, ...]) -> Mask:
    return np.zeros_like(TRUTH)


def at_click(number: int) -> Predict:
    return lambda clicks: TRUTH if len(clicks) >= number else np.zeros_like(TRUTH)


def square(row: int, column: int, radius: int) -> Mask:
    """Its middle alone is deepest, so nothing hangs on the order of pixels."""
    mask = np.zeros_like(TRUTH)
    mask[row - radius : row + radius + 1, column - radius : column + radius + 1] = True
    return mask


def run(*ious: float, most: int = 20, share: float = 0.9) -> Clicked:
    return Clicked(ious, tuple(Click(i, 0, positive=True) for i in range(len(ious))), share, most)


def test_the_first_click_is_in_the_middle_of_the_object() -> None:
    truth = square(25, 40, 12)
    found = clicks_to(lambda clicks: truth, truth)
    assert found.clicks == (Click(40, 25, positive=True),)
    assert found.ious == (1.0,)
    assert found.needed(0.9) == found.needed(0.85) == 1


def test_clicks_go_to_the_deepest_error_and_bear_its_sign() -> None:
    seen: list[tuple[Click, ...]] = []
    truth = square(25, 40, 12)

    def too_much(clicks: tuple[Click, ...]) -> Mask:
        seen.append(clicks)
        return truth | square(50, 10, 6) if len(clicks) == 1 else truth

    found = clicks_to(too_much, truth)
    assert found.clicks == (Click(40, 25, positive=True), Click(10, 50, positive=False))
    assert seen == [found.clicks[:1], found.clicks]
    assert found.reached(0.9) == 2


def test_the_edge_of_the_picture_is_an_edge_of_the_error() -> None:
    everything = np.ones((31, 41), dtype=bool)
    assert clicks_to(lambda clicks: everything, everything).clicks == (Click(15, 15, positive=True),)


def test_missing_and_excess_of_equal_depth_are_clicked_away_first() -> None:
    truth, mask = np.zeros((20, 20), dtype=bool), np.zeros((20, 20), dtype=bool)
    truth[2:7, 2:7] = mask[10:15, 10:15] = True
    assert next_click(mask, truth, np.ones_like(truth), ()) == Click(12, 12, positive=False)


def test_clicking_goes_on_until_the_share_is_reached() -> None:
    predict = discs(TRUTH, 8)
    found = clicks_to(predict, TRUTH, share=0.9)
    assert 2 < len(found.ious) < 20
    assert found.ious[-1] >= 0.9 > max(found.ious[:-1])
    assert list(found.ious) == sorted(found.ious)
    assert found.needed(0.9) == len(found.ious) >= found.needed(0.5) > 1
    assert found == clicks_to(predict, TRUTH, share=0.9)
    with pytest.raises(ValueError, match=r"ended at an IoU of 0\.9"):
        found.needed(0.95)


def test_a_model_that_never_answers_is_clicked_at_twenty_different_places_and_fails() -> None:
    found = clicks_to(never, TRUTH)
    assert len(set(found.clicks)) == len(found.ious) == 20
    assert all(TRUTH[click.y, click.x] and click.positive for click in found.clicks)
    assert found.reached(0.5) is None
    assert found.needed(0.5) == 20


def test_success_with_the_last_click_is_no_failure() -> None:
    last, failed = clicks_to(at_click(20), TRUTH), clicks_to(at_click(21), TRUTH)
    assert (last.needed(0.9), failed.needed(0.9)) == (20, 20)
    assert (last.reached(0.9), failed.reached(0.9)) == (20, None)
    assert effort([last, failed], ["a", "b"], 0.9).failures == 1


def test_an_object_with_every_pixel_clicked_in_vain_is_a_failure_too() -> None:
    truth = np.zeros((6, 6), dtype=bool)
    truth[2, 2:4] = True
    found = clicks_to(lambda clicks: np.zeros_like(truth), truth)
    assert len(found.clicks) == 2
    assert (found.reached(0.9), found.needed(0.9)) == (None, 20)


def test_pixels_not_judged_are_neither_clicked_nor_counted() -> None:
    valid = np.ones_like(TRUTH)
    valid[:, 40:] = False
    left = TRUTH & valid
    found = clicks_to(discs(TRUTH, 60), TRUTH, valid=valid)
    assert found.ious == (1.0,)
    assert left[found.clicks[0].y, found.clicks[0].x]
    only = clicks_to(lambda clicks: TRUTH | ~valid, TRUTH, valid=valid)
    assert only.ious == (1.0,)


def test_random_clicks_follow_their_seed_and_prefer_deep_places() -> None:
    runs = [clicks_to(discs(TRUTH, 8), TRUTH, seed=seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    one = [clicks_to(never, TRUTH, seed=seed, most=1).clicks[0] for seed in range(300)]
    assert all(TRUTH[click.y, click.x] for click in one)
    assert len(set(one)) > 150
    rows, columns = np.nonzero(TRUTH)
    plain = np.hypot((columns - 40) / 1.5, rows - 25).mean()
    assert np.mean([np.hypot((click.x - 40) / 1.5, click.y - 25) for click in one]) < 0.85 * plain


def test_without_an_object_there_is_nothing_to_click_at() -> None:
    for truth, valid in ((np.zeros_like(TRUTH), None), (TRUTH, ~TRUTH)):
        with pytest.raises(ValueError, match="no object"):
            clicks_to(never, truth, valid=valid)
    with pytest.raises(ValueError, match="sizes differ"):
        clicks_to(lambda clicks: TRUTH.T, TRUTH)


def test_effort_over_pictures() -> None:
    before = [run(*[0.2] * 20), run(0.5, 0.92), run(0.88, 0.91)]
    after = [run(0.95), run(0.91), run(0.93)]
    pictures = ["a", "b", "b"]
    found = effort(before, pictures, 0.9)
    assert found.clicks.mean == pytest.approx((20 + 2) / 2)
    assert (found.clicks.count, found.failures) == (3, 1)
    assert effort(before, pictures, 0.85).clicks.mean == pytest.approx((20 + 1.5) / 2)
    saved = effort_saved(before, after, pictures, 0.9)
    assert saved.mean == pytest.approx((19 + 1) / 2)
    assert (saved.low, saved.high) == (1.0, 19.0)


def test_overlap_after_so_many_clicks() -> None:
    runs = [run(0.5, 0.92), run(0.3, 0.4, 0.95)]
    assert iou_after(runs, 1) == [0.5, 0.3]
    assert iou_after(runs, 3) == [0.92, 0.95]
