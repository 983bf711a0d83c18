"""Turns a SceneSpec into a picture and its ground truth by sphere tracing (Hart 1996).

Each object is traced only along the rays that cross its bounding sphere; the ground is a plane. The picture is sampled on a
finer grid and averaged in linear light, so edges are smooth and partial coverage is known. Pure numpy, one thread,
deterministic for a spec.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.starter.backgrounds import WALL_Z, Background, background
from engines.starter.materials import colour, linear, noise, pattern_mix, second_tone
from engines.starter.sdf import Floats, Points, length
from engines.starter.shapes import Part, bound_of, parts_of, shape
from engines.starter.spec import LightSpec, ObjectSpec, SceneSpec

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
_Indices = npt.NDArray[np.int64]

_FAR = np.float32(1e9)
_TRACE_STEPS = 44
_SHADOW_STEPS = 14


@dataclass(frozen=True)
class Rendering:
    """A picture and what is true of it.

    ``picture`` (h, w, 3) uint8 sRGB; ``labels`` (h, w) uint8: 0 background, i + 1 object i; ``shadow`` (h, w) bool: ground
    in shadow; ``boxes_xyxy``: per object pixel box (left, top, right, bottom), right and bottom exclusive, zeros if hidden;
    ``parts`` (h, w) uint8: 0 background, j + 1 the j-th of its object's ``parts_of``.
    """

    picture: Bytes
    labels: Bytes
    shadow: Mask
    boxes_xyxy: tuple[tuple[int, int, int, int], ...]
    parts: Bytes

    def mask(self, index: int) -> Mask:
        """Visible pixels (h, w) of object ``index``."""
        return np.asarray(self.labels == index + 1)


class Solid:
    """One object ready for tracing: its parts and the way from the world into its own frame."""

    def __init__(self, spec: ObjectSpec, seed: int) -> None:
        self.spec = spec
        self.parts: tuple[Part, ...] = parts_of(spec)
        turn = np.deg2rad(spec.yaw_deg + shape(spec.shape).base_yaw_deg)
        self.cos, self.sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        sx, sy, sz = spec.stretch
        self.scale: tuple[float, float, float] = (spec.size * sx, spec.size * sy, spec.size * sz)
        self.shortest = np.float32(min(self.scale))
        centre_y, radius = bound_of(spec)
        self.centre = np.asarray([spec.position_xz[0], centre_y * self.scale[1], spec.position_xz[1]], dtype=np.float32)
        self.radius = np.float32(radius * max(self.scale))
        self.phase = float(seed % 628) / 100

    def local(self, p: Points) -> Points:
        """Points of the world in the object's own frame."""
        x, z = p[0] - np.float32(self.spec.position_xz[0]), p[2] - np.float32(self.spec.position_xz[1])
        turned = (self.cos * x + self.sin * z, p[1], self.cos * z - self.sin * x)
        u, v, w = (np.asarray(part / scale, dtype=np.float32) for part, scale in zip(turned, self.scale, strict=True))
        return u, v, w

    def distance(self, p: Points) -> Floats:
        """World distance (slightly lumpy, as hand-rolled clay is); conservative under unequal stretch."""
        q = self.local(p)
        nearest = self.parts[0].distance(q)
        for part in self.parts[1:]:
            nearest = np.minimum(nearest, part.distance(q))
        k = self.phase
        lumps = np.sin(q[0] * 5.1 + k) * np.sin(q[1] * 4.7 + 2 * k) * np.sin(q[2] * 5.3 + 3 * k)
        return np.asarray((nearest + 0.018 * lumps) * self.shortest, dtype=np.float32)

    def part_at(self, p: Points) -> _Indices:
        """Which part (n,) each surface point belongs to."""
        q = self.local(p)
        return np.asarray(np.argmin(np.stack([part.distance(q) for part in self.parts]), axis=0), dtype=np.int64)

    def paint(self, p: Points, which: _Indices) -> Floats:
        """Linear RGB (3, n) of surface points that belong to the parts ``which``."""
        q = self.local(p)
        own, other = colour(self.spec.colour), colour(second_tone(self.spec.colour, self.spec.second))
        share = pattern_mix(self.spec.pattern, q, phase=0.6)[None, :]
        body = own[:, None] * (1 - share) + other[:, None] * share
        out = np.empty((3, which.size), dtype=np.float32)
        for index, part in enumerate(self.parts):
            chosen = which == index
            if part.paint == "body":
                out[:, chosen] = body[:, chosen]
            else:
                out[:, chosen] = own[:, None] * 0.55 if part.paint == "trim" else colour(part.paint)[:, None]
        return out


