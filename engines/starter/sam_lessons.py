"""What the starter's Segment Anything is shown: windows of clay scenes, masks to find in them, and simulated prompts.

A window is framed as the model's own preprocessing frames a picture (longest side scaled, padding at right and bottom). Masks are asked for
at the resolution of the decoder's logits, as the share (0..1) of each cell that they cover, so that the outline has sub-cell precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageFilter

from engines.segmentation.frames import frame_of
from engines.starter.dataset import Shard
from engines.starter.render import Bytes, Mask

CELL = 4
"""Pixels of the padded picture along a side of one cell of the decoder's logits."""

_SMALLEST_SHARE = 0.0015
_BOX_NOISE, _BOX_NOISE_LIMIT = 0.1, 5.0


@dataclass(frozen=True)
class Lesson:
    """One window: ``picture`` (3, side, side) normalised and padded; ``masks`` (prompts, cells, cells) to be found, in 0..1;
    ``surfaces`` (3, cells, cells): objects, outlines of objects and parts, shadows.
    """

    picture: torch.Tensor
    masks: torch.Tensor
    surfaces: torch.Tensor


@dataclass(frozen=True)
class _Window:
    picture: Bytes
    labels: Bytes
    parts: Bytes
    shadow: Mask
    alone: bool


def lesson(scenes: Shard, parts: Bytes, rng: np.random.Generator, *, side: int, prompts: int) -> Lesson:
    """A random window of a random scene, recoloured, with ``prompts`` masks drawn from what it shows."""
    window = _window(scenes, parts, rng)
    tall, wide = window.labels.shape
    cells = side // CELL
    picture = Image.fromarray(_recolour(window.picture, rng))
    pixels = torch.from_numpy(frame_of((wide, tall), side, cells).pixels(picture))
    code = window.labels.astype(np.int16) * 64 + window.parts
    outline = np.zeros(code.shape, dtype=bool)
    outline[:, 1:] |= code[:, 1:] != code[:, :-1]
    outline[1:] |= code[1:] != code[:-1]
    surfaces = [_cover(mask, cells) for mask in (window.labels > 0, outline, window.shadow)]
    masks = [_cover(mask, cells) for mask in _targets(window, rng, prompts)]
    return Lesson(pixels, torch.stack(masks), torch.stack(surfaces))


def _window(scenes: Shard, parts: Bytes, rng: np.random.Generator) -> _Window:
    """A whole scene or a part of it around something to see; half of them mirrored."""
    index = int(rng.integers(len(scenes.specs)))
    labels = scenes.labels[index]
    size = len(labels)
    side, shape = size * rng.uniform(0.3, 1.0), float(np.exp(rng.uniform(-0.4, 0.4)))
    wide, tall = (size, size) if rng.random() < 0.4 else (int(min(size, side * shape)), int(min(size, side / shape)))
    rows, columns = np.nonzero(labels)
    around = int(rng.integers(len(rows))) if len(rows) else 0
    y, x = (int(rows[around]), int(columns[around])) if len(rows) else (size // 2, size // 2)
    left = int(np.clip(x - rng.uniform(0.1, 0.9) * wide, 0, size - wide))
    top = int(np.clip(y - rng.uniform(0.1, 0.9) * tall, 0, size - tall))
    cut = (slice(top, top + tall), slice(left, left + wide))
    turn = -1 if rng.random() < 0.5 else 1
    picture, label, part, shadow = (
        np.ascontiguousarray(layer[index][cut][:, ::turn])
        for layer in (scenes.pictures, scenes.labels, parts, scenes.shadows)
    )
    return _Window(picture, label, part, shadow, alone=len(scenes.specs[index].objects) == 1)


def _recolour(picture: Bytes, rng: np.random.Generator) -> Bytes:
    """Other light, other inks, now and then no colour at all, blur or grain."""
    image = Image.fromarray(picture)
    if rng.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.5))))
    values: npt.NDArray[np.floating[Any]] = np.asarray(image, dtype=np.float32)
    if rng.random() < 0.3:
        values = values[..., rng.permutation(3)]
    grey = values.mean(axis=2, keepdims=True)
    saturation = 0.0 if rng.random() < 0.15 else rng.uniform(0.4, 1.3)
    values = grey + (values - grey) * np.float32(saturation)
    gains = rng.uniform(0.85, 1.15, size=3) * rng.uniform(0.7, 1.25)
    values = (values - 128) * gains.astype(np.float32) + np.float32(128 + rng.uniform(-30, 30))
    if rng.random() < 0.3:
        values = values + rng.normal(0, rng.uniform(1, 10), values.shape)
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def _targets(window: _Window, rng: np.random.Generator, count: int) -> list[Mask]:
    """``count`` masks: mostly whole objects, some parts, some objects with their shadow, a few backgrounds."""
    least = max(10, int(_SMALLEST_SHARE * max(window.labels.shape) ** 2))
    objects = [window.labels == index for index in range(1, int(window.labels.max()) + 1)]
    objects = [mask for mask in objects if mask.sum() >= least]
    pieces = [_pieces(mask, window.parts, least) for mask in objects]
    chosen = []
    for _ in range(count):
        roll = rng.random()
        if not objects or roll < 0.05:
            chosen.append(window.labels == 0)
            continue
        index = int(rng.integers(len(objects)))
        if roll < 0.3 and pieces[index]:
            chosen.append(pieces[index][int(rng.integers(len(pieces[index])))])
        elif roll > 0.9 and window.alone and window.shadow.sum() >= least:
            chosen.append(objects[index] | window.shadow)
        else:
            chosen.append(objects[index])
    return chosen


