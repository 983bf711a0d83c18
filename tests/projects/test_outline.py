"""Outlines give their masks back, holes and all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from projects.regions.mask import Mask
from projects.regions.outline import area_of, fill, join, simplify, trace
from tests.projects.marks import blob, block


def _points(*pairs: tuple[float, float]) -> np.ndarray:
    return np.array(pairs, dtype=np.float64)


def test_a_square_is_four_points() -> None:
    (outline,) = trace(block((10, 8), 2, 3, 4, 2))
    assert outline.tolist() == [[2, 3], [6, 3], [6, 5], [2, 5]]
    assert area_of(outline) == 8


def test_a_hole_is_cut_open_to_the_left() -> None:
    ring = np.ones((5, 5), dtype=bool)
    ring[2, 2] = False
    (outline,) = trace(Mask.of(ring))
    assert area_of(outline) == 24
    assert [0, 2] in outline.tolist()
    assert fill([outline], 5, 5).same(Mask.of(ring))


def test_parts_that_touch_at_a_corner_stay_apart() -> None:
    assert len(trace(Mask.of(np.eye(3, dtype=bool)))) == 3


@settings(max_examples=300, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.sampled_from([0, 1, 1])))
def test_any_mask_comes_back_from_its_outlines(inside: np.ndarray) -> None:
    mask = Mask.of(inside)
    outlines = trace(mask)
    assert sum(area_of(outline) for outline in outlines) == mask.area
    assert fill(outlines, mask.width, mask.height).same(mask)
    if outlines:
        assert fill([join(outlines)], mask.width, mask.height).same(mask)


def test_holes_within_parts_within_holes() -> None:
    """Rings around rings, and two combs in each other, whose cuts must not run in circles."""
    rows, columns = np.ogrid[:61, :61]
    rings = (np.maximum(abs(rows - 30), abs(columns - 30)) // 3) % 2 == 0
    combs = np.ones((24, 24), dtype=bool)
    combs[2:20, 4:6] = combs[2:4, 4:20] = combs[18:20, 4:20] = False
    combs[6:16, 10:12] = combs[6:8, 10:22] = combs[14:16, 10:22] = False
    for inside in (rings, combs, ~combs):
        mask = Mask.of(inside)
        assert fill(trace(mask), mask.width, mask.height).same(mask)


def test_large_and_ragged_masks() -> None:
    for seed in range(4):
        inside = blob(seed, (331, 217))
        assert fill(trace(Mask.of(inside)), 331, 217).same(Mask.of(inside))


def test_a_pixel_belongs_to_an_outline_when_its_centre_does() -> None:
    triangle = fill([_points((0, 0), (4, 0), (0, 4))], 5, 5).array()
    # Centres on the slanted edge itself count on one side only, so that two triangles make a square without a seam.
    other = fill([_points((4, 0), (4, 4), (0, 4))], 5, 5).array()
    assert not (triangle & other).any()
    assert np.array_equal((triangle | other)[:4, :4], np.ones((4, 4), dtype=bool))
    assert fill([_points((1.4, 1.4), (3.6, 1.4), (3.6, 2.6), (1.4, 2.6))], 5, 5).same(block((5, 5), 1, 1, 3, 2))
    assert fill([_points((1.6, 1.6), (2.4, 1.6), (2.4, 2.4), (1.6, 2.4))], 5, 5).area == 0


def test_what_lies_outside_the_picture_is_cut_off() -> None:
    assert fill([_points((-5, -5), (3, -5), (3, 2), (-5, 2))], 4, 4).same(block((4, 4), 0, 0, 3, 2))
    assert fill([_points((-5, -5), (-3, -5), (-3, -2))], 4, 4).area == 0
    assert fill([_points((900, 900), (1000, 900), (1000, 1000))], 4, 4).area == 0


def test_outlines_are_filled_one_by_one_and_crossings_even_odd() -> None:
    square = _points((0, 0), (6, 0), (6, 6), (0, 6))
    inner = _points((2, 2), (4, 2), (4, 4), (2, 4))
    assert fill([square, inner], 6, 6).area == 36
    bow = _points((0, 0), (6, 6), (6, 0), (0, 6))
    assert 16 <= fill([bow], 6, 6).area <= 20
    twice = np.concatenate([square, square])
    assert fill([twice], 6, 6).area == 0


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e12])
def test_points_must_be_in_the_plane(wrong: float) -> None:
    with pytest.raises(ValueError, match="not in the plane"):
        fill([_points((0, 0), (4, 0), (wrong, 4))], 5, 5)


def test_lines_are_no_areas() -> None:
    assert fill([_points((0, 0), (4, 4)), _points((1, 1))], 5, 5).area == 0
    assert fill([], 5, 5).area == 0


def test_simplifying_keeps_within_the_tolerance() -> None:
    rows, columns = np.ogrid[:200, :200]
    disc = (rows - 100) ** 2 + (columns - 100) ** 2 < 80**2
    disc &= ~((rows - 90) ** 2 + (columns - 110) ** 2 < 30**2)
    mask = Mask.of(disc)
    (exact,) = trace(mask)
    for tolerance, overlap in ((0.5, 0.999), (1.0, 0.985), (2.0, 0.96)):
        simple = simplify(exact, tolerance)
        assert len(simple) < len(exact)
        found = fill([simple], 200, 200).array()
        assert (found & disc).sum() / (found | disc).sum() > overlap
        # The hole is still there, and still no part of it is filled.
        assert not found[90, 110]
    assert simplify(exact, 0) is exact
