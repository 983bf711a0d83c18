"""A mask as run lengths: nothing is lost, however many holes it has, and a photo's worth takes a few hundred bytes.

The form is the one of COCO (cocodataset/cocoapi, `maskApi`): lengths of runs going down the columns from left to right, background
and object by turns, beginning with background (which may be 0 long). As text, each length (from the fourth on, its difference from the
last but one) is written in groups of five bits, the smallest first, one printable character each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Box = tuple[int, int, int, int]

# 13 groups of five bits already hold more than 63 bits; no length of a picture needs more than 7.
_MOST_GROUPS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """The pixels of one object.

    Attributes:
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        counts: run lengths as described above; their sum is width times height, and only the first may be 0.
    """

    width: int
    height: int
    counts: Ints

    @classmethod
    def of(cls, inside: Bools, *, left: int = 0, top: int = 0, size: tuple[int, int] | None = None) -> Self:
        """The mask whose part beginning at `left`, `top` is `inside`, and that is empty elsewhere.

        Args:
            inside: (h, w), true for the object.
            left: column of the picture where `inside` begins.
            top: row of the picture where `inside` begins.
            size: (width, height) of the picture; that of `inside` when None.

        Raises:
            ValueError: `inside` reaches beyond the picture.
        """
        rows, columns = inside.shape
        width, height = size or (columns, rows)
        if left < 0 or top < 0 or left + columns > width or top + rows > height:
            msg = f"{columns} × {rows} pixels at {left}, {top} do not fit into {width} × {height}"
            raise ValueError(msg)
        # One pixel of background below every column keeps runs within their column.
        padded = np.zeros((columns, rows + 1), dtype=np.bool_)
        padded[:, :rows] = inside.T
        flat = padded.ravel()
        turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        if flat.size and flat[0]:
            turns = np.concatenate([[0], turns])
        begins, ends = turns[0::2], turns[1::2]
        column, row = np.divmod(begins, rows + 1)
        first = (left + column) * height + top + row
        return cls._from_runs(first, first + ends - begins, width, height)

    @classmethod
    def from_counts(cls, counts: Sequence[int] | Ints, width: int, height: int) -> Self:
        """The mask of plain run lengths.

        Raises:
            ValueError: a length is negative or no whole number, or they are not a picture of this size.
        """
        lengths = np.asarray(counts)
        if lengths.ndim != 1 or (lengths.size and lengths.dtype.kind not in "iu"):
            msg = "run lengths are whole numbers"
            raise ValueError(msg)
        lengths = lengths.astype(np.int64)
        if (lengths < 0).any() or (lengths > width * height).any() or int(lengths.sum()) != width * height:
            msg = f"the run lengths are not those of {width} × {height} pixels"
            raise ValueError(msg)
        ends = np.cumsum(lengths)
        return cls._from_runs(ends[0:-1:2], ends[1::2], width, height)

    @classmethod
    def from_text(cls, text: str, width: int, height: int) -> Self:
        """The mask of run lengths in their compressed form.

        Raises:
            ValueError: the text is not in this form, or not of a picture of this size.
        """
        return cls.from_counts(_decompress(text), width, height)

    @classmethod
    def _from_runs(cls, begins: Ints, ends: Ints, width: int, height: int) -> Self:
        """From the runs of the object as positions down the columns, in order; empty runs and runs that touch are allowed."""
        real = ends > begins
        begins, ends = begins[real], ends[real]
        if begins.size:
            apart = begins[1:] > ends[:-1]
            begins = begins[np.concatenate([[True], apart])]
            ends = ends[np.concatenate([apart, [True]])]
        turns = np.empty(2 * begins.size + 2, dtype=np.int64)
        turns[0], turns[-1] = 0, width * height
        turns[1:-1:2], turns[2:-1:2] = begins, ends
        counts = np.diff(turns)
        return cls(width, height, counts[:-1] if counts.size > 1 and counts[-1] == 0 else counts)

    @property
    def text(self) -> str:
        """The run lengths in their compressed form."""
        return _compress(self.counts)

    @property
    def area(self) -> int:
        """How many pixels the object has."""
        return int(self.counts[1::2].sum())

    @property
    def box(self) -> Box:
        """(left, top, width, height) of the smallest box around it, in pixels; all 0 when it is empty."""
        begins, ends = self._runs()
        if not begins.size:
            return 0, 0, 0, 0
        left, right = int(begins[0] // self.height), int((ends[-1] - 1) // self.height)
        if (begins // self.height != (ends - 1) // self.height).any():
            # A run goes on in the next column: it ends at the bottom and begins at the top.
            return left, 0, right - left + 1, self.height
        top, bottom = int((begins % self.height).min()), int(((ends - 1) % self.height).max())
        return left, top, right - left + 1, bottom - top + 1

    def array(self) -> Bools:
        """The whole picture, (height, width), true for the object."""
        return self._columns(0, self.width).T

    def crop(self, box: Box | None = None) -> Bools:
        """The part within `box` (left, top, width, height; the smallest box when None), (h, w), true for the object."""
        left, top, width, height = self.box if box is None else box
        return self._columns(left, left + width)[:, top : top + height].T

    def overlap(self, other: Mask) -> float:
        """IoU with another mask of the same size; 0 where neither marks anything."""
        boxes = np.array([self.box, other.box])
        left, top = boxes[:, :2].max(axis=0)
        right, bottom = (boxes[:, :2] + boxes[:, 2:]).min(axis=0)
        if right <= left or bottom <= top:
            return 0.0
        shared = (int(left), int(top), int(right - left), int(bottom - top))
        both = int((self.crop(shared) & other.crop(shared)).sum())
        return both / (self.area + other.area - both)

    def same(self, other: Mask) -> bool:
        """Whether both are the same pixels of a picture of the same size."""
        return (self.width, self.height) == (other.width, other.height) and np.array_equal(self.counts, other.counts)

    def _runs(self) -> tuple[Ints, Ints]:
        ends = np.cumsum(self.counts)
        return ends[0:-1:2], ends[1::2]

    def _columns(self, first: int, last: int) -> Bools:
        """Columns `first` to `last` (not included) side by side as rows: (last - first, height)."""
        low, high = first * self.height, last * self.height
        begins, ends = self._runs()
        here = slice(int(np.searchsorted(ends, low, side="right")), int(np.searchsorted(begins, high)))
        turns = np.zeros(2 * (here.stop - here.start) + 2, dtype=np.int64)
        turns[1:-1:2] = begins[here].clip(low, high) - low
        turns[2:-1:2] = ends[here].clip(low, high) - low
        turns[-1] = high - low
        lengths = np.diff(turns)
        return np.repeat(np.arange(lengths.size) % 2 == 1, lengths).reshape(last - first, self.height)


def union(masks: Sequence[Mask]) -> Mask:
    """The pixels that belong to any of the masks, all of one picture.

    Raises:
        ValueError: there are none, or they belong to pictures of different sizes.
    """
    if len({(mask.width, mask.height) for mask in masks}) != 1:
        msg = "the masks are not of one picture"
        raise ValueError(msg)
    if len(masks) == 1:
        return masks[0]
    boxes = np.array([mask.box for mask in masks if mask.area])
    if not boxes.size:
        return masks[0]
    left, top = (int(value) for value in boxes[:, :2].min(axis=0))
    right, bottom = (int(value) for value in (boxes[:, :2] + boxes[:, 2:]).max(axis=0))
    inside = np.zeros((bottom - top, right - left), dtype=np.bool_)
    for mask in masks:
        inside |= mask.crop((left, top, right - left, bottom - top))
    return Mask.of(inside, left=left, top=top, size=(masks[0].width, masks[0].height))


def by_value(values: NDArray[np.integer], background: int = 0) -> Mapping[int, Mask]:
    """The masks of a label picture: for every value but `background`, in rising order, the pixels that have it.

    Args:
        values: (h, w), whole numbers.
        background: the value that stands for nothing.
    """
    height, width = values.shape
    flat = values.T.ravel()
    begins = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1]) if flat.size else np.zeros(0, np.int64)
    ends = np.append(begins[1:], flat.size) if flat.size else begins
    what = flat[begins]
    order = np.argsort(what, kind="stable")
    found, where = np.unique(what[order], return_index=True)
    pieces = np.split(order, where[1:])
    return {
        int(value): Mask._from_runs(begins[piece], ends[piece], width, height)  # noqa: SLF001 - the other way to make one
        for value, piece in zip(found, pieces, strict=True)
        if int(value) != background
    }


def _compress(counts: Ints) -> str:
    values = counts.copy()
    values[3:] -= counts[1:-2]
    # A value takes as many groups of five bits as leave room for its sign.
    groups = np.ones(values.size, dtype=np.int64)
    for number in range(1, _MOST_GROUPS):
        limit = 1 << (5 * number - 1)
        groups += (values >= limit) | (values < -limit)
    place = np.cumsum(groups) - groups
    signs = np.empty(int(groups.sum()), dtype=np.uint8)
    for number in range(int(groups.max(initial=0))):
        has = groups > number
        more = groups[has] > number + 1
        signs[place[has] + number] = ((values[has] >> 5 * number) & 31 | more.astype(np.int64) << 5) + 48
    return signs.tobytes().decode("ascii")


def _decompress(text: str) -> Ints:
    try:
        signs = np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError as error:
        msg = "compressed run lengths are plain characters"
        raise ValueError(msg) from error
    if not signs.size:
        return np.zeros(0, dtype=np.int64)
    last = (signs & 32) == 0
    if (signs < 0).any() or (signs > 63).any() or not last[-1]:
        msg = "compressed run lengths end in the middle or hold other characters"
        raise ValueError(msg)
    begins = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1])
    groups = np.diff(np.append(begins, signs.size))
    if int(groups.max()) > _MOST_GROUPS:
        msg = "a run length is too long for any picture"
        raise ValueError(msg)
    number = np.arange(signs.size) - np.repeat(begins, groups)
    values = np.add.reduceat((signs & 31) << (5 * number), begins)
    negative = (signs[last] & 16) != 0
    values[negative] -= np.int64(1) << (5 * groups[negative])
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
