"""The twelve kinds of clay object, three of wire for hard cases, and the accessories that can be stuck onto objects.

Every shape stands on y = 0 in its own frame, about 1.7 units tall, centred on x = z = 0 and facing the viewer (-z). A shape
is a list of parts; a part is a distance function with a paint: "body" (the object's colour and pattern), "trim" (a darker
tone of the same colour) or the name of a fixed colour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from engines.starter import sdf
from engines.starter.spec import ObjectSpec


@dataclass(frozen=True)
class Part:
    """One lump of clay: where it is and how it is painted."""

    distance: sdf.Distance
    paint: str = "body"


@dataclass(frozen=True)
class Anchors:
    """Where accessories go: crown of a head, its radius, the neck's height and radius, the point of the face."""

    crown: sdf.Triple
    crown_radius: float
    neck: tuple[float, float]
    face: sdf.Triple
    chest: sdf.Triple


@dataclass(frozen=True)
class Shape:
    """All parts of one kind, the anchors of its accessories, a bounding sphere, and the yaw at which it is best seen."""

    parts: tuple[Part, ...]
    anchors: Anchors
    centre_y: float
    bound: float
    base_yaw_deg: float = 0.0


def _eyes(x: float, y: float, z: float, *, radius: float = 0.08) -> list[Part]:
    return [Part(sdf.sphere((side * x, y, z), radius), "black") for side in (-1.0, 1.0)]


def _ball() -> Shape:
    return Shape(
        (Part(sdf.sphere((0, 0.82, 0), 0.82)),),
        Anchors((0, 1.6, 0), 0.5, (0.95, 0.8), (0, 0.9, -0.84), (0, 0.6, -0.8)),
        0.82,
        0.9,
    )


def _cube() -> Shape:
    return Shape(
        (Part(sdf.box((0, 0.68, 0), (0.68, 0.68, 0.68), 0.1)),),
        Anchors((0, 1.34, 0), 0.5, (0.95, 0.84), (0, 0.8, -0.72), (0, 0.5, -0.7)),
        0.68,
        1.2,
        28.0,
    )


def _cone() -> Shape:
    return Shape(
        (Part(sdf.cone((0, 0, 0), 1.75, (0.86, 0.06), rounding=0.05)),),
        Anchors((0, 1.5, 0), 0.24, (1.0, 0.42), (0, 0.85, -0.5), (0, 0.5, -0.66)),
        0.8,
        1.2,
    )


def _ring() -> Shape:
    return Shape(
        (Part(sdf.torus((0, 0.88, 0), 0.62, 0.26, axis="z")),),
        Anchors((0, 1.72, 0), 0.26, (1.62, 0.34), (0, 0.26, -0.3), (0, 0.26, -0.28)),
        0.88,
        1.0,
        18.0,
    )


def _mug() -> Shape:
    cup = sdf.carve(
        sdf.cylinder((0, 0.72, 0), 0.6, 0.72, rounding=0.07), sdf.cylinder((0, 0.95, 0), 0.47, 0.8, rounding=0.05)
    )
    handle = sdf.torus((0.64, 0.72, 0), 0.34, 0.11, axis="z")
    outside = sdf.carve(handle, sdf.cylinder((0, 0.72, 0), 0.55, 0.9))
    return Shape(
        (Part(cup), Part(outside)),
        Anchors((0, 1.38, 0), 0.5, (0.72, 0.62), (0, 0.85, -0.62), (0, 0.5, -0.6)),
        0.75,
        1.2,
        -15.0,
    )


def _bottle() -> Shape:
    body = sdf.cylinder((0, 0.58, 0), 0.46, 0.58, rounding=0.1)
    shoulder = sdf.blend(body, sdf.cone((0, 1.0, 0), 0.4, (0.44, 0.17)), 0.1)
    neck = sdf.blend(shoulder, sdf.cylinder((0, 1.5, 0), 0.17, 0.32), 0.08)
    return Shape(
        (Part(neck), Part(sdf.cylinder((0, 1.82, 0), 0.21, 0.1, rounding=0.03), "trim")),
        Anchors((0, 1.9, 0), 0.24, (1.44, 0.2), (0, 0.85, -0.48), (0, 0.5, -0.46)),
        0.95,
        1.12,
    )


def _house() -> Shape:
    return Shape(
        (
            Part(sdf.box((0, 0.5, 0), (0.66, 0.5, 0.55), 0.04)),
            Part(sdf.roof(0.92, 0.6, (0.8, 0.62), rounding=0.08), "trim"),
            Part(sdf.box((0, 0.3, -0.55), (0.17, 0.32, 0.05), 0.02), "black"),
            Part(sdf.box((0.4, 0.62, -0.55), (0.13, 0.13, 0.04), 0.02), "cream"),
            Part(sdf.box((-0.4, 0.62, -0.55), (0.13, 0.13, 0.04), 0.02), "cream"),
        ),
        Anchors((0, 1.5, 0), 0.26, (0.9, 0.8), (0, 0.75, -0.6), (0, 0.8, -0.58)),
        0.78,
        1.2,
        24.0,
    )


