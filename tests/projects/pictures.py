"""Pictures for the tests of documents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def photo(seed: int, size: tuple[int, int] = (400, 300)) -> Image.Image:
    """A picture with broad shapes and fine grain; different seeds look different."""
    rng = np.random.default_rng(seed)
    broad = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    grain = rng.integers(-25, 26, (size[1], size[0], 1), dtype=np.int16)
    return Image.fromarray((np.asarray(broad, dtype=np.int16) + grain).clip(0, 255).astype(np.uint8))


def save_photo(path: Path, seed: int, size: tuple[int, int] = (400, 300), **options: object) -> Path:
    """Write `photo(seed)` in the format that the name asks for."""
    photo(seed, size).save(path, **options)
    return path
