"""Paints of the clay world: the named colours, the patterns rolled into an object's body, and smooth noise.

Colours are linear RGB; patterns are functions of the object's own frame, so they turn with it.
"""

from __future__ import annotations

import numpy as np

from engines.starter.sdf import Floats, Points, length

_SRGB: dict[str, tuple[int, int, int]] = {
    "red": (212, 32, 38),
    "orange": (246, 128, 22),
    "yellow": (250, 214, 40),
    "green": (56, 160, 50),
    "teal": (24, 178, 172),
    "blue": (40, 78, 214),
    "purple": (126, 52, 178),
    "pink": (250, 138, 184),
    "brown": (118, 70, 38),
    "white": (240, 238, 234),
    "black": (34, 32, 36),
    "grey": (118, 118, 122),
    "cream": (244, 226, 190),
    "glass": (170, 208, 232),
    "beak": (248, 150, 30),
    "bark": (104, 68, 40),
}


def linear(srgb: tuple[float, float, float]) -> Floats:
    """Linear RGB in 0..1 of an sRGB triple in 0..255 (gamma 2.2)."""
    return np.asarray((np.asarray(srgb) / 255.0) ** 2.2, dtype=np.float32)


def colour(name: str) -> Floats:
    """Linear RGB of a named paint; KeyError for an unknown name."""
    return linear(_SRGB[name])


def second_tone(first: str, second: str) -> str:
    """The paint of a pattern's other tone: white on white would vanish, so it becomes grey."""
    return "grey" if first == "white" and second == "white" else second


def pattern_mix(pattern: str, p: Points, *, phase: float) -> Floats:
    """Share (0..1) of the second tone at each point of an object's own frame."""
    x, y, z = p
    if pattern == "striped":
        return _edge(np.sin(y * 7.4 + phase))
    if pattern == "checkered":
        return _edge(np.sin(x * 5.6) * np.sin(y * 5.6 + phase) * np.sin(z * 5.6) * 3.0)
    if pattern == "spotted":
        cell = 0.56
        near = np.full_like(x, 9.0)
        for shift in (0.0, 0.5):
            qx, qy, qz = ((value / cell + shift + 0.25) % 1.0 - 0.5 for value in (x, y, z))
            near = np.minimum(near, length(qx, qy, qz))
        return _edge((0.33 - near) * 6.0)
    return np.zeros_like(x)


def _edge(value: Floats) -> Floats:
    return np.asarray(np.clip(value * 4.0 + 0.5, 0, 1), dtype=np.float32)


def noise(x: Floats, z: Floats, *, frequency: float, seed: int) -> Floats:
    """Smooth value noise in -1..1 over a plane, by hashing lattice points and interpolating between them."""
    x, z = x * frequency, z * frequency
    x0, z0 = np.floor(x), np.floor(z)
    fx, fz = x - x0, z - z0
    fx, fz = fx * fx * (3 - 2 * fx), fz * fz * (3 - 2 * fz)
    ix, iz = x0.astype(np.int64), z0.astype(np.int64)
    near = _hash(ix, iz, seed) * (1 - fx) + _hash(ix + 1, iz, seed) * fx
    far = _hash(ix, iz + 1, seed) * (1 - fx) + _hash(ix + 1, iz + 1, seed) * fx
    return np.asarray(near * (1 - fz) + far * fz, dtype=np.float32)


def _hash(
    ix: np.ndarray[tuple[int, ...], np.dtype[np.int64]], iz: np.ndarray[tuple[int, ...], np.dtype[np.int64]], seed: int
) -> Floats:
    mixed = (ix * 374761393 + iz * 668265263 + seed * 974711) & 0x7FFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0x7FFFFFFF
    return np.asarray(((mixed ^ (mixed >> 16)) & 0xFFFF) / 32767.5 - 1.0, dtype=np.float32)