def render(spec: SceneSpec, *, size: int = 64, supersample: int = 2) -> Rendering:
    """Render ``spec`` to ``size`` x ``size`` pixels with ``supersample`` squared rays a pixel."""
    grid = size * supersample
    origin, rays = _camera_rays(spec, grid)
    solids = [Solid(item, spec.seed * 7 + index * 131) for index, item in enumerate(spec.objects)]
    place = background(spec.background)

    depth = np.full(grid * grid, _FAR, dtype=np.float32)
    owner, part = np.zeros((2, grid * grid), dtype=np.uint8)
    for index, solid in enumerate(solids):
        hit, t = _trace(solid, origin, rays)
        closer = t < depth[hit]
        depth[hit[closer]] = t[closer]
        owner[hit[closer]] = index + 1

    image, shadow = _shade_surroundings(spec, place, solids, origin, rays, owner)
    for index, solid in enumerate(solids):
        chosen = np.flatnonzero(owner == index + 1)
        if chosen.size:
            p = _along(origin, _take(rays, chosen), depth[chosen])
            which = solid.part_at(p)
            part[chosen] = which + 1
            image[:, chosen] = _shade_object(spec, place, solids, solid, p, _take(rays, chosen), which)
    return _develop(image, owner, part, shadow, size=size, supersample=supersample, count=len(solids))


def _camera_rays(spec: SceneSpec, grid: int) -> tuple[Floats, Points]:
    camera = spec.camera
    tilt = np.deg2rad(camera.elevation_deg)
    forward = np.asarray([0, -np.sin(tilt), np.cos(tilt)], dtype=np.float32)
    up = np.asarray([0, np.cos(tilt), np.sin(tilt)], dtype=np.float32)
    origin = np.asarray(camera.target, dtype=np.float32) - forward * np.float32(camera.distance)
    reach = np.tan(np.deg2rad(camera.fov_deg) / 2)
    line = ((np.arange(grid, dtype=np.float32) + 0.5) / grid * 2 - 1) * np.float32(reach)
    u, v = (value.ravel() for value in np.meshgrid(line, -line))
    d = np.stack([u, forward[1] + v * up[1], forward[2] + v * up[2]]).astype(np.float32)
    d /= np.sqrt((d * d).sum(axis=0, keepdims=True))
    return origin, (d[0], d[1], d[2])


def _take(p: Points, chosen: _Indices) -> Points:
    return p[0][chosen], p[1][chosen], p[2][chosen]


def _along(origin: Floats, rays: Points, t: Floats) -> Points:
    return origin[0] + rays[0] * t, origin[1] + rays[1] * t, origin[2] + rays[2] * t


def _cross_sphere(solid: Solid, start: Points, direction: Points, *, grow: float) -> tuple[_Indices, Floats, Floats]:
    """Indices of the rays that cross the bounding sphere (radius times ``grow``) and where they enter and leave it."""
    ox, oy, oz = (start[i] - solid.centre[i] for i in range(3))
    along = -(ox * direction[0] + oy * direction[1] + oz * direction[2])
    gap_sq = ox * ox + oy * oy + oz * oz - along * along
    half_sq = np.float32((solid.radius * grow) ** 2) - gap_sq
    chosen = np.flatnonzero((half_sq > 0) & (along + np.sqrt(np.maximum(half_sq, 0)) > 0))
    half = np.sqrt(half_sq[chosen])
    middle = along[chosen]
    return chosen, np.maximum(middle - half, 0), middle + half


def _trace(solid: Solid, origin: Floats, rays: Points) -> tuple[_Indices, Floats]:
    """Ray indices that hit the solid and their depths."""
    start: Points = (origin[0:1], origin[1:2], origin[2:3])
    chosen, t, end = _cross_sphere(solid, start, rays, grow=1.0)
    alive = np.arange(chosen.size)
    hit = np.zeros(chosen.size, dtype=bool)
    near = _take(rays, chosen)
    for _ in range(_TRACE_STEPS):
        if alive.size == 0:
            break
        d = solid.distance(_along(origin, _take(near, alive), t[alive]))
        t[alive] += d * np.float32(0.92)
        hit[alive] = d < 0.004
        alive = alive[(d >= 0.004) & (t[alive] < end[alive])]
    return chosen[hit], t[hit]


