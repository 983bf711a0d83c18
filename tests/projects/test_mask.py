"""Run lengths: by hand, against arrays, and in the compressed form of COCO."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from projects.regions.mask import Mask, by_value, union
from tests.projects.marks import block


def _drawn(*rows: str) -> np.ndarray:
    return np.array([[sign == "#" for sign in row] for row in rows])


@pytest.mark.parametrize(
    ("rows", "counts", "text", "box", "area"),
    [
        (("...", "..."), [6], "6", (0, 0, 0, 0), 0),
        (("###", "###"), [0, 6], "06", (0, 0, 3, 2), 6),
        (("#..", "..."), [0, 1, 5], "015", (0, 0, 1, 1), 1),
        (("...", "..#"), [5, 1], "51", (2, 1, 1, 1), 1),
        # A hole: down the first column, around the hole, down the last.
        (("###", "#.#", "###"), [0, 4, 1, 4], "0410", (0, 0, 3, 3), 8),
        # A run that goes on at the top of the next column.
        ((".#", "##"), [1, 3], "13", (0, 0, 2, 2), 3),
        # 40 is 0b1_01000: its lower five bits with the sign that more follows, then the upper ones.
        (("." * 40 + "###",), [40, 3], "X13", (40, 0, 3, 1), 3),
        # From the fourth on a length is told by its difference from the last but one: 2 - 5 is -3, five bits of which are 29.
        ((".....##...##",), [5, 2, 3, 2], "5230", (5, 0, 7, 1), 4),
        (("..#####...##",), [2, 5, 3, 2], "253M", (2, 0, 10, 1), 7),
    ],
    ids=["empty", "full", "first", "last", "hole", "corner", "long", "same", "shorter"],
)
def test_masks_by_hand(
    rows: tuple[str, ...], counts: list[int], text: str, box: tuple[int, int, int, int], area: int
) -> None:
    drawn = _drawn(*rows)
    mask = Mask.of(drawn)
    height, width = drawn.shape
    assert mask.counts.tolist() == counts
    assert (mask.text, mask.box, mask.area) == (text, box, area)
    assert np.array_equal(mask.array(), drawn)
    assert Mask.from_text(text, width, height).same(mask)
    assert Mask.from_counts(counts, width, height).same(mask)


def test_a_text_that_another_tool_wrote() -> None:
    """Written by pycocotools 2.0 for a circle of radius 9.5 in 32 × 24 pixels."""
    rows, columns = np.ogrid[:24, :32]
    circle = (rows - 11.5) ** 2 + (columns - 15.5) ** 2 < 9.5**2
    text = "`58>4M2N2O0O2O00000000000001N101N2N3LR5"
    mask = Mask.of(circle)
    assert mask.text == text
    assert np.array_equal(Mask.from_text(text, 32, 24).array(), circle)


@settings(max_examples=150, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))), st.integers(0, 3), st.integers(0, 3))
def test_nothing_is_lost_anywhere_in_a_picture(inside: np.ndarray, left: int, top: int) -> None:
    rows, columns = inside.shape
    size = (columns + left + 1, rows + top + 2)
    mask = Mask.of(inside, left=left, top=top, size=size)
    whole = np.zeros((size[1], size[0]), dtype=bool)
    whole[top : top + rows, left : left + columns] = inside
    assert np.array_equal(mask.array(), whole)
    assert mask.same(Mask.of(whole))
    assert mask.area == inside.sum()
    assert mask.counts.sum() == whole.size
    assert (mask.counts[1:] > 0).all()
    assert Mask.from_text(mask.text, *size).same(mask)
    assert np.array_equal(mask.crop((left, top, columns, rows)), inside)
    if inside.any():
        x, y, width, height = mask.box
        assert np.array_equal(mask.crop(), whole[y : y + height, x : x + width])
        assert whole[y].any()
        assert whole[:, x].any()


@settings(max_examples=60, deadline=None)
@given(arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 2**31)))
def test_lengths_of_any_size_survive_their_text(counts: np.ndarray) -> None:
    total = int(counts.sum())
    if total:
        mask = Mask.from_counts(counts, total, 1)
        assert Mask.from_text(mask.text, total, 1).same(mask)


@pytest.mark.parametrize(
    "text",
    ["5", "", "é", "o", "P" * 40, "06x", "0-", "0" + "O" * 9, "\x00"],
    ids=["short", "nothing", "foreign", "cut", "endless", "other", "minus", "negative", "zero"],
)
def test_texts_that_are_no_masks_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Mask.from_text(text, 3, 2)


@pytest.mark.parametrize("counts", [[7], [-1, 7], [2.5, 3.5], [[6]], ["6"], [2**70], []])
def test_counts_that_are_no_masks_are_refused(counts: list[object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Mask.from_counts(counts, 3, 2)


def test_counts_of_other_tools_may_hold_empty_runs() -> None:
    assert Mask.from_counts([1, 2, 0, 1, 2, 0], 3, 2).same(Mask.from_counts([1, 3, 2], 3, 2))


def test_a_part_must_fit_into_its_picture() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Mask.of(np.ones((3, 3), dtype=bool), left=2, size=(4, 4))


def test_several_masks_as_one() -> None:
    size = (20, 10)
    both = union([block(size, 1, 1, 4, 4), block(size, 3, 2, 10, 2), Mask.of(np.zeros((10, 20), dtype=bool))])
    expected = np.zeros((10, 20), dtype=bool)
    expected[1:5, 1:5] = True
    expected[2:4, 3:13] = True
    assert np.array_equal(both.array(), expected)
    with pytest.raises(ValueError, match="one picture"):
        union([block(size, 0, 0, 1, 1), block((10, 20), 0, 0, 1, 1)])


def test_a_label_picture_falls_into_its_values() -> None:
    rng = np.random.default_rng(3)
    values = rng.choice(np.array([0, 1, 2, 900, 65535], dtype=np.uint16), (13, 17))
    masks = by_value(values)
    assert list(masks) == [1, 2, 900, 65535]
    for value, mask in masks.items():
        assert np.array_equal(mask.array(), values == value)
    assert by_value(np.zeros((3, 4), dtype=np.uint8)) == {}
