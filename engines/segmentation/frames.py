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

Floats = npt.NDArray[np.float32]

MEAN = (123.675, 116.28, 103.53)
DEVIATION = (58.395, 57.12, 57.375)
"""Of the channels, on 0..255 (ImageNet's)."""


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
        small = np.asarray(picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR))
        values: Floats = ((small - np.array(MEAN)) / np.array(DEVIATION)).astype(np.float32)
        padded = np.zeros((3, self.side, self.side), np.float32)
        padded[:, :height, :width] = values.transpose(2, 0, 1)
        return padded

    def whole(self, logits: Floats) -> Floats:
        """Logits (..., mask_side, mask_side) in the picture's own pixels (..., height, width)."""
        down, across = self.weights()
        found: Floats = np.asarray(down @ logits @ across.T, np.float32)
        return found

    def weights(self) -> tuple[Floats, Floats]:
        """The two matrices that bring masks back, (height, mask_side) and (width, mask_side).

        Enlarging to the square, cutting the padding off and resizing are linear and work on rows and columns apart, so they are one product.
        """
        inner_height, inner_width = self.inner
        return (
            _way_back(self.height, inner_height, self.side, self.mask_side),
            _way_back(self.width, inner_width, self.side, self.mask_side),
        )

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


@functools.lru_cache(maxsize=64)
def _way_back(length: int, inner: int, side: int, mask_side: int) -> Floats:
    enlarged = _bilinear(side, mask_side)
    return (_bilinear(length, inner) @ enlarged[:inner]).astype(np.float32)


def _bilinear(to: int, origin: int) -> npt.NDArray[np.float64]:
    """Weights (to, origin) of bilinear resizing with pixels' centres at halves and edges repeated."""
    centres = np.clip((np.arange(to) + 0.5) * origin / to - 0.5, 0.0, origin - 1.0)
    low = np.floor(centres).astype(int)
    high = np.minimum(low + 1, origin - 1)
    share = centres - low
    weights = np.zeros((to, origin))
    np.add.at(weights, (np.arange(to), low), 1.0 - share)
    np.add.at(weights, (np.arange(to), high), share)
    return weights


@functools.lru_cache(maxsize=64)
def _areas(length: int, covered: float, cells: int) -> Floats:
    """Share of each cell that each of `length` pixels fills when they cover the first `covered` cells: (cells, length)."""
    edges = np.linspace(0.0, covered, length + 1)
    starts = np.arange(cells)[:, None]
    overlap = np.minimum(edges[1:], starts + 1.0) - np.maximum(edges[:-1], starts)
    shares: Floats = np.clip(overlap, 0.0, None).astype(np.float32)
    return shares
