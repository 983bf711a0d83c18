"""Spoils clean renders the way cameras, files and generators do, so that a judge trained on them is fair to all three."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

Pictures = np.ndarray[Any, np.dtype[np.uint8]]


def spoil(pictures: Pictures, rng: np.random.Generator) -> Pictures:
    """A copy of (n, h, w, 3) pictures: each shifted or zoomed a little, and some blurred, recompressed, noisy or dim."""
    return np.stack([_spoil_one(picture, rng) for picture in pictures])


def _spoil_one(picture: Pictures, rng: np.random.Generator) -> Pictures:
    image = Image.fromarray(picture)
    size = image.width
    image = _reframe(image, size, rng)
    roll = rng.random()
    if roll < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.2)) * size / 64))
    elif roll < 0.3:
        small = int(size * rng.uniform(0.5, 0.85))
        image = image.resize((small, small), Image.Resampling.BILINEAR).resize((size, size), Image.Resampling.BICUBIC)
    if rng.random() < 0.15:
        image = _recompress(image, int(rng.integers(35, 92)))
    values: np.ndarray[Any, np.dtype[np.floating[Any]]] = np.asarray(image, dtype=np.float32)
    if rng.random() < 0.3:
        values = (values - 128) * rng.uniform(0.88, 1.1) + 128 + rng.uniform(-10, 10)
    if rng.random() < 0.2:
        values = values + rng.normal(0, rng.uniform(1, 9), values.shape)
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def _reframe(image: Image.Image, size: int, rng: np.random.Generator) -> Image.Image:
    """Cut a slightly smaller, slightly shifted window and scale it back."""
    if rng.random() < 0.3:
        return image
    side = size * rng.uniform(0.84, 1.0)
    left, top = rng.uniform(0, size - side, size=2)
    window = (float(left), float(top), float(left + side), float(top + side))
    return image.resize((size, size), Image.Resampling.BILINEAR, box=window)


def _recompress(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=quality)
    stream.seek(0)
    return Image.open(stream).convert("RGB")
