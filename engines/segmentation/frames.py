"""How a picture lies in the square a Segment Anything model sees, and how its masks come back to the picture's own pixels.

The same arithmetic as the reference predictor's: the longest side becomes the model's side, the rest is padded on the right and below.
Numpy and Pillow only, so that clicks are answered without torch.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from projects.regions.mask import Mask

Floats = npt.NDArray[np.float32]

MEAN = (123.675, 116.28, 103.53)
DEVIATION = (58.395, 57.12, 57.375)
"""Of the channels, on 0..255 (ImageNet's)."""
_BAND = 128
_STRIP = 1 << 23


@dataclass(frozen=True)
class Frame:
    """A picture of `height` x `width` pixels in a model's square of `side` pixels, whose masks are `mask_side` wide."""

    height: int
    width: int
    side: int
    mask_side: int

    @property
    def inner(self) -> tuple[int, int]:
        """Height and width of the picture inside the square, at least a pixel (the reference fails on thinner strips)."""
        scale = self.side / max(self.height, self.width)
        return max(1, int(self.height * scale + 0.5)), max(1, int(self.width * scale + 0.5))

    def to_model(self, points: npt.ArrayLike) -> Floats:
        """Points (..., 2) as x, y in the picture's pixels, in the square's."""
        height, width = self.inner
        scale = np.array([width / self.width, height / self.height], np.float32)
        found: Floats = (np.asarray(points, np.float32) * scale).astype(np.float32)
        return found

    def pixels(self, picture: Image.Image) -> Floats:
        """What the encoder sees (3, side, side): resized, normalised, then padded with zeros."""
        height, width = self.inner
        values = (self.colours(picture) - np.array(MEAN)) / np.array(DEVIATION)
        padded = np.zeros((3, self.side, self.side), np.float32)
        padded[:, :height, :width] = values.astype(np.float32).transpose(2, 0, 1)
        return padded

    def colours(self, picture: Image.Image) -> npt.NDArray[np.uint8]:
        """The picture in the square's size (*inner, 3), 0 to 255."""
        height, width = self.inner
        return np.asarray(picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR))

    def whole(self, logits: Floats) -> Floats:
        """Logits (..., mask_side, mask_side) in the picture's own pixels (..., height, width)."""
        across = _spread(logits.swapaxes(-1, -2), self._across).swapaxes(-1, -2)
        return _spread(across, self._down)

    def mask(self, logits: Floats) -> Mask:
        """The picture's pixels where logits (mask_side, mask_side) are above zero.

        A pixel is a mean of the cells around it, so only what lies around cells above zero is looked at, a strip of columns at a time: a
        mask of a picture of any size takes little memory.
        """
        size = self.width, self.height
        above = logits > 0
        rows, columns = (
            _reached(taps, np.logical_or.reduce(above, axis=axis))
            for taps, axis in ((self._down, 1), (self._across, 0))
        )
        if not (rows and columns):  # nothing, or only in the padding
            return Mask.from_counts([self.width * self.height], *size)
        tall = _spread(logits, self._down, rows).T
        step = max(1, _STRIP // len(rows))
        strips = [
            Mask.of((_spread(tall, self._across, part) > 0).T, left=part.start, top=rows.start, size=size)
            for start in range(columns.start, columns.stop, step)
            for part in [range(start, min(start + step, columns.stop))]
        ]
        turns = [np.cumsum(strip.counts)[: 2 * (len(strip.counts) // 2)] for strip in strips]
        counts = np.diff(np.concatenate([[0], *turns, [self.width * self.height]]))
        return Mask.from_counts(counts, *size)

    @property
    def _down(self) -> _Taps:
        return _taps(self.height, self.inner[0], self.side, self.mask_side)

    @property
    def _across(self) -> _Taps:
        return _taps(self.width, self.inner[1], self.side, self.mask_side)

    def cells(self, mask: npt.NDArray[np.bool_], side: int = 0) -> Floats:
        """Share of a mask (height, width) in every cell of a square of `side` cells (0: the masks' own), which covers the padding too.

        Outside the picture it is 0; `valid` tells where that is.
        """
        side = side or self.mask_side
        cell = self.side / side
        height, width = self.inner
        down = _areas(self.height, height / cell, side)
        across = _areas(self.width, width / cell, side)
        found: Floats = np.asarray(down @ mask.astype(np.float32) @ across.T, np.float32)
        return found

    def valid(self, side: int = 0) -> Floats:
        """Share of every cell that lies in the picture, (side, side)."""
        side = side or self.mask_side
        cell = self.side / side
        height, width = self.inner
        down, across = (np.clip(length / cell - np.arange(side), 0.0, 1.0) for length in (height, width))
        found: Floats = np.outer(down, across).astype(np.float32)
        return found


def frame_of(size: tuple[int, int], side: int, mask_side: int) -> Frame:
    """The frame of a picture of (width, height), as Pillow tells sizes."""
    return Frame(size[1], size[0], side, mask_side)


@dataclass(frozen=True, eq=False)
class _Taps:
    """The way back of rows (or columns): pixel i of the picture is the sum of `weights[i]` times the mask's rows `rows[i]`, four of each.

    Enlarging to the square, cutting the padding off and resizing are linear and work on rows and columns apart, so they are one step.
    """

    rows: npt.NDArray[np.intp]
    weights: Floats


@functools.lru_cache(maxsize=64)
def _taps(length: int, inner: int, side: int, mask_side: int) -> _Taps:
    places, shares = _blend(length, inner)
    rows, inside = _blend(side, mask_side)
    both = shares[..., None] * inside[places]
    return _Taps(rows[places].reshape(length, 4), both.reshape(length, 4).astype(np.float32))


def _blend(to: int, origin: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Bilinear resizing with pixels' centres at halves and edges repeated: the two that each is made of, and their shares, (to, 2)."""
    centres = np.clip((np.arange(to) + 0.5) * origin / to - 0.5, 0.0, origin - 1.0)
    low = np.floor(centres).astype(np.intp)
    share = centres - low
    return np.stack([low, np.minimum(low + 1, origin - 1)], axis=1), np.stack([1.0 - share, share], axis=1)


def _spread(values: Floats, taps: _Taps, wanted: range | None = None) -> Floats:
    """Rows `wanted` (all when None) of the picture, (..., n, columns), from the mask's (..., mask_side, columns)."""
    wanted = wanted or range(len(taps.rows))
    found = np.empty((*values.shape[:-2], len(wanted), values.shape[-1]), np.float32)
    for start in range(0, len(wanted), _BAND):
        band = slice(wanted.start + start, min(wanted.start + start + _BAND, wanted.stop))
        rows, weights = taps.rows[band], taps.weights[band]
        first = int(rows.min())
        # Rows that lie together are made of few of the mask's, so the product is far smaller than with all of them.
        matrix = np.zeros((len(rows), int(rows.max()) + 1 - first), np.float32)
        np.add.at(matrix, (np.arange(len(rows))[:, None], rows - first), weights)
        found[..., start : start + _BAND, :] = matrix @ values[..., first : first + matrix.shape[1], :]
    return found


def _reached(taps: _Taps, there: npt.NDArray[np.bool_]) -> range:
    """From the first to the last row of the picture that is made of any of the mask's rows `there` (mask_side,)."""
    found = np.flatnonzero(there[taps.rows].any(axis=1))
    return range(int(found[0]), int(found[-1]) + 1) if len(found) else range(0)


@functools.lru_cache(maxsize=64)
def _areas(length: int, covered: float, cells: int) -> Floats:
    """Share of each cell that each of `length` pixels fills when they cover the first `covered` cells: (cells, length)."""
    edges = np.linspace(0.0, covered, length + 1)
    starts = np.arange(cells)[:, None]
    overlap = np.minimum(edges[1:], starts + 1.0) - np.maximum(edges[:-1], starts)
    shares: Floats = np.clip(overlap, 0.0, None).astype(np.float32)
    return shares