def _pieces(mask: Mask, parts: Bytes, least: int) -> list[Mask]:
    """The parts of one object that are large enough to click, yet not nearly all of it."""
    areas = np.bincount(parts[mask], minlength=1)
    most = 0.85 * float(mask.sum())
    return [mask & (parts == number) for number in np.flatnonzero(areas) if least <= areas[number] <= most]


def _cover(mask: Mask, cells: int) -> torch.Tensor:
    """The share of every cell of the padded square that ``mask`` covers."""
    square = np.zeros((max(mask.shape), max(mask.shape)), dtype=np.uint8)
    square[: mask.shape[0], : mask.shape[1]] = mask * np.uint8(255)
    shrunk = Image.fromarray(square).resize((cells, cells), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(shrunk, dtype=np.float32) / 255)


def clicks(regions: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """One position (n, 2) as x, y in pixels of the padded picture in each region (n, cells, cells) of weights >= 0.

    Half of the clicks fall anywhere in the region, half well inside it, where people click. An empty region is clicked anywhere.
    """
    count, cells, _ = regions.shape
    inner = torch.nn.functional.avg_pool2d(regions[:, None], 7, stride=1, padding=3)[:, 0] ** 6
    careful = torch.rand(count, 1, 1, generator=draw) < 0.5
    weights = (regions * torch.where(careful, inner, 1.0)).flatten(1)
    weights = weights + 1e-12
    cell = torch.multinomial(weights, 1, generator=draw)[:, 0]
    corner = torch.stack([cell % cells, cell // cells], dim=1).float()
    return (corner + torch.rand(count, 2, generator=draw)) * CELL - 0.5


def boxes(masks: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Boxes (n, 4) left, top, right, bottom around masks (n, cells, cells), in pixels of the padded picture, as carelessly as drawn by hand."""
    inside = masks > 0.5
    edges = []
    for axis in (1, 2):  # columns seen from above, then rows from the side
        line = inside.any(dim=axis).float()
        first, last = line.argmax(dim=1), line.shape[1] - line.flip(1).argmax(dim=1)
        edges += [first, last]
    left, right, top, bottom = (edge.float() * CELL for edge in edges)
    box = torch.stack([left, top, right, bottom], dim=1)
    sides = torch.stack([right - left, bottom - top, right - left, bottom - top], dim=1)
    noise = torch.randn(box.shape, generator=draw) * sides * _BOX_NOISE
    return (box + noise.clamp(-_BOX_NOISE_LIMIT, _BOX_NOISE_LIMIT)).clamp(0, masks.shape[1] * CELL) - 0.5


def stack(lessons: list[Lesson]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures (b, 3, side, side), masks (b, n, cells, cells) and surfaces (b, 3, cells, cells) of several lessons."""
    parts: Any = zip(*((one.picture, one.masks, one.surfaces) for one in lessons), strict=True)
    pictures, masks, surfaces = (torch.stack(part) for part in parts)
    return pictures, masks, surfaces
