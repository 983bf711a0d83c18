"""Signed-distance primitives from which every clay object is kneaded.

A point set is a tuple of three equally shaped float32 arrays ``(x, y, z)`` with y up; every primitive returns the signed
distance (negative inside) in the same units. The closed forms are the classic ones of sphere tracing (Hart 1996).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Points = tuple[Floats, Floats, Floats]
Distance = Callable[[Points], Floats]
Triple = tuple[float, float, float]


def length(*parts: Floats) -> Floats:
    """Euclidean length of a vector given by its component arrays."""
    total = parts[0] * parts[0]
    for part in parts[1:]:
        total = total + part * part
    return np.asarray(np.sqrt(total), dtype=np.float32)


def sphere(centre: Triple, radius: float) -> Distance:
    """Ball of ``radius`` around ``centre``."""
    cx, cy, cz = centre

    def distance(p: Points) -> Floats:
        return length(p[0] - cx, p[1] - cy, p[2] - cz) - np.float32(radius)

    return distance


def ellipsoid(centre: Triple, radii: Triple) -> Distance:
    """Ellipsoid; the distance is the usual first-order estimate, exact on the surface."""
    cx, cy, cz = centre
    rx, ry, rz = radii

    def distance(p: Points) -> Floats:
        x, y, z = (p[0] - cx) / rx, (p[1] - cy) / ry, (p[2] - cz) / rz
        outer = length(x, y, z)
        slope = length(x / rx, y / ry, z / rz)
        return np.asarray(outer * (outer - 1.0) / np.maximum(slope, 1e-4), dtype=np.float32)

    return distance


def box(centre: Triple, half: Triple, rounding: float) -> Distance:
    """Box with half sizes ``half`` (rounding included) and edges rounded by ``rounding``."""
    cx, cy, cz = centre
    hx, hy, hz = (value - rounding for value in half)

    def distance(p: Points) -> Floats:
        x, y, z = np.abs(p[0] - cx) - hx, np.abs(p[1] - cy) - hy, np.abs(p[2] - cz) - hz
        outside = length(np.maximum(x, 0), np.maximum(y, 0), np.maximum(z, 0))
        inside = np.minimum(np.maximum(x, np.maximum(y, z)), 0)
        return np.asarray(outside + inside - rounding, dtype=np.float32)

    return distance


def torus(centre: Triple, major: float, minor: float, *, axis: str) -> Distance:
    """Ring around ``axis`` ("y": lying, "z": standing and facing the viewer)."""
    cx, cy, cz = centre

    def distance(p: Points) -> Floats:
        x, y, z = p[0] - cx, p[1] - cy, p[2] - cz
        if axis == "z":
            y, z = z, y
        return length(length(x, z) - np.float32(major), y) - np.float32(minor)

    return distance


def cylinder(centre: Triple, radius: float, half_height: float, *, rounding: float = 0.05, axis: str = "y") -> Distance:
    """Cylinder along ``axis`` ("y" or "z") with rounded rims."""
    cx, cy, cz = centre

    def distance(p: Points) -> Floats:
        x, y, z = p[0] - cx, p[1] - cy, p[2] - cz
        if axis == "z":
            y, z = z, y
        dx = length(x, z) - np.float32(radius - rounding)
        dy = np.abs(y) - np.float32(half_height - rounding)
        inside = np.minimum(np.maximum(dx, dy), 0)
        return np.asarray(inside + length(np.maximum(dx, 0), np.maximum(dy, 0)) - rounding, dtype=np.float32)

    return distance


def cone(base: Triple, height: float, radii: tuple[float, float], *, rounding: float = 0.05) -> Distance:
    """Upright frustum standing at ``base`` with bottom and top ``radii``."""
    bx, by, bz = base
    half = height / 2 - rounding
    r1, r2 = max(radii[0] - rounding, 0.0), max(radii[1] - rounding, 0.0)
    slope_x, slope_y = r2 - r1, 2 * half
    slope_sq = slope_x * slope_x + slope_y * slope_y

    def distance(p: Points) -> Floats:
        q = length(p[0] - bx, p[2] - bz)
        y = p[1] - (by + height / 2)
        cap_x = q - np.minimum(q, np.where(y < 0, np.float32(r1), np.float32(r2)))
        cap_y = np.abs(y) - half
        along = np.clip(((r2 - q) * slope_x + (half - y) * slope_y) / slope_sq, 0, 1)
        side_x, side_y = q - r2 + slope_x * along, y - half + slope_y * along
        sign = np.where((side_x < 0) & (cap_y < 0), np.float32(-1), np.float32(1))
        nearest = np.minimum(cap_x * cap_x + cap_y * cap_y, side_x * side_x + side_y * side_y)
        return np.asarray(sign * np.sqrt(nearest) - rounding, dtype=np.float32)

    return distance


def capsule(start: Triple, end: Triple, radius: float) -> Distance:
    """Rod with round ends between two points."""
    ax, ay, az = start
    dx, dy, dz = end[0] - ax, end[1] - ay, end[2] - az
    length_sq = dx * dx + dy * dy + dz * dz

    def distance(p: Points) -> Floats:
        x, y, z = p[0] - ax, p[1] - ay, p[2] - az
        along = np.clip((x * dx + y * dy + z * dz) / length_sq, 0, 1)
        return length(x - dx * along, y - dy * along, z - dz * along) - np.float32(radius)

    return distance


def roof(base_y: float, height: float, half: tuple[float, float], *, rounding: float = 0.05) -> Distance:
    """Gable roof (triangular prism along z) over a floor plan of half sizes ``half`` = (x, z)."""
    hx, hz = half
    norm = float(np.hypot(hx, height))

    def distance(p: Points) -> Floats:
        slope = (np.abs(p[0]) * height + (p[1] - base_y) * hx - hx * height) / norm
        return np.asarray(np.maximum(np.maximum(slope, base_y - p[1]), np.abs(p[2]) - hz) - rounding, dtype=np.float32)

    return distance


def blend(first: Distance, second: Distance, softness: float) -> Distance:
    """Soft union of two lumps of clay: the seam is rounded over about ``softness``."""

    def distance(p: Points) -> Floats:
        a, b = first(p), second(p)
        h = np.maximum(softness - np.abs(a - b), 0) / softness
        return np.asarray(np.minimum(a, b) - h * h * (softness / 4), dtype=np.float32)

    return distance


def carve(body: Distance, hole: Distance) -> Distance:
    """``body`` without ``hole``."""

    def distance(p: Points) -> Floats:
        return np.maximum(body(p), -hole(p))

    return distance
