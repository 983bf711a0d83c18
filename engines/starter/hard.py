"""Clay pictures that are hard to cut out, with their true masks: what Segment Anything must be taught before it is good at them.

Nothing of this is shown to the starter model in training. Each sample is a pure function of its domain and seed, and takes a fraction
of a second.

- camouflage: an object painted with the ground it stands on.
- shadows: the mask is all ground in shadow; half of what casts it stands outside the picture.
- thin: things of wire among solid ones, in the colours of the place.
- scan: a slice through a lump of clay as an ultrasound scanner would see it; the mask is the toy buried in it.
- volumes (``volume``): a whole stack of such slices.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from engines.api.errors import UserError
from engines.starter import sdf
from engines.starter.render import Bytes, Mask, Solid, render
from engines.starter.sampling import random_plain
from engines.starter.sdf import Floats, Points
from engines.starter.spec import THIN, CameraSpec, LightSpec, ObjectSpec, SceneSpec

_Sample = tuple[Bytes, Mask]

_TRIES = 40
_TOYS = ("bear", "duck", "snowman")
_LUMP = (1.75, 1.35, 1.5)


def sample(domain: str, seed: int, *, size: int = 160) -> _Sample:
    """A picture (size, size, 3) uint8 and its mask (size, size), never empty; KeyError for a domain outside DOMAINS."""
    rng = random.Random(f"{domain}-{seed}")
    least = max(4, round(0.012 * size * size))
    for _ in range(_TRIES):
        picture, mask = _DOMAINS[domain](rng, size)
        if least <= mask.sum() <= 0.45 * mask.size:
            return picture, mask
    raise RuntimeError(f"no usable {domain} sample at {size} pixels in {_TRIES} tries")


def volume(seed: int, *, slices: int = 16, size: int = 128) -> tuple[Bytes, Mask]:
    """Grey slices (slices, size, size) uint8 from front to back of one lump, and the mask of the toy in each (maybe empty)."""
    rng = random.Random(f"volume-{seed}")
    lump = _Lump(rng)
    depths = np.linspace(-0.8, 0.8, slices, dtype=np.float32)
    made = [lump.slice(float(z), size, np.random.default_rng(rng.randrange(2**31))) for z in depths]
    return np.stack([grey for grey, _ in made]), np.stack([mask for _, mask in made])


def write_samples(out: Path, domain: str, seeds: range, *, size: int = 160) -> None:
    """``out``/pictures/NAME.png and ``out``/masks/NAME.png (0 or 255) of each seed; slices of a volume are NAME-00, NAME-01, ...

    Raises:
        UserError: there is no such domain.
    """
    if domain not in (*DOMAINS, "volumes"):
        known = ", ".join((*DOMAINS, "volumes"))
        raise UserError("There is no such domain", f"{domain} is none of {known}.", "Choose one of these.")
    for folder in ("pictures", "masks"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        name = f"{domain}-{seed:04d}"
        if domain == "volumes":
            slices, masks = volume(seed, size=size)
            made = [(f"{name}-{index:02d}", *pair) for index, pair in enumerate(zip(slices, masks, strict=True))]
        else:
            made = [(name, *sample(domain, seed, size=size))]
        for label, picture, mask in made:
            Image.fromarray(picture).save(out / "pictures" / f"{label}.png", optimize=True)
            Image.fromarray(mask.astype(np.uint8) * 255).save(out / "masks" / f"{label}.png", optimize=True)


def _camouflage(rng: random.Random, size: int) -> _Sample:
    item = random_plain(rng).model_copy(
        update={
            "camouflage": 0.97,
            "pattern": "plain",
            "size": rng.uniform(0.7, 1.2),
            "yaw_deg": rng.uniform(-180, 180),
            "position_xz": (rng.uniform(-0.9, 0.9), rng.uniform(-0.6, 0.9)),
        }
    )
    camera = CameraSpec(elevation_deg=rng.uniform(36, 56), distance=rng.uniform(4.2, 6.2), target=(0.0, 0.4, 0.2))
    light = LightSpec(
        azimuth_deg=rng.uniform(-60, 60), elevation_deg=rng.uniform(60, 82), strength=rng.uniform(0.3, 0.5)
    )
    place = rng.choice(("grass", "desert", "table", "night"))
    drawn = render(
        SceneSpec(objects=(item,), background=place, camera=camera, light=light, seed=rng.randrange(2**20)), size=size
    )
    return drawn.picture, drawn.mask(0)


def _shadows(rng: random.Random, size: int) -> _Sample:
    azimuth = rng.uniform(-150, 150)
    sun = np.deg2rad(azimuth)
    items = []
    for outside in (False, True, True)[: rng.randint(1, 3)]:
        x, z = rng.uniform(-1.4, 1.4), rng.uniform(-0.6, 1.4)
        if outside:
            away = rng.uniform(1.8, 3.0)
            x, z = x + away * float(np.sin(sun)), z - away * float(np.cos(sun))
        facts = {"position_xz": (x, z), "yaw_deg": rng.uniform(-180, 180), "size": rng.uniform(0.8, 1.4)}
        items.append(random_plain(rng).model_copy(update=facts))
    camera = CameraSpec(elevation_deg=rng.uniform(28, 55), distance=rng.uniform(5.0, 7.0), target=(0.0, 0.2, 0.3))
    light = LightSpec(azimuth_deg=azimuth, elevation_deg=rng.uniform(30, 50), strength=rng.uniform(1.0, 1.4))
    place = rng.choice(("grass", "beach", "desert", "table", "snow"))
    drawn = render(
        SceneSpec(objects=tuple(items), background=place, camera=camera, light=light, seed=rng.randrange(2**20)),
        size=size,
    )
    return drawn.picture, drawn.shadow


def _thin(rng: random.Random, size: int) -> _Sample:
    place, tones = rng.choice(
        (
            ("grass", ("green", "teal", "brown")),
            ("desert", ("orange", "brown", "yellow")),
            ("table", ("brown", "orange", "white")),
            ("night", ("blue", "purple", "teal")),
        )
    )
    items = []
    for index in range(rng.randint(1, 3)):
        facts = {
            "position_xz": ((0.0, -1.15, 1.15)[index] + rng.uniform(-0.3, 0.3), rng.uniform(-0.8, 0.8)),
            "yaw_deg": rng.uniform(-60, 60),
            "size": rng.uniform(0.8, 1.2),
        }
        shape = rng.choice(THIN)
        items.append(ObjectSpec(shape=shape, colour=rng.choice(tones), camouflage=0.4).model_copy(update=facts))
    for _ in range(rng.randint(0, 2)):
        facts = {"position_xz": (rng.uniform(-1.8, 1.8), rng.uniform(0.8, 2.0)), "size": rng.uniform(0.6, 1.0)}
        items.append(random_plain(rng).model_copy(update=facts))
    camera = CameraSpec(elevation_deg=rng.uniform(10, 40), distance=rng.uniform(4.2, 5.6), target=(0.0, 0.75, 0.0))
    light = LightSpec(azimuth_deg=rng.uniform(-80, 80), elevation_deg=rng.uniform(35, 65))
    drawn = render(
        SceneSpec(objects=tuple(items), background=place, camera=camera, light=light, seed=rng.randrange(2**20)),
        size=size,
    )
    wires = [index + 1 for index, item in enumerate(items) if item.shape in THIN]
    return drawn.picture, np.isin(drawn.labels, wires)


def _scan(rng: random.Random, size: int) -> _Sample:
    grey, mask = _Lump(rng).slice(rng.uniform(-0.35, 0.35), size, np.random.default_rng(rng.randrange(2**31)))
    return np.repeat(grey[..., None], 3, axis=2), mask


class _Lump:
    """A lump of clay with softer and harder balls in it, and one toy that is hardly brighter than its surroundings."""

    def __init__(self, rng: random.Random) -> None:
        radii = tuple(value * rng.uniform(0.9, 1.1) for value in _LUMP)
        self.solids: list[tuple[sdf.Distance, float]] = [
            (sdf.ellipsoid((0, 0, 0), (radii[0], radii[1], radii[2])), 0.42)
        ]
        for _ in range(rng.randint(5, 9)):
            centre = (rng.uniform(-1.2, 1.2), rng.uniform(-0.9, 0.9), rng.uniform(-1.0, 1.0))
            axes = (rng.uniform(0.12, 0.45), rng.uniform(0.12, 0.4), rng.uniform(0.15, 0.5))
            self.solids.append((sdf.ellipsoid(centre, axes), rng.choice((0.26, 0.32, 0.36, 0.75))))
        self.sink = rng.uniform(0.45, 0.9)
        toy = ObjectSpec(
            shape=rng.choice(_TOYS),
            colour="white",
            size=rng.uniform(0.65, 0.95),
            yaw_deg=rng.uniform(-180, 180),
            position_xz=(rng.uniform(-0.7, 0.7), rng.uniform(-0.25, 0.25)),
        )
        self.toy = Solid(toy, rng.randrange(2**20))
        self.tone = rng.uniform(0.54, 0.6)
        self.shade = (rng.uniform(-0.15, 0.15), rng.uniform(-0.2, 0.1))

    def slice(self, z: float, size: int, draw: np.random.Generator) -> tuple[Bytes, Mask]:
        """The grey slice (size, size) uint8 at depth ``z`` and the toy's mask in it."""
        line = ((np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1) * np.float32(1.95)
        x, y = np.meshgrid(line, -line)
        p: Points = (_single(x), _single(y), _single(np.full_like(x, z)))
        edge = np.float32(1.95 / size)
        grey = np.full((size, size), 0.06, dtype=np.float32)
        inside = self.solids[0][0](p) < 0
        for distance, tone in self.solids:
            grey = _blend(grey, tone, distance(p), edge)
        buried = self.toy.distance((p[0], p[1] + np.float32(self.sink), p[2]))
        grey = _blend(grey, self.tone, buried, edge)
        uneven = 1 + self.shade[0] * x + self.shade[1] * y
        return _speckled(_single(grey * uneven), draw), np.asarray((buried < 0) & inside)


def _blend(grey: Floats, tone: float, distance: Floats, edge: np.float32) -> Floats:
    share = np.clip(0.5 - distance / (2 * edge), 0, 1)
    return _single(grey * (1 - share) + np.float32(tone) * share)


def _single(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float32)


def _speckled(grey: Floats, draw: np.random.Generator) -> Bytes:
    """Multiplicative speckle: the length of a sum of random echoes, as in ultrasound, averaged a little over neighbours."""
    echoes = draw.normal(size=(2, *grey.shape))
    echoes += np.roll(echoes, 1, axis=1)
    echoes += np.roll(echoes, 1, axis=2)
    echoes /= 2
    speckle = np.sqrt((echoes**2).mean(axis=0))
    return np.asarray(np.clip(grey * (0.5 + 0.56 * speckle) * 255, 0, 255), dtype=np.uint8)


_DOMAINS: dict[str, Callable[[random.Random, int], _Sample]] = {
    "camouflage": _camouflage,
    "shadows": _shadows,
    "thin": _thin,
    "scan": _scan,
}
DOMAINS = tuple(_DOMAINS)
