"""Predictions and truths drawn with whole numbers alone, so that they are the same on every machine and with every numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Levels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def ellipse(height: int, width: int, row: int, column: int, radius: int) -> Mask:
    """A filled ellipse, one and a half times as wide as high."""
    y, x = np.mgrid[:height, :width]
    return 9 * (y - row) ** 2 + 4 * (x - column) ** 2 < 9 * radius**2


def noise(height: int, width: int, below: int, *, seed: int) -> npt.NDArray[np.int64]:
    """Whole numbers from 0 to below `below` without visible order (multiples of the golden ratio, Knuth)."""
    numbers = np.arange(1, height * width + 1, dtype=np.uint64) + np.uint64(seed * 7919)
    return ((numbers * numbers * np.uint64(2654435761) % np.uint64(2**32)) >> np.uint64(8)).astype(np.int64).reshape(
        height, width
    ) % below


def cloudy(mask: Mask, *, seed: int) -> Levels:
    """A soft map that means `mask`: bright inside, dim outside, uncertain everywhere."""
    bright = np.where(mask, 150, 0) + noise(*mask.shape, 106, seed=seed)
    bright[noise(*mask.shape, 11, seed=seed + 1) == 0] //= 2
    return np.where(bright < 40, 0, bright).astype(np.uint8)


def drawn_pairs() -> dict[str, tuple[Levels, Mask]]:
    """Predictions as levels 0 to 255 and truths, by what is special about them."""
    blob = ellipse(61, 83, 28, 40, 14)
    nothing, everything = np.zeros_like(blob), np.ones_like(blob)
    parts = ellipse(72, 54, 0, 10, 9) | ellipse(72, 54, 50, 53, 17)
    speck = np.zeros((40, 40), dtype=bool)
    speck[7, 8:10] = speck[8, 8] = True
    return {
        "soft": (cloudy(ellipse(61, 83, 31, 44, 13), seed=1), blob),
        "parts": (cloudy(ellipse(72, 54, 2, 12, 11) | ellipse(72, 54, 20, 30, 6), seed=2), parts),
        "hard": ((ellipse(61, 83, 24, 37, 16) * 255).astype(np.uint8), blob),
        "speck": (cloudy(ellipse(40, 40, 8, 9, 3), seed=3), speck),
        "wrong place": (cloudy(ellipse(61, 83, 50, 70, 8), seed=4), blob),
        "empty truth": (cloudy(ellipse(61, 83, 30, 30, 5), seed=5), nothing),
        "full truth": (cloudy(ellipse(61, 83, 30, 30, 20), seed=6), everything),
        "empty prediction": (nothing.astype(np.uint8), blob),
        "both empty": (nothing.astype(np.uint8), nothing),
    }
