"""What makes a picture worth a second look before training: copies, blur, small size, odd shape, transparency.

Everything is measured on a small copy made while the picture is decoded anyway. Flags only point; nothing is ever left out because of one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FLAG_WORDS: dict[str, str] = {
    "duplicate": "The same file is here already",
    "near-duplicate": "Nearly the same as another picture",
    "blurry": "Looks blurred",
    "small": "Smaller than training likes",
    "extreme-aspect": "Very wide or very tall",
    "has-alpha": "Has transparent parts, shown on white",
}
SMALL_COPY_EDGE = 512
_TILES = 8
_SHARP_TILE_PERCENTILE = 90
_COLOUR_GRID = 4
# Calibrated on 40 real photos: they score 200 and more, and below this line once blurred by 1/250 of their width.
_BLURRY_BELOW = 25.0
# Re-saved, resized, brightened and slightly trimmed copies stay within these; different photos of one subject do not.
_NEAR_BITS = 8
_NEAR_COLOUR = 20.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the flags begin.

    Attributes:
        small_side: a short side below this many pixels is small.
        aspect: a long side this many times the short side is extreme.
        blurry_below: sharpness below this is blurred, see `sharpness`.
    """

    small_side: int = 256
    aspect: float = 3.0
    blurry_below: float = _BLURRY_BELOW


TO_SEGMENT = Limits(small_side=32, aspect=float("inf"), blurry_below=0.0)
"""Scans, strips and soft microscopy are as they should be; only what nothing can be seen on is worth a look."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The measured looks of a picture.

    Attributes:
        look: 64-bit perceptual hash in hexadecimal, equal for pictures that look alike.
        colours: mean RGB of a grid of 4 by 4 fields in hexadecimal, 48 bytes.
        sharpness: see `sharpness`.
    """

    look: str
    colours: str
    sharpness: float


def measure(rgb: Image.Image) -> Looks:
    """Measure the looks of an upright sRGB picture; a copy with a short side of 512 pixels is enough."""
    import imagehash

    grid = rgb.resize((_COLOUR_GRID, _COLOUR_GRID), Image.Resampling.BOX)
    return Looks(str(imagehash.phash(rgb)), grid.tobytes().hex(), sharpness(rgb))


def sharpness(rgb: Image.Image) -> float:
    """Variance of the Laplacian in the sharpest tenth of 64 tiles of a grey copy, 512 pixels square or less.

    Looking at the sharpest tiles only keeps a portrait before a soft background from counting as blurred.
    """
    edge = max(_TILES + 2, min(SMALL_COPY_EDGE, *rgb.size))
    grey = np.asarray(rgb.convert("L").resize((edge, edge), Image.Resampling.BICUBIC), dtype=np.float32)
    laplacian = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    tile = laplacian.shape[0] // _TILES
    tiles = laplacian[: tile * _TILES, : tile * _TILES].reshape(_TILES, tile, _TILES, tile)
    return float(np.percentile(tiles.var(axis=(1, 3)), _SHARP_TILE_PERCENTILE))


def flags_of(
    looks: Looks, *, width: int, height: int, transparent: bool, limits: Limits | None = None
) -> frozenset[str]:
    """The flags that a picture has on its own; copies are found by `Twins`."""
    limits = limits or Limits()
    short, long = sorted((width, height))
    found = {
        "blurry": looks.sharpness < limits.blurry_below,
        "small": short < limits.small_side,
        "extreme-aspect": long > limits.aspect * short,
        "has-alpha": transparent,
    }
    return frozenset(flag for flag, holds in found.items() if holds)


class Twins:
    """Finds the picture that a new one repeats: exactly in the whole project, nearly within its concept (or among those without)."""

    def __init__(self) -> None:
        self._by_content: dict[str, str] = {}
        self._by_concept: dict[str | None, Gallery] = {}

    def add(self, image_id: str, *, concept_id: str | None, sha256: str, look: str, colours: str) -> None:
        """Remember a picture of the project."""
        self._by_content.setdefault(sha256, image_id)
        self._by_concept.setdefault(concept_id, Gallery()).add(image_id, look, colours)

    def find(self, *, concept_id: str | None, sha256: str, look: str, colours: str) -> tuple[str, str] | None:
        """Return the flag and the id of the picture that this one repeats, or None."""
        same = self._by_content.get(sha256)
        if same is not None:
            return "duplicate", same
        gallery = self._by_concept.get(concept_id)
        near = gallery.near(look, colours) if gallery is not None else []
        return ("near-duplicate", near[0]) if near else None


class Gallery:
    """The looks of many pictures, in arrays so that a comparison with all of them is one step."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._looks: NDArray[np.uint64] = np.zeros(64, dtype=np.uint64)
        self._colours: NDArray[np.int16] = np.zeros((64, _COLOUR_GRID * _COLOUR_GRID * 3), dtype=np.int16)

    def add(self, image_id: str, look: str, colours: str) -> None:
        """Remember a picture."""
        count = len(self._ids)
        if count == len(self._looks):
            self._looks = np.concatenate([self._looks, np.zeros_like(self._looks)])
            self._colours = np.concatenate([self._colours, np.zeros_like(self._colours)])
        self._looks[count] = int(look, 16)
        self._colours[count] = _grid(colours)
        self._ids.append(image_id)

    def near(self, look: str, colours: str) -> list[str]:
        """The pictures that look nearly the same, the nearest first."""
        count = len(self._ids)
        bits = np.bitwise_count(self._looks[:count] ^ np.uint64(int(look, 16)))
        candidates = np.flatnonzero(bits <= _NEAR_BITS)
        apart = np.abs(self._colours[candidates] - _grid(colours)).mean(axis=1)
        close = candidates[apart <= _NEAR_COLOUR]
        return [self._ids[index] for index in close[np.argsort(bits[close], kind="stable")]]


def _grid(colours: str) -> NDArray[np.int16]:
    return np.frombuffer(bytes.fromhex(colours), dtype=np.uint8).astype(np.int16)
