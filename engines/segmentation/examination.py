"""Measuring a finished adaptation, or any adapter, on pictures it never learned from; the report is one JSON file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.api.errors import JobError
from engines.api.segment_job import Scene
from engines.core.contracts import ProgressHook
from engines.core.devices import Device
from engines.segmentation.adapter_file import SegmentAdapter, attach_for_use
from engines.segmentation.evaluate import AUTOMATIC, BOX, CLICK, Examiner, examine, report
from engines.segmentation.scenes import SceneShelf
from engines.segmentation.segmenters import open_segmenter

FORMAT = 1
WAYS = {"clicks": (CLICK, BOX), "automatic": (AUTOMATIC,), "both": (CLICK, BOX, AUTOMATIC)}


@dataclass(frozen=True)
class Examination:
    """What is to be measured: an adapter on the pictures of one split, in the ways it was taught to answer."""

    base: str
    adapter: SegmentAdapter
    scenes: Sequence[Scene]
    split: str = "validation"
    clicks: bool = False


def measure(wanted: Examination, root: Path, device: Device, *, progress: ProgressHook) -> dict[str, Any]:
    """The report, as plain data.

    Raises:
        JobError: no picture of that split has a mask; UserError: what opening and attaching may raise.
    """
    model = open_segmenter(wanted.base, device)
    shelf = SceneShelf(model, root, wanted.scenes, device.torch_device)
    chosen = [number for number, scene in enumerate(shelf.scenes) if scene.split == wanted.split]
    marked = [number for number in chosen if shelf.objects[number]]
    if not marked:
        title = "There is nothing to measure on"
        what = f"No picture of the part “{wanted.split}” has a mask."
        raise JobError(title, what, "Mark pictures that were kept apart, or move some there.")
    classes = wanted.adapter.classes
    # Nothing can be clicked at in a picture that holds nothing, but something may be invented in it.
    answered = [number for number in chosen if shelf.objects[number] or shelf.scenes[number].empty]
    ways = {way: answered if way == AUTOMATIC else marked for way in WAYS[wanted.adapter.prompts]}
    plain = Examiner(model, shelf, encoder_changes=False, tokens=None)
    before = {
        way: examine(plain, shelf, numbers, way, classes, clicks=wanted.clicks, progress=progress)
        for way, numbers in ways.items()
    }
    tuned, tokens = attach_for_use(wanted.adapter, model)
    try:
        adapted = Examiner(model, shelf, encoder_changes=tuned.encoder_changes, tokens=tokens, reach=tuned.reach)
        after = {
            way: examine(adapted, shelf, numbers, way, classes, clicks=wanted.clicks, progress=progress)
            for way, numbers in ways.items()
        }
    finally:
        tuned.detach()
    return {
        "format": FORMAT,
        "base": wanted.base,
        "tuner": wanted.adapter.tuner,
        "split": wanted.split,
        "pictures": max(len(numbers) for numbers in ways.values()),
        "skipped": shelf.skipped,
        "ways": {way: report(shelf, numbers, way, classes, before[way], after[way]) for way, numbers in ways.items()},
    }


def as_text(found: dict[str, Any]) -> str:
    """The report as it is written to a file."""
    return json.dumps(found, indent=1, allow_nan=False)
