"""From a photo of any size to the pixels and mask a model learns from: shape, crop, mirror.

A shape ("bucket") is a width and height in pixels, both multiples of what the model needs, with about the area of its own picture size. A picture
goes to the shape nearest to its own, is scaled to cover it, and what sticks out is cut off evenly, or around the mask where there is one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from projects.errors import ImportFailure
from projects.pixels import read

Shape = tuple[int, int]
"""Width and height, pixels."""

_WIDEST = 2.0


@dataclass(frozen=True)
class Prepared:
    """Pixels (1, 3, H, W) in -1..1, the mask (1, 1, h, w) in 0..1 on the latent grid or None, and the frame (1, 6).

    The frame tells how the picture was cut; see `engines.diffusion.contracts.DenoisingBatch`.
    """

    pixels: torch.Tensor
    mask: torch.Tensor | None
    frame: torch.Tensor


def shapes(resolution: int, multiple: int, *, square: bool = False) -> list[Shape]:
    """The shapes in use, widest last.

    Args:
        resolution: side of the square one, pixels; rounded to a multiple, at least one.
        multiple: of which both sides are multiples.
        square: only the square one.
    """
    side = max(multiple, round(resolution / multiple) * multiple)
    if square:
        return [(side, side)]
    found = {(side, side)}
    for width in range(multiple, int(side * math.sqrt(_WIDEST)) + multiple, multiple):
        height = side * side // width // multiple * multiple
        if height >= multiple and max(width, height) / min(width, height) <= _WIDEST:
            found |= {(width, height), (height, width)}
    return sorted(found, key=lambda shape: (shape[0] / shape[1], shape))


def nearest_shape(size: Shape, among: list[Shape]) -> Shape:
    """The shape whose ratio of sides is nearest to that of `size`; the largest of equals."""
    ratio = math.log(size[0] / size[1])
    return min(among, key=lambda shape: (abs(math.log(shape[0] / shape[1]) - ratio), -shape[0] * shape[1]))


def prepare(picture: Path, mask: Path | None, among: list[Shape], factor: int, *, flip: bool = False) -> Prepared:
    """Read, scale and cut one picture.

    Args:
        picture: its file.
        mask: file of its mask, white where it is learned, of any size; or None.
        among: shapes to choose from.
        factor: pixels a latent cell, along one side.
        flip: mirror it left to right.

    Raises:
        ImportFailure: a file cannot be read.
    """
    longest = max(max(shape) for shape in among)
    try:
        found = read(picture, at_least=longest)
        image = found.rgb
        area = read(mask, at_least=longest).rgb.convert("L") if mask else None
    except ImportFailure as error:
        raise ImportFailure(error.title, f"{picture.name}: {error.what}", error.hint) from error
    shape = nearest_shape(image.size, among)
    box = _window(image.size, shape, _middle(area))
    pixels = _pixels(image.resize(shape, Image.Resampling.LANCZOS, box=box))
    grid = None
    if area is not None:
        stretched = area if area.size == image.size else area.resize(image.size, Image.Resampling.BILINEAR)
        cut = stretched.resize(shape, Image.Resampling.BOX, box=box)
        values = torch.from_numpy(np.asarray(cut, dtype=np.float32) / 255.0)[None, None]
        grid = torch.nn.functional.interpolate(values, (shape[1] // factor, shape[0] // factor), mode="area")
    left, top, right, _ = box
    if flip:
        pixels, grid = pixels.flip(-1), None if grid is None else grid.flip(-1)
        left = image.width - right
    scale = shape[0] / (box[2] - box[0])
    frame = (found.height, found.width, round(top * scale), round(left * scale), shape[1], shape[0])
    return Prepared(pixels, grid, torch.tensor([frame], dtype=torch.float32))


def _pixels(image: Image.Image) -> torch.Tensor:
    values = np.asarray(image, dtype=np.float32) / 127.5 - 1.0
    return torch.from_numpy(values).permute(2, 0, 1)[None].contiguous()


def _middle(mask: Image.Image | None) -> tuple[float, float]:
    """Middle of what the mask shows, as shares of width and height; the picture's own middle without one."""
    box = mask.point(lambda value: 255 if value > 127 else 0).getbbox() if mask else None
    if mask is None or box is None:
        return 0.5, 0.5
    return (box[0] + box[2]) / 2 / mask.width, (box[1] + box[3]) / 2 / mask.height


def _window(size: Shape, shape: Shape, middle: tuple[float, float]) -> tuple[float, float, float, float]:
    """The largest part of a picture with the ratio of `shape`, as near around `middle` as the edges allow."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    width, height = shape[0] * scale, shape[1] * scale
    left = min(max(middle[0] * size[0] - width / 2, 0.0), size[0] - width)
    top = min(max(middle[1] * size[1] - height / 2, 0.0), size[1] - height)
    return left, top, left + width, top + height
