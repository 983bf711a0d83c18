"""Volumes: the starter SAM before and after, on stacks of slices it never saw, with one click in three dimensions and without any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.bench._domains import adapted
from engines.bench.table import Bench, Cell, Figure, Result, Table

if TYPE_CHECKING:
    from engines.segmentation.volumes import VolumeSession

SENTENCE = "volumes of slices, adapted with and without layers that look from slice to slice: Dice in 3D for one click, and for none"
SEEDS = (0, 1, 2)
LEARNED, MEASURED, STEPS = 4, 4, 60
SIZE, SLICES = 128, 16
WAYS = (("3dsam-adapter", 0.3), ("lora", None))
"""Each with the floor of what one click gains in Dice."""
_SEEDS = 1000


def measure(bench: Bench) -> Result:
    """Adapt and measure; Dice over whole volumes, means over those measured."""
    rows: list[tuple[Cell, ...]] = []
    figures = []
    for tuner, floor in WAYS[: 1 if bench.quick else None]:
        gains, found = [], []
        for seed in SEEDS[: 1 if bench.quick else None]:
            learned, seconds, before, clicked, named = _trial(bench, seed, tuner)
            rows.append((tuner, seed, learned, seconds, before, clicked, named))
            gains.append(100.0 * (clicked - before))
            found.append(100.0 * named)
        spread = f"seeds {min(gains):+.0f} to {max(gains):+.0f}"
        least = None if floor is None else 100.0 * floor
        figures.append(
            Figure(f"volumes-{tuner}-click", sum(gains) / len(gains), floor=least, unit=" points", note=spread)
        )
        note = f"seeds {min(found):.0f} to {max(found):.0f}"
        figures.append(Figure(f"volumes-{tuner}-automatic", sum(found) / len(found), unit=" points of Dice", note=note))
    headings = ("way", "seed", "learned", "seconds", "one click before", "one click after", "no click after")
    conditions = {"steps": str(STEPS), "learned from": f"{LEARNED} volumes", "measured on": f"{MEASURED} others"}
    return Result((Table("Volumes, Dice in 3D", headings, tuple(rows)),), tuple(figures), conditions)


def _trial(bench: Bench, seed: int, tuner: str) -> tuple[int, float, float, float, float]:
    """Numbers learned, seconds, and Dice of a click before, of a click after, and without one."""
    from engines.core.devices import pick
    from engines.segmentation.adapter_file import attach_for_use, read_segment_adapter
    from engines.segmentation.segmenters import open_segmenter
    from engines.segmentation.volumes import VolumeSession, dice, middle_of
    from engines.starter import hard

    root = bench.folder / f"volumes-{seed}"
    learned, measured = (1, 1) if bench.quick else (LEARNED, MEASURED)
    stacks = [
        hard.volume(_SEEDS * (seed + 1) + number, slices=SLICES, size=SIZE) for number in range(learned + measured)
    ]
    steps = 2 if bench.quick else STEPS
    scenes = _scenes(root, stacks[:learned])
    file, seconds = adapted(root, scenes, "toy", seed, tuner, {}, steps=steps, prompts="both")
    adapter = read_segment_adapter(file)
    model = open_segmenter("starter", pick("auto"))

    def clicked(session: VolumeSession, truth: Any) -> float:  # noqa: ANN401 - an array
        return dice(session.follow(middle_of(truth), _quiet), truth)

    tried = [(slices, truth) for slices, truth in stacks[learned:] if truth.any()]
    before = [clicked(VolumeSession(model, slices), truth) for slices, truth in tried]
    tuned, tokens = attach_for_use(adapter, model)
    after, named = [], []
    for slices, truth in tried:
        session = VolumeSession(model, slices, reach=tuned.reach, tokens=tokens)
        after.append(clicked(session, truth))
        named.append(dice(session.classes(_quiet)[0], truth))
    means = [sum(part) / len(part) for part in (before, after, named)]
    words = f"one click {means[0]:.3f} -> {means[1]:.3f}, none {means[2]:.3f}"
    bench.say(f"{tuner}, seed {seed}: Dice in 3D {words} in {seconds:.0f} s")
    count = sum(tensor.numel() for tensor in adapter.tensors.values())
    return count, seconds, means[0], means[1], means[2]


def _scenes(root: Path, stacks: list[Any]) -> list[Any]:
    """Slices with their masks, as the lines of a job."""
    from PIL import Image

    from engines.api.segment_job import Scene, SceneObject
    from projects.regions.mask import Mask

    (root / "images").mkdir(parents=True, exist_ok=True)
    found = []
    for volume, (slices, masks) in enumerate(stacks):
        for depth, (slice_, mask) in enumerate(zip(slices, masks, strict=True)):
            file = f"images/{volume}-{depth:02d}.png"
            Image.fromarray(slice_).save(root / file)
            objects = (SceneObject(label=0, counts=Mask.of(mask).text),) if mask.any() else ()
            found.append(
                Scene(
                    file=file,
                    width=mask.shape[1],
                    height=mask.shape[0],
                    objects=objects,
                    empty=not objects,
                    volume=str(volume),
                    depth=depth,
                )
            )
    return found


def _quiet(_done: int, _total: int) -> None:
    """Hear nothing."""
