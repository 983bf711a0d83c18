"""The six places a clay still life can stand in: ground paint, what lies behind it, and the tint of their light.

Ground functions take world coordinates of points on y = 0 and give linear RGB (3, n); sky functions take unit view
directions. Fine texture fades with distance, where a small picture could not show it without shimmering.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engines.starter.materials import linear, noise
from engines.starter.sdf import Floats, Points

WALL_Z = 3.4
_SHORE_Z = 2.6


@dataclass(frozen=True)
class Background:
    """Ground and sky of one place; ``ambient`` and ``sun`` are the linear tints of sky and main light, ``haze`` is sRGB."""

    ground: Callable[[Floats, Floats, int], Floats]
    sky: Callable[[Points, int], Floats]
    ambient: tuple[float, float, float]
    sun: tuple[float, float, float]
    haze: tuple[float, float, float]
    wall: bool = False


def background(name: str) -> Background:
    """The place called ``name``; KeyError for a name outside BACKGROUNDS."""
    return _PLACES[name]


def _paint(srgb: tuple[float, float, float], factor: Floats) -> Floats:
    return np.asarray(linear(srgb)[:, None] * factor[None, :], dtype=np.float32)


def _mix(a: Floats, b: Floats, share: Floats) -> Floats:
    return np.asarray(a * (1 - share) + b * share, dtype=np.float32)


def _mottle(x: Floats, z: Floats, seed: int, *, coarse: float, fine: float) -> Floats:
    fade = np.exp(-np.maximum(z, 0) * 0.25)
    rough = noise(x, z, frequency=0.9, seed=seed) * coarse
    return np.asarray(1 + rough + noise(x, z, frequency=4.5, seed=seed + 1) * fine * fade, dtype=np.float32)


def _grass(x: Floats, z: Floats, seed: int) -> Floats:
    return _paint((112, 176, 74), _mottle(x, z, seed, coarse=0.16, fine=0.2))


def _beach(x: Floats, z: Floats, seed: int) -> Floats:
    sand = _paint((234, 212, 160), _mottle(x, z, seed, coarse=0.06, fine=0.06))
    sea = _paint((44, 138, 176), 1 + 0.12 * np.sin(z * 5.0 + np.sin(x)) * np.exp(-np.maximum(z - 3, 0) * 0.3))
    shore = _SHORE_Z + 0.25 * np.sin(x * 0.8 + seed % 7)
    foam = np.exp(-(((z - shore) / 0.16) ** 2)).astype(np.float32)
    both = _mix(sand, sea, np.clip((z - shore) * 6, 0, 1).astype(np.float32))
    return _mix(both, _paint((246, 250, 250), np.ones_like(x)), foam * 0.8)


def _snow(x: Floats, z: Floats, seed: int) -> Floats:
    return _paint((222, 232, 246), _mottle(x, z, seed, coarse=0.05, fine=0.03))


def _table(x: Floats, z: Floats, seed: int) -> Floats:
    plank = np.floor(z * 1.1 + 0.35)
    tone = 1 + 0.1 * np.sin(plank * 2.4 + seed % 11) + 0.05 * noise(x * 0.35, z * 3, frequency=2.2, seed=seed)
    seam = np.exp(-((((z * 1.1 + 0.35) % 1.0) / 0.06) ** 2))
    return _paint((192, 142, 96), (tone * (1 - 0.4 * seam)).astype(np.float32))


def _desert(x: Floats, z: Floats, seed: int) -> Floats:
    bend = noise(x, z, frequency=0.5, seed=seed) * 2.0
    ripple = np.sin(z * 5.5 + x * 1.2 + bend) * np.exp(-np.maximum(z, 0) * 0.3)
    return _paint((222, 152, 88), (1 + 0.1 * ripple + 0.05 * bend).astype(np.float32))


def _night(x: Floats, z: Floats, seed: int) -> Floats:
    return _paint((58, 66, 108), _mottle(x, z, seed, coarse=0.12, fine=0.1))


def _gradient(y: Floats, low: tuple[float, float, float], high: tuple[float, float, float]) -> Floats:
    return _mix(linear(low)[:, None], linear(high)[:, None], np.clip(y * 3.2, 0, 1)[None, :])


def _hills(d: Points, seed: int, *, height: float, frequency: float) -> Floats:
    angle = d[0] / np.maximum(d[2], 0.05)
    crest = height * (
        1.0 + 0.5 * np.sin(angle * frequency + seed % 13) + 0.3 * np.sin(angle * frequency * 2.3 + seed % 5)
    )
    return np.asarray(np.clip((crest - d[1]) * 60, 0, 1), dtype=np.float32)


def _meadow_sky(d: Points, seed: int) -> Floats:
    sky = _gradient(d[1], (206, 230, 244), (112, 176, 232))
    return _mix(sky, linear((86, 142, 84))[:, None], _hills(d, seed, height=0.035, frequency=5.0)[None, :])


def _sea_sky(d: Points, _seed: int) -> Floats:
    return _gradient(d[1], (226, 240, 246), (96, 178, 238))


def _snow_sky(d: Points, seed: int) -> Floats:
    sky = _gradient(d[1], (236, 238, 244), (172, 194, 222))
    return _mix(sky, linear((150, 172, 204))[:, None], _hills(d, seed, height=0.06, frequency=7.0)[None, :])


def _wall(d: Points, seed: int) -> Floats:
    tints = ((226, 214, 196), (200, 212, 206), (216, 204, 212), (206, 210, 220))
    return np.repeat(linear(tints[seed % len(tints)])[:, None], d[0].size, axis=1)


def _desert_sky(d: Points, seed: int) -> Floats:
    sky = _gradient(d[1], (250, 226, 178), (236, 186, 128))
    return _mix(sky, linear((190, 116, 76))[:, None], _hills(d, seed, height=0.05, frequency=3.0)[None, :])


def _night_sky(d: Points, seed: int) -> Floats:
    sky = _gradient(d[1], (44, 48, 96), (14, 16, 44))
    angle, height = np.arctan2(d[0], np.maximum(d[2], 1e-3)), d[1]
    star = noise(angle.astype(np.float32), height, frequency=34.0, seed=seed) > 0.86
    sky = _mix(sky, linear((220, 224, 255))[:, None], (star * 0.7)[None, :].astype(np.float32))
    moon_x = ((seed * 37) % 100) / 100 * 0.5 - 0.25
    disc = np.clip((0.05 - np.sqrt((angle - moon_x) ** 2 + (height - 0.15) ** 2)) * 80, 0, 1)
    return _mix(sky, linear((250, 244, 214))[:, None], disc[None, :].astype(np.float32))


_PLACES: dict[str, Background] = {
    "grass": Background(_grass, _meadow_sky, (0.42, 0.48, 0.5), (0.86, 0.84, 0.78), (176, 210, 226)),
    "beach": Background(_beach, _sea_sky, (0.46, 0.48, 0.52), (0.86, 0.82, 0.74), (120, 180, 216)),
    "snow": Background(_snow, _snow_sky, (0.5, 0.52, 0.56), (0.74, 0.73, 0.7), (214, 222, 236)),
    "table": Background(_table, _wall, (0.46, 0.45, 0.44), (0.8, 0.78, 0.74), (200, 190, 180), wall=True),
    "desert": Background(_desert, _desert_sky, (0.46, 0.44, 0.42), (0.9, 0.84, 0.74), (240, 204, 150)),
    "night": Background(_night, _night_sky, (0.34, 0.35, 0.42), (0.56, 0.57, 0.62), (40, 44, 88)),
}