def _sun_direction(light: LightSpec) -> Floats:
    azimuth, elevation = np.deg2rad(light.azimuth_deg), np.deg2rad(light.elevation_deg)
    flat = np.cos(elevation)
    return np.asarray([np.sin(azimuth) * flat, np.sin(elevation), -np.cos(azimuth) * flat], dtype=np.float32)


def _sun_colour(light: LightSpec, place: Background) -> Floats:
    warm = np.asarray([1 + 0.08 * light.warmth, 1.0, 1 - 0.12 * light.warmth], dtype=np.float32)
    return np.asarray(np.asarray(place.sun, dtype=np.float32) * warm * np.float32(light.strength), dtype=np.float32)


def _sunlit(solids: list[Solid], p: Points, sun: Floats) -> Floats:
    """Share (0..1) of sunlight that reaches each point, with a penumbra that widens away from the caster."""
    lit = np.ones(p[0].size, dtype=np.float32)
    direction: Points = (sun[0:1], sun[1:2], sun[2:3])
    for solid in solids:
        chosen, t, end = _cross_sphere(solid, p, direction, grow=1.12)
        if chosen.size == 0:
            continue
        t = t + np.float32(0.04)
        start = _take(p, chosen)
        share = np.ones(chosen.size, dtype=np.float32)
        alive = np.arange(chosen.size)
        for _ in range(_SHADOW_STEPS):
            if alive.size == 0:
                break
            at = t[alive]
            here = _take(start, alive)
            d = solid.distance((here[0] + sun[0] * at, here[1] + sun[1] * at, here[2] + sun[2] * at))
            share[alive] = np.minimum(share[alive], np.clip(0.5 + 4.0 * d / np.maximum(at, 0.25), 0, 1))
            t[alive] = at + np.clip(d, 0.05, 0.5)
            alive = alive[(share[alive] > 0.01) & (t[alive] < end[alive])]
        lit[chosen] *= share
    return lit


def _openness(solids: list[Solid], p: Points, normal: Points, reach: float) -> Floats:
    """Cheap ambient occlusion: how far the nearest clay is from a point lifted off the surface by ``reach``."""
    lifted: Points = (p[0] + normal[0] * reach, p[1] + normal[1] * reach, p[2] + normal[2] * reach)
    open_share = np.ones(p[0].size, dtype=np.float32)
    for solid in solids:
        gap = length(*(lifted[i] - solid.centre[i] for i in range(3))) - solid.radius
        close = np.flatnonzero(gap < reach)
        if close.size:
            near = np.clip(solid.distance(_take(lifted, close)) / reach, 0, 1)
            open_share[close] = np.minimum(open_share[close], near)
    return open_share


def _shade_surroundings(
    spec: SceneSpec, place: Background, solids: list[Solid], origin: Floats, rays: Points, owner: Bytes
) -> tuple[Floats, Mask]:
    """Ground, wall and sky wherever no object is; also which of those samples are ground in shadow."""
    image = np.zeros((3, owner.size), dtype=np.float32)
    shadow = np.zeros(owner.size, dtype=bool)
    free = owner == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(rays[1] < -1e-3, -origin[1] / rays[1], _FAR).astype(np.float32)
    ground = free & (t < 200)
    if place.wall:
        ground &= origin[2] + rays[2] * t < WALL_Z
    behind = np.flatnonzero(free & ~ground)
    image[:, behind] = place.sky(_take(rays, behind), spec.seed)
    chosen = np.flatnonzero(ground)
    p = _along(origin, _take(rays, chosen), t[chosen])
    sun = _sun_direction(spec.light)
    lit = _sunlit(solids, p, sun)
    zero = np.zeros_like(p[0])
    open_share = 0.45 + 0.55 * _openness(solids, p, (zero, zero + 1, zero), 0.5)
    ambient = np.asarray(place.ambient, dtype=np.float32)[:, None] * open_share[None, :]
    direct = _sun_colour(spec.light, place)[:, None] * (lit * sun[1])[None, :]
    shaded = place.ground(p[0], p[2], spec.seed) * (ambient + direct)
    if not place.wall:
        haze = np.clip((t[chosen] - 9.0) / 40.0, 0, 0.6)[None, :]
        shaded = shaded * (1 - haze) + linear(place.haze)[:, None] * haze
    image[:, chosen] = shaded
    shadow[chosen] = lit < 0.5
    return image, shadow


