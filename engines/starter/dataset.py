"""Rendered clay pictures on disk: shards of a few hundred scenes that can be made by several processes and resumed.

A shard is one ``.npz`` (``pictures`` (n, h, w, 3) uint8, ``labels`` (n, h, w) uint8, ``shadows`` (n, h, w) bool,
``parts`` (n, h, w) uint8, ``specs`` (n,) JSON text). A shard exists completely or not at all, so a killed rendering goes on where it stopped.
"""

from __future__ import annotations

import os
import random
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from engines.starter.render import Bytes, Mask, render
from engines.starter.sampling import arrange, crowd, random_fancy, random_scene
from engines.starter.spec import BACKGROUNDS, ObjectSpec, SceneSpec

SHARD = 250
VIEWS = 4


@dataclass(frozen=True)
class Split:
    """One named set of scenes: its first seed, its size, and what it draws."""

    name: str
    first_seed: int
    count: int
    fancy_share: float = 0.0
    objects: int | None = None
    views: bool = False
    crowded: bool = False

    def spec(self, index: int) -> SceneSpec:
        """The scene at ``index``; with ``views``, VIEWS neighbouring scenes show one and the same fancy object."""
        seed = self.first_seed + index
        if self.crowded:
            return crowd(seed, fancy_share=self.fancy_share)
        if self.views:
            return view_of(random_fancy(random.Random(self.first_seed + index // VIEWS)), seed)
        return random_scene(seed, count=self.objects, fancy_share=self.fancy_share)


SPLITS: dict[str, Split] = {
    split.name: split
    for split in (
        Split("train", 100_000_000, 24_000, fancy_share=0.07),
        Split("views", 200_000_000, 10_000, views=True),
        Split("held", 300_000_000, 1_000, objects=1),
        Split("held_views", 400_000_000, 400, views=True),
    )
}


SCENES = (
    Split("scenes", 800_000_000, 1_500, fancy_share=0.3),
    Split("crowds", 820_000_000, 2_500, fancy_share=0.3, crowded=True),
)
"""What Segment Anything learns from: drawn larger than the others, with the parts of objects."""


@dataclass(frozen=True)
class Shard:
    """Scenes and their renderings, index by index."""

    pictures: Bytes
    labels: Bytes
    shadows: Mask
    specs: tuple[SceneSpec, ...]


def view_of(item: ObjectSpec, seed: int) -> SceneSpec:
    """``item`` alone in a picture, with pose, place, camera and light drawn from ``seed``."""
    rng = random.Random(seed)
    turned = item.model_copy(update={"yaw_deg": rng.uniform(-32, 32)})
    return arrange([turned], rng, background=rng.choice(BACKGROUNDS), seed=seed)


def render_split(split: Split, folder: Path, *, size: int, workers: int) -> None:
    """Render every missing shard of ``split`` into ``folder``/name, with a progress bar."""
    target = folder / split.name
    target.mkdir(parents=True, exist_ok=True)
    firsts = range(0, split.count, SHARD)
    missing = [first for first in firsts if not _shard_path(target, first).exists()]
    done = split.count - sum(min(SHARD, split.count - first) for first in missing)
    with (
        tqdm(total=split.count, initial=done, desc=f"render {split.name}", unit="pic") as bar,
        ProcessPoolExecutor(max_workers=workers) as pool,
    ):
        jobs = [pool.submit(_render_shard, split, target, first, size) for first in missing]
        for job in as_completed(jobs):
            bar.update(job.result())


def load_split(split: Split, folder: Path) -> Shard:
    """All scenes of a rendered split; FileNotFoundError if a shard is missing."""
    parts = [np.load(_shard_path(folder / split.name, first)) for first in range(0, split.count, SHARD)]
    specs = tuple(SceneSpec.model_validate_json(str(text)) for part in parts for text in part["specs"])
    pictures, labels, shadows = (
        np.concatenate([part[key] for part in parts]) for key in ("pictures", "labels", "shadows")
    )
    return Shard(pictures, labels, shadows, specs)


def joined(shards: list[Shard]) -> Shard:
    """All scenes of several shards of one picture size, one after the other."""
    return Shard(
        np.concatenate([shard.pictures for shard in shards]),
        np.concatenate([shard.labels for shard in shards]),
        np.concatenate([shard.shadows for shard in shards]),
        tuple(spec for shard in shards for spec in shard.specs),
    )


def load_parts(split: Split, folder: Path) -> Bytes:
    """The part labels (n, h, w) of a rendered split; FileNotFoundError if a shard is missing."""
    return np.concatenate(
        [np.load(_shard_path(folder / split.name, first))["parts"] for first in range(0, split.count, SHARD)]
    )


def _shard_path(target: Path, first: int) -> Path:
    return target / f"shard-{first:06d}.npz"


def _render_shard(split: Split, target: Path, first: int, size: int) -> int:
    count = min(SHARD, split.count - first)
    specs = [split.spec(first + offset) for offset in range(count)]
    drawn = [render(spec, size=size) for spec in specs]
    path = _shard_path(target, first)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as stream:
        np.savez(
            stream,
            pictures=np.stack([item.picture for item in drawn]),
            labels=np.stack([item.labels for item in drawn]),
            shadows=np.stack([item.shadow for item in drawn]),
            parts=np.stack([item.parts for item in drawn]),
            specs=np.asarray([spec.model_dump_json() for spec in specs]),
        )
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    return count
