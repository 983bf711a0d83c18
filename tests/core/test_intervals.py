"""Bootstrap intervals: over groups, wide enough for few of them, and for figures that are no plain means."""

from __future__ import annotations

import numpy as np
import pytest

from engines.core.intervals import certain, estimate, interval


def test_what_is_resampled_are_groups() -> None:
    values, groups = [0.1, 0.1, 0.9, 0.9], ["a", "a", "b", "b"]
    figure = interval(values, groups)
    assert figure == interval(values, groups)
    assert (figure.mean, figure.low, figure.high) == (pytest.approx(0.5), pytest.approx(0.1), pytest.approx(0.9))
    assert figure.count == 4
    assert interval([0.1, 0.5, 0.9], ["a", "a", "b"]).mean == pytest.approx(0.6)
    alone = interval([0.4, 0.6], ["a", "a"])
    assert (alone.low, alone.high) == (pytest.approx(0.5), pytest.approx(0.5))


def test_the_same_everywhere_is_certain() -> None:
    sure = interval([0.3] * 6, list("abcabc"))
    assert sure.low == pytest.approx(0.3) == pytest.approx(sure.high)
    assert certain(sure.as_data())
    assert certain({"low": -0.2, "high": -0.1})
    assert not certain({"low": -0.1, "high": 0.2})


@pytest.mark.parametrize("count", [6, 12, 30])
def test_intervals_are_wrong_as_often_as_they_say(count: int) -> None:
    """Of sets without any difference plain percentiles take one in eight of six for one; here it is about one in twenty."""
    draws = np.random.default_rng(count).normal(size=(600, count))
    names = [str(number) for number in range(count)]
    wrong = [certain(interval(list(values), names).as_data()) for values in draws]
    assert 0.02 < np.mean(wrong) < 0.08


def test_many_groups_are_given_the_plain_percentiles() -> None:
    values = np.random.default_rng(3).normal(size=1000)
    figure = interval(list(values), [str(number) for number in range(1000)])
    assert figure.high - figure.low == pytest.approx(2 * 1.96 / np.sqrt(1000), rel=0.1)


def test_a_ratio_of_sums_is_estimated_over_rows() -> None:
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 10.0], [5.0, 5.0]])
    figure = estimate(rows, lambda means: means[:, 0] / means[:, 1], count=4)
    assert figure.mean == pytest.approx(9 / 21)
    assert 0 <= figure.low < figure.mean < figure.high <= 1
    equal = estimate(rows * 0 + [1.0, 4.0], lambda means: means[:, 0] / means[:, 1], count=4)
    assert (equal.low, equal.mean, equal.high) == (0.25, 0.25, 0.25)


def test_resamples_without_a_figure_are_left_out() -> None:
    rows = np.array([[1.0, 1.0], [0.0, 0.0]])
    known = estimate(rows, lambda means: np.where(means[:, 1] > 0, means[:, 0], np.nan), count=2)
    assert (known.mean, known.low, known.high) == (0.5, 0.5, 1.0)
    never = estimate(rows, lambda means: np.full(len(means), np.nan), count=2)
    assert np.isnan([never.mean, never.low, never.high]).all()