def _tree() -> Shape:
    crown = sdf.blend(sdf.sphere((0, 1.3, 0), 0.52), sdf.sphere((0.38, 0.98, -0.1), 0.4), 0.12)
    crown = sdf.blend(crown, sdf.sphere((-0.38, 0.96, 0.05), 0.42), 0.12)
    return Shape(
        (Part(crown), Part(sdf.cylinder((0, 0.35, 0), 0.16, 0.4), "bark")),
        Anchors((0, 1.78, 0), 0.32, (0.6, 0.22), (0, 1.2, -0.55), (0, 1.0, -0.5)),
        0.95,
        1.05,
    )


def _duck() -> Shape:
    body = sdf.blend(
        sdf.ellipsoid((0.12, 0.55, 0), (0.78, 0.52, 0.52)), sdf.ellipsoid((0.82, 0.82, 0), (0.26, 0.2, 0.22)), 0.25
    )
    return Shape(
        (
            Part(sdf.blend(body, sdf.sphere((-0.48, 1.24, 0), 0.4), 0.2)),
            Part(sdf.ellipsoid((-0.92, 1.18, 0), (0.24, 0.1, 0.19)), "beak"),
            Part(sdf.sphere((-0.66, 1.36, -0.29), 0.085), "black"),
            Part(sdf.sphere((-0.66, 1.36, 0.29), 0.085), "black"),
        ),
        Anchors((-0.46, 1.58, 0), 0.3, (0.92, 0.42), (-0.55, 0.75, -0.42), (0.0, 0.62, -0.54)),
        0.85,
        1.25,
        15.0,
    )


def _car() -> Shape:
    wheels = [
        Part(sdf.cylinder((x, 0.25, z), 0.26, 0.12, rounding=0.04, axis="z"), "black")
        for x in (-0.55, 0.55)
        for z in (-0.42, 0.42)
    ]
    body = sdf.blend(
        sdf.box((0, 0.48, 0), (1.05, 0.27, 0.46), 0.12), sdf.box((0.08, 0.86, 0), (0.56, 0.3, 0.4), 0.14), 0.1
    )
    panes = Part(sdf.box((0.08, 0.9, 0), (0.42, 0.15, 0.43), 0.03), "glass")
    front = Part(sdf.box((0.08, 0.9, 0), (0.6, 0.14, 0.3), 0.03), "glass")
    return Shape(
        (Part(body), panes, front, *wheels, Part(sdf.sphere((-1.02, 0.52, -0.28), 0.09), "cream")),
        Anchors((0.08, 1.12, 0), 0.36, (0.6, 0.95), (-0.4, 0.6, -0.5), (0.1, 0.5, -0.5)),
        0.58,
        1.2,
        20.0,
    )


def _bear() -> Shape:
    body = sdf.blend(sdf.ellipsoid((0, 0.55, 0), (0.5, 0.52, 0.42)), sdf.sphere((0, 1.25, 0), 0.44), 0.08)
    for side in (-1.0, 1.0):
        body = sdf.blend(body, sdf.sphere((side * 0.36, 1.6, 0.05), 0.17), 0.05)
        body = sdf.blend(body, sdf.capsule((side * 0.42, 0.82, 0), (side * 0.66, 0.52, -0.15), 0.15), 0.06)
        body = sdf.blend(body, sdf.capsule((side * 0.28, 0.2, 0), (side * 0.34, 0.17, -0.38), 0.17), 0.06)
    return Shape(
        (
            Part(body),
            Part(sdf.ellipsoid((0, 1.14, -0.38), (0.2, 0.16, 0.16)), "cream"),
            Part(sdf.sphere((0, 1.2, -0.53), 0.075), "black"),
            *_eyes(0.17, 1.36, -0.39, radius=0.07),
        ),
        Anchors((0, 1.64, 0), 0.32, (0.92, 0.4), (0, 1.2, -0.56), (0, 0.6, -0.42)),
        0.88,
        1.1,
    )


def _snowman() -> Shape:
    body = sdf.blend(sdf.sphere((0, 0.5, 0), 0.55), sdf.sphere((0, 1.12, 0), 0.4), 0.05)
    body = sdf.blend(body, sdf.sphere((0, 1.6, 0), 0.3), 0.05)
    arms = [Part(sdf.capsule((s * 0.34, 1.15, 0), (s * 0.78, 1.4, -0.05), 0.055), "bark") for s in (-1.0, 1.0)]
    return Shape(
        (
            Part(body),
            Part(sdf.capsule((0, 1.58, -0.26), (0, 1.56, -0.5), 0.065), "beak"),
            *_eyes(0.12, 1.7, -0.26, radius=0.055),
            *arms,
        ),
        Anchors((0, 1.84, 0), 0.26, (1.38, 0.3), (0, 1.58, -0.32), (0, 0.86, -0.42)),
        0.95,
        1.15,
    )


