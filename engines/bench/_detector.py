"""Reads which known things stand side by side in a picture: by the starter's CLIP, through one window for each, among subjects and others of their kind.

A window's answer is the candidate whose views it is most like. Besides the subjects there are other objects of the same shapes, so that a plain car does not
pass for somebody's car. How often it reads rendered scenes right, which nobody made with a model, is its accuracy; no figure is better than that.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from PIL import Image

from engines.starter.render import render
from engines.starter.sampling import arrange, random_fancy
from engines.starter.spec import BACKGROUNDS, ObjectSpec

if TYPE_CHECKING:
    from engines.diffusion.encoders import Encoder
    from engines.starter.subjects import Subject

SIDES = {1: 0.8, 2: 0.56, 3: 0.42}
"""Width of a window as a share of the picture's, for so many things; that of two is `engines.starter.judge.read_double`'s."""

VIEWS, KIN, SIZE = 6, 4, 128
_SEEN, _TESTED, _OTHERS = 700_000_000, 710_000_000, 720_000_000


class Detector:
    """Knows subjects and others of their kind; `count` things stand side by side."""

    def __init__(self, encoder: Encoder, subjects: Sequence[Subject], count: int) -> None:
        self._encoder, self._subjects, self._count = encoder, list(subjects), count
        self._things = [one.clay for one in subjects]
        for number, one in enumerate(subjects):
            for cousin in range(KIN):
                drawn = random_fancy(random.Random(_OTHERS + KIN * number + cousin))
                self._things.append(drawn.model_copy(update={"shape": one.clay.shape}))
        self._known = torch.stack([self._seen(number) for number in range(len(self._things))])

    def windows(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """What each window of each picture looks like, unit vectors (N, count, D)."""
        crops = [crop for picture in pictures for crop in windows(picture, self._count)]
        return self._encoder.images(crops).view(len(pictures), self._count, -1)

    def whole(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """What whole pictures look like, unit vectors (N, D)."""
        return self._encoder.images(pictures)

    def likeness(self, seen: torch.Tensor) -> torch.Tensor:
        """Mean cosine of windows (N, count, D) with each candidate's views: (N, count, candidates), subjects first."""
        return seen @ self._known.T

    def read(self, seen: torch.Tensor) -> torch.Tensor:
        """The candidate in each window, (N, count); those numbered from the number of subjects on are others."""
        return self.likeness(seen).argmax(dim=-1)

    def accuracy(self, scenes: int) -> tuple[float, float]:
        """Shares of rendered windows, and of whole scenes, that are read right; views that were never looked at before."""
        rng = random.Random(_TESTED)
        rights = []
        for scene in range(scenes):
            told = rng.sample(range(len(self._subjects)), self._count)
            picture = _scene([self._things[number] for number in told], _TESTED + scene)
            rights.append(self.read(self.windows([picture]))[0] == torch.tensor(told))
        found = torch.stack(rights)
        return float(found.float().mean()), float(found.all(dim=1).float().mean())

    def _seen(self, number: int) -> torch.Tensor:
        """The mean of a thing's views, each through the window it stands in, beside things drawn at random."""
        crops = []
        for view in range(VIEWS):
            seed = _SEEN + VIEWS * number + view
            row: list[ObjectSpec] = [random_fancy(random.Random(seed + 10_000 * other)) for other in range(self._count)]
            place = view % self._count
            row[place] = self._things[number]
            crops.append(windows(_scene(row, seed), self._count)[place])
        return self._encoder.images(crops).mean(dim=0)


def windows(picture: Image.Image, count: int) -> list[Image.Image]:
    """The windows of so many things side by side, from left to right."""
    side = round(picture.width * SIDES[count])
    top = (picture.height - side) // 2
    lefts = [round(number * (picture.width - side) / max(1, count - 1)) for number in range(count)]
    if count == 1:
        lefts = [(picture.width - side) // 2]
    return [picture.crop((left, top, left + side, top + side)) for left in lefts]


def _scene(things: Sequence[ObjectSpec], seed: int) -> Image.Image:
    rng = random.Random(seed)
    turned = [thing.model_copy(update={"yaw_deg": rng.uniform(-32, 32)}) for thing in things]
    spec = arrange(turned, rng, background=rng.choice(BACKGROUNDS), seed=seed)
    return Image.fromarray(render(spec, size=SIZE).picture)
