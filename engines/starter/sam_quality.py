"""How well the starter's Segment Anything cuts out: held-out clay scenes, and the hard domains it has never seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import binary_erosion

from engines.segmentation.metrics.clicking import next_click
from engines.segmentation.metrics.counts import count, iou
from engines.segmentation.metrics.pair import pair
from engines.starter import hard
from engines.starter.dataset import Split
from engines.starter.render import Bytes, Mask, render
from engines.starter.sam import SCENE_SIDE, load_sam

HELD = Split("held_scenes", 900_000_000, 0, fancy_share=0.1)
CROWDS = Split("held_crowds", 920_000_000, 0, fancy_share=0.1, crowded=True)
_SMALLEST_SHARE = 0.004


@dataclass(frozen=True)
class CutOut:
    """One object and what was found of it: by one click, the best of that click's three masks, and by box."""

    picture: Bytes
    truth: Mask
    click: Mask
    best: Mask
    box: Mask


@dataclass(frozen=True)
class Score:
    """Mean IoU (0..1) over objects: by one click, with the best of its three masks, and by box."""

    click: float
    best: float
    box: float


def held_out(split: Split, count: int) -> Iterable[tuple[Bytes, Mask]]:
    """Each clearly visible object of the first ``count`` scenes with its picture."""
    for index in range(count):
        spec = split.spec(index)
        drawn = render(spec, size=SCENE_SIDE)
        for number in range(len(spec.objects)):
            mask = drawn.mask(number)
            if mask.mean() >= _SMALLEST_SHARE:
                yield drawn.picture, mask


def hard_cases(domain: str, count: int) -> Iterable[tuple[Bytes, Mask]]:
    """The first ``count`` samples of a hard domain."""
    return (hard.sample(domain, seed) for seed in range(count))


def cut_out(checkpoint: Path, samples: Iterable[tuple[Bytes, Mask]], device: torch.device) -> list[CutOut]:
    """Ask the model of ``checkpoint`` for every mask, through the reference predictor."""
    from segment_anything import SamPredictor

    predictor = SamPredictor(load_sam(checkpoint, device))
    made, shown = [], None
    for picture, truth in samples:
        if shown is not picture:  # objects of one scene share its embedding
            predictor.set_image(picture)
            shown = picture
        made.append(_ask(predictor, picture, truth))
    return made


def score(made: list[CutOut]) -> Score:
    """Mean IoU of the cut-outs."""
    return Score(
        *(float(np.mean([_iou(getattr(one, way), one.truth) for one in made])) for way in ("click", "best", "box"))
    )


def sheet(groups: list[list[CutOut]], path: Path, *, across: int = 8) -> None:
    """A row of cut-outs by click for each group: what was found is tinted, the true outline drawn in white."""
    side = SCENE_SIDE * 2
    paper = Image.new("RGB", (across * side, len(groups) * side))
    for row, made in enumerate(groups):
        for column, one in enumerate(made[:across]):
            paper.paste(_tile(one, side), (column * side, row * side))
    paper.save(path)


def _ask(predictor: Any, picture: Bytes, truth: Mask) -> CutOut:  # noqa: ANN401 - segment_anything has no types
    centre = next_click(np.zeros_like(truth), truth, np.ones_like(truth), ())
    if centre is None:
        raise ValueError("there is no object to click at")
    masks, predicted, _ = predictor.predict(np.asarray([[centre.x, centre.y]]), np.ones(1), multimask_output=True)
    rows, columns = np.flatnonzero(truth.any(axis=1)), np.flatnonzero(truth.any(axis=0))
    box = np.asarray([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    by_box, _, _ = predictor.predict(box=box, multimask_output=False)
    best = int(np.argmax([_iou(mask, truth) for mask in masks]))
    return CutOut(picture, truth, masks[int(np.argmax(predicted))], masks[best], by_box[0])


def _iou(found: Mask, truth: Mask) -> float:
    return float(iou(count(pair(found, truth))))


def _tile(one: CutOut, side: int) -> Image.Image:
    tint = np.asarray([255, 60, 200], dtype=np.float32)
    values = np.where(one.click[..., None], one.picture * 0.5 + tint * 0.5, one.picture)
    rim = one.truth & ~binary_erosion(one.truth)
    values = np.where(rim[..., None], 255, values)
    return Image.fromarray(values.astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST)
