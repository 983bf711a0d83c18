"""Adapts a segmentation model to one of the clay world's hard domains and measures it on pictures it never saw; what segmentation benches share.

Sixteen pictures are learned from, as many others are measured on; the model is to find the class without being asked ("automatic"), so its
"before" is the mask it gives without any prompt.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.bench.table import Bench

LEARNED, MEASURED = 16, 24
DOMAINS = ("camouflage", "shadows", "scan")
_SEEDS = 1000


@dataclass(frozen=True)
class Trial:
    """What came of one adaptation: numbers that learned, bytes of the file, seconds of the run, and the report of the measuring."""

    parameters: int
    size: int
    seconds: float
    report: Mapping[str, Any]

    def figure(self, name: str, side: str, way: str = "automatic") -> float:
        """A mean over pictures, before or after."""
        return float(self.report["ways"][way][side]["mean"][name]["mean"])

    def change(self, name: str, way: str = "automatic") -> tuple[float, float, float]:
        """The mean change of a figure with its interval."""
        found = self.report["ways"][way]["change"][name]
        return float(found["mean"]), float(found["low"]), float(found["high"])


def pictures(root: Path, domain: str, seed: int, *, few: bool) -> list[Any]:
    """Pictures of a domain with their masks, as the lines of a job; different seeds share none."""
    from PIL import Image

    from engines.api.segment_job import Scene, SceneObject
    from engines.starter import hard
    from projects.regions.mask import Mask

    learned, measured = (2, 2) if few else (LEARNED, MEASURED)
    (root / "images").mkdir(parents=True, exist_ok=True)
    found = []
    for number in range(learned + measured):
        picture, mask = hard.sample(domain, _SEEDS * (seed + 1) + number)
        file = f"images/{domain}-{seed}-{number}.png"
        Image.fromarray(picture).save(root / file)
        found.append(
            Scene(
                file=file,
                width=picture.shape[1],
                height=picture.shape[0],
                split="train" if number < learned else "validation",
                objects=(SceneObject(label=0, counts=Mask.of(mask).text),),
            )
        )
    return found


def trial(
    bench: Bench,
    domain: str,
    seed: int,
    tuner: str,
    settings: Mapping[str, Any],
    *,
    steps: int,
    prompts: str = "automatic",
) -> Trial:
    """Adapt the starter in one way to one domain, and measure it."""
    from engines.core.devices import pick
    from engines.segmentation.adapter_file import read_segment_adapter
    from engines.segmentation.examination import Examination, measure

    root = bench.folder / f"{domain}-{seed}"
    scenes = pictures(root, domain, seed, few=bench.quick)
    file, seconds = adapted(
        root, scenes, domain, seed, tuner, settings, steps=4 if bench.quick else steps, prompts=prompts
    )
    adapter = read_segment_adapter(file)
    report = measure(Examination("starter", adapter, scenes), root, pick("auto"), progress=_quiet)
    learned = sum(tensor.numel() for tensor in adapter.tensors.values())
    found = Trial(learned, file.stat().st_size, seconds, report)
    way = next(iter(report["ways"]))
    before, after = found.figure("dice", "before", way), found.figure("dice", "after", way)
    bench.say(f"{domain} {seed}, {tuner}: Dice {before:.3f} -> {after:.3f} in {seconds:.0f} s")
    return found


def adapted(
    root: Path,
    scenes: list[Any],
    name: str,
    seed: int,
    tuner: str,
    settings: Mapping[str, Any],
    *,
    steps: int,
    prompts: str,
) -> tuple[Path, float]:
    """Adapt the starter to pictures of one class `name`: the adapter's file, and seconds."""
    from engines.api.job import JobMethod
    from engines.api.recipe import LoopSettings, SampleSettings
    from engines.api.segment_job import SegmentData, SegmentJob, SegmentRecipe
    from engines.cli.watch import raise_if_not_finished
    from engines.core.run import run_folder
    from engines.launch.folder import create_run
    from engines.launch.follow import Follower

    loop = LoopSettings(steps=steps, batch_size=2, seed=seed, validate_every=100_000, checkpoint_every=100_000)
    recipe = SegmentRecipe(
        data=SegmentData.model_validate({"prompts": prompts}), loop=loop, samples=SampleSettings(every=0)
    )
    job = SegmentJob(
        id=f"{tuner}-{seed}",
        title=tuner,
        created=1.0,
        method=JobMethod(name=tuner, settings=dict(settings)),
        classes=(name,),
        recipe=recipe,
    )
    folder = create_run(root, job, scenes)
    begun = time.perf_counter()
    run_folder(folder)
    seconds = time.perf_counter() - begun
    raise_if_not_finished(Follower(folder).catch_up(), folder)
    return folder / "adapter.safetensors", seconds


def _quiet(_phase: str, _text: str, _done: int, _total: int) -> None:
    """Hear nothing."""