def _thin(parts: list[Part]) -> Shape:
    """A thing of wires; nothing can be stuck onto it."""
    return Shape(tuple(parts), Anchors((0, 1.7, 0), 0.1, (0.9, 0.1), (0, 0.9, -0.1), (0, 0.6, -0.1)), 0.85, 1.15)


def _sprig() -> Shape:
    stem = [(0.0, 0.0, 0.0), (0.08, 0.6, 0.02), (-0.04, 1.15, 0.0), (0.06, 1.72, 0.0)]
    lines = [*pairwise(stem)]
    for height, side in ((0.35, 1.0), (0.62, -1.0), (0.92, 1.0), (1.18, -1.0), (1.42, 1.0)):
        reach = 0.72 - 0.32 * height
        fork = (side * reach * 0.6, height + 0.22, side * 0.12)
        lines += [((0.02, height, 0.0), fork), (fork, (side * reach, height + 0.34, -0.1))]
        lines.append((fork, (side * reach * 0.75, height + 0.5, 0.12)))
    return _thin([Part(sdf.capsule(a, b, 0.042)) for a, b in lines])


def _wire() -> Shape:
    turns = np.linspace(0, 5.5 * np.pi, 23)
    coil = [
        (float(0.55 * np.cos(a) * (1 - 0.3 * s)), float(0.06 + 1.55 * s), float(0.4 * np.sin(a)))
        for a, s in zip(turns, np.linspace(0, 1, len(turns)), strict=True)
    ]
    return _thin([Part(sdf.capsule(a, b, 0.042)) for a, b in pairwise(coil)])


def _grate() -> Shape:
    bars = [((x, 0.0, 0.0), (x, 1.6, 0.0)) for x in np.linspace(-0.75, 0.75, 6).tolist()]
    rails = [((-0.85, y, 0.0), (0.85, y, 0.0)) for y in (0.3, 0.85, 1.4)]
    return _thin([Part(sdf.capsule(a, b, 0.042)) for a, b in [*bars, *rails]])


_BUILDERS: dict[str, Callable[[], Shape]] = {
    "ball": _ball,
    "cube": _cube,
    "cone": _cone,
    "ring": _ring,
    "mug": _mug,
    "bottle": _bottle,
    "house": _house,
    "tree": _tree,
    "duck": _duck,
    "car": _car,
    "bear": _bear,
    "snowman": _snowman,
    "sprig": _sprig,
    "wire": _wire,
    "grate": _grate,
}


@cache
def shape(name: str) -> Shape:
    """The shape called ``name``; KeyError for a name outside SHAPES and THIN."""
    return _BUILDERS[name]()


def parts_of(spec: ObjectSpec) -> tuple[Part, ...]:
    """All parts of an object, its accessories included, in the object's own frame."""
    base = shape(spec.shape)
    extra: list[Part] = []
    for accessory in spec.accessories:
        extra += _ACCESSORIES[accessory.kind](base.anchors, accessory.colour)
    return base.parts + tuple(extra)


def bound_of(spec: ObjectSpec) -> tuple[float, float]:
    """(centre height, radius) of a sphere around the object in its own frame; accessories on the crown enlarge it."""
    base = shape(spec.shape)
    tall = any(accessory.kind in ("hat", "antenna") for accessory in spec.accessories)
    return (base.centre_y + 0.25, base.bound + 0.3) if tall else (base.centre_y, base.bound + 0.12)


def _hat(at: Anchors, colour: str) -> list[Part]:
    x, y, z = at.crown
    r = at.crown_radius
    return [
        Part(sdf.cylinder((x, y + 0.02, z), r * 1.35, 0.07, rounding=0.04), colour),
        Part(sdf.cylinder((x, y + 0.24, z), r * 0.85, 0.24, rounding=0.05), colour),
    ]


def _scarf(at: Anchors, colour: str) -> list[Part]:
    height, radius = at.neck
    x = at.crown[0]
    tail = sdf.box((x + radius * 0.45, height - 0.24, -radius - 0.02), (0.11, 0.24, 0.07), 0.05)
    return [Part(sdf.torus((x, height, 0), radius, 0.13, axis="y"), colour), Part(tail, colour)]


def _nose(at: Anchors, colour: str) -> list[Part]:
    return [Part(sdf.sphere(at.face, 0.19), colour)]


def _antenna(at: Anchors, colour: str) -> list[Part]:
    x, y, z = at.crown
    return [
        Part(sdf.capsule((x, y - 0.1, z), (x, y + 0.26, z), 0.05), "black"),
        Part(sdf.sphere((x, y + 0.34, z), 0.17), colour),
    ]


def _buttons(at: Anchors, colour: str) -> list[Part]:
    x, y, z = at.chest
    return [Part(sdf.sphere((x, y + step, z + 0.02), 0.11), colour) for step in (-0.26, 0.0, 0.26)]


_ACCESSORIES: dict[str, Callable[[Anchors, str], list[Part]]] = {
    "hat": _hat,
    "scarf": _scarf,
    "nose": _nose,
    "antenna": _antenna,
    "buttons": _buttons,
}