def _normal(solid: Solid, p: Points) -> Points:
    """Outward unit normals from four samples of the distance (tetrahedron)."""
    step = np.float32(0.012)
    total = [np.zeros_like(p[0]) for _ in range(3)]
    for sx, sy, sz in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        d = solid.distance((p[0] + sx * step, p[1] + sy * step, p[2] + sz * step))
        for axis, sign in enumerate((sx, sy, sz)):
            total[axis] += sign * d
    norm = np.maximum(length(*total), 1e-6)
    x, y, z = (np.asarray(part / norm, dtype=np.float32) for part in total)
    return x, y, z


def _shade_object(
    spec: SceneSpec, place: Background, solids: list[Solid], solid: Solid, p: Points, rays: Points, which: _Indices
) -> Floats:
    """Linear RGB (3, n) of object points: sky and bounce light, a wrapped sun, a faint sheen, and clay speckle."""
    normal = _normal(solid, p)
    sun = _sun_direction(spec.light)
    facing = normal[0] * sun[0] + normal[1] * sun[1] + normal[2] * sun[2]
    lifted: Points = (p[0] + normal[0] * 0.03, p[1] + normal[1] * 0.03, p[2] + normal[2] * 0.03)
    lit = np.zeros_like(facing)
    bright = np.flatnonzero(facing > -0.15)
    lit[bright] = _sunlit(solids, _take(lifted, bright), sun)
    wrapped = np.clip((facing + 0.15) / 1.15, 0, 1) * lit
    up = 0.5 + 0.5 * normal[1]
    open_share = (0.55 + 0.45 * _openness(solids, p, normal, 0.3)) * (0.6 + 0.4 * np.clip(p[1] / 0.5, 0, 1))
    ground = place.ground(p[0], p[2], spec.seed).mean(axis=1, keepdims=True) * 0.55
    ambient = np.asarray(place.ambient, dtype=np.float32)[:, None] * (0.62 + 0.5 * up)[None, :]
    fill = (ambient + ground * (1 - up)[None, :] * 0.5) * open_share[None, :]
    tint = _sun_colour(spec.light, place)
    speckle = 1 + 0.05 * noise(p[0] * 1.7 + p[1], p[2] + p[1] * 2.1, frequency=9.0, seed=spec.seed)
    paint, hidden = solid.paint(p, which), np.float32(solid.spec.camouflage)
    if hidden:  # the ground's paint, as if the ground rose to form the object
        paint = paint * (1 - hidden) + place.ground(p[0], p[2] + p[1], spec.seed) * hidden
    body = paint * (fill + tint[:, None] * wrapped[None, :]) * speckle[None, :]
    half = [sun[i] - rays[i] for i in range(3)]
    half_length = np.maximum(length(*half), 1e-6)
    gloss = np.clip(sum(normal[i] * half[i] for i in range(3)) / half_length, 0, 1) ** 26 * lit * 0.16
    return np.asarray(body + tint[:, None] * gloss[None, :], dtype=np.float32)


def _develop(
    image: Floats, owner: Bytes, part: Bytes, shadow: Mask, *, size: int, supersample: int, count: int
) -> Rendering:
    """Average the fine grid in linear light, apply the sRGB-like curve, and derive masks and boxes by majority."""
    blocks = (size, supersample, size, supersample)
    mean = image.reshape(3, *blocks).mean(axis=(2, 4))
    picture = np.clip(mean, 0, 1) ** (1 / 2.2) * 255 + 0.5
    cover = [(owner == index).reshape(blocks).mean(axis=(1, 3)) for index in range(count + 1)]
    labels = np.argmax(np.stack(cover[1:] + cover[:1]), axis=0)  # objects win ties against the background
    labels = np.where(labels == count, 0, labels + 1).astype(np.uint8)
    dark = (shadow.reshape(blocks).mean(axis=(1, 3)) >= 0.5) & (labels == 0)
    boxes = tuple(_box(labels == index + 1) for index in range(count))
    parts = np.zeros_like(labels)
    for index in range(1, count + 1):
        mine = owner == index
        shares = [(mine & (part == number)).reshape(blocks).mean(axis=(1, 3)) for number in range(1, part.max() + 1)]
        parts = np.where(labels == index, np.argmax(np.stack(shares), axis=0) + 1, parts) if shares else parts
    return Rendering(picture.transpose(1, 2, 0).astype(np.uint8), labels, dark, boxes, parts.astype(np.uint8))


def _box(mask: Mask) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
