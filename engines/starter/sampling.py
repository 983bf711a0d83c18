"""Draws random clay scenes: what the training sets are made of, and the held-out scenes they are judged on.

A scene is a pure function of a seed. Compositions are sized so that a single object fills a fifth to a third of the picture.
"""

from __future__ import annotations

import random

from engines.starter.spec import (
    ACCESSORIES,
    BACKGROUNDS,
    COLOURS,
    PATTERNS,
    SHAPES,
    Accessory,
    CameraSpec,
    LightSpec,
    ObjectSpec,
    SceneSpec,
)
from engines.starter.subjects import is_held_out

_PATTERN_WEIGHTS = (0.55, 0.15, 0.15, 0.15)
_COUNT_WEIGHTS = (0.58, 0.36, 0.06)
_NATURAL_SIZE = {
    "house": 0.84,
    "cube": 0.92,
    "ball": 0.95,
}  # bulky shapes would crowd their neighbours out of the frame


def random_scene(seed: int, *, count: int | None = None, fancy_share: float = 0.0) -> SceneSpec:
    """A random still life of ``count`` objects (drawn if None); ``fancy_share`` of the objects get two tones and accessories."""
    rng = random.Random(seed)
    number = count or rng.choices((1, 2, 3), _COUNT_WEIGHTS)[0]
    objects: list[ObjectSpec] = []
    while len(objects) < number:
        item = random_fancy(rng) if rng.random() < fancy_share else random_plain(rng)
        if all((item.shape, item.colour) != (other.shape, other.colour) for other in objects):
            objects.append(item)
    return arrange(objects, rng, background=rng.choice(BACKGROUNDS), seed=seed)


def random_plain(rng: random.Random) -> ObjectSpec:
    """An object that a caption can describe fully: shape, colour, and a pattern with white."""
    return ObjectSpec(
        shape=rng.choice(SHAPES),
        colour=rng.choice(COLOURS),
        pattern=rng.choices(PATTERNS, _PATTERN_WEIGHTS)[0],
        yaw_deg=rng.uniform(-28, 28),
    )


def random_fancy(rng: random.Random) -> ObjectSpec:
    """An object no caption describes: two colours in a pattern, its own proportions, accessories; never a held-out subject."""
    while True:
        item = _draw_fancy(rng)
        if not is_held_out(item):
            return item


def _draw_fancy(rng: random.Random) -> ObjectSpec:
    first, second, *rest = rng.sample(COLOURS, 4)
    kinds = rng.sample(ACCESSORIES, rng.choice((0, 1, 1, 2)))
    return ObjectSpec(
        shape=rng.choice(SHAPES),
        colour=first,
        second=second,
        pattern=rng.choice(PATTERNS[1:] if not kinds else PATTERNS),
        yaw_deg=rng.uniform(-28, 28),
        stretch=(rng.uniform(0.85, 1.2), rng.uniform(0.85, 1.2), 1.0),
        accessories=tuple(Accessory(kind=kind, colour=tone) for kind, tone in zip(kinds, rest, strict=False)),
    )


def arrange(objects: list[ObjectSpec], rng: random.Random, *, background: str, seed: int) -> SceneSpec:
    """Place one to three objects side by side (left to right in the given order), and draw camera and light."""
    number = len(objects)
    gap = {1: 0.0, 2: 1.0, 3: 1.75}[number]
    placed = []
    for index, item in enumerate(objects):
        x = (index - (number - 1) / 2) * (gap * 2 if number == 2 else gap) + rng.uniform(-0.1, 0.1)
        z = rng.uniform(-0.25, 0.25) + (0.0 if number < 3 or index != 1 else rng.choice((-0.5, 0.5)))
        size = item.size * _NATURAL_SIZE.get(item.shape, 1.0) * rng.uniform(0.92, 1.08)
        placed.append(item.model_copy(update={"position_xz": (x, z), "size": size}))
    distance = {1: 4.3, 2: 5.7, 3: 7.0}[number] * rng.uniform(0.94, 1.1)
    wander = 0.22 if number == 1 else 0.1
    tall = any(a.kind in ("hat", "antenna") for item in objects for a in item.accessories)
    camera = CameraSpec(
        elevation_deg=rng.uniform(7, 22),
        distance=distance * (1.06 if tall else 1.0),
        target=(rng.uniform(-wander, wander), rng.uniform(0.85, 1.05) + (0.12 if tall else 0.0), 0.0),
    )
    light = LightSpec(
        azimuth_deg=rng.choice((-1, 1)) * rng.uniform(20, 80),
        elevation_deg=rng.uniform(38, 66),
        strength=rng.uniform(0.85, 1.1),
        warmth=rng.uniform(-0.6, 0.8),
    )
    return SceneSpec(objects=tuple(placed), background=background, camera=camera, light=light, seed=seed)


def crowd(seed: int, *, fancy_share: float = 0.0) -> SceneSpec:
    """One to seven objects strewn over the ground, turned any way, near and far, some behind others, seen from any height."""
    rng = random.Random(seed)
    placed: list[ObjectSpec] = []
    for _ in range(rng.randint(1, 7)):
        item = random_fancy(rng) if rng.random() < fancy_share else random_plain(rng)
        x, z = rng.uniform(-2.6, 2.6), rng.uniform(-1.6, 3.0)
        if all((x - other.position_xz[0]) ** 2 + (z - other.position_xz[1]) ** 2 > 1.5 for other in placed):
            facts = {"position_xz": (x, z), "size": rng.uniform(0.5, 1.1), "yaw_deg": rng.uniform(-180, 180)}
            placed.append(item.model_copy(update=facts))
    camera = CameraSpec(
        elevation_deg=rng.uniform(6, 48),
        distance=rng.uniform(4.5, 10.0),
        target=(rng.uniform(-0.8, 0.8), rng.uniform(0.3, 0.9), rng.uniform(-0.3, 0.8)),
    )
    light = LightSpec(
        azimuth_deg=rng.uniform(-180, 180),
        elevation_deg=rng.uniform(25, 75),
        strength=rng.uniform(0.6, 1.15),
        warmth=rng.uniform(-0.8, 0.9),
    )
    return SceneSpec(
        objects=tuple(placed), background=rng.choice(BACKGROUNDS), camera=camera, light=light, seed=seed % 2**31
    )
