"""Proposals for all objects of a picture: a grid of clicks, and of the answers those that are sure, stable and not told twice.

The numbers are those of the reference implementation's automatic mask generator; see docs/segmentation.md. Everything is judged on the decoder's
own grid, which covers the picture whatever its size; only what is kept is brought to the picture's pixels. Edges are about as sharp on every grid, in
cells; so on a coarser grid than the published models' an equally good mask is less exact and less stable, by what its cells are larger.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.segmentation.frames import Floats, Frame

MOST_WRONG = 0.12
MOST_UNSTABLE = 0.05
STABILITY_OFFSET = 1.0
_PUBLISHED_SIDE, _PUBLISHED_LEVEL = 256, 8.0
"""Sides of the published models' grids, and the logits that their masks at least reach inside."""
MOST_OVERLAP = 0.7
LEAST_CELLS = 4
"""Smaller ones, in cells of the decoder's grid (a 256th of the square's side each, with the published models), are specks."""


@dataclass(frozen=True)
class Proposal:
    """One that was kept: the click that led to it, which of the answers it was, what the model thinks of it, and its box on the grid."""

    click: tuple[float, float]
    number: int
    score: float
    box: tuple[int, int, int, int]


def grid(per_side: int, frame: Frame) -> npt.NDArray[np.float64]:
    """Clicks (per_side^2, 2) x, y in the middles of as many equal parts of the picture, row by row."""
    middles = (np.arange(per_side) + 0.5) / per_side
    x, y = np.meshgrid(middles * frame.width, middles * frame.height)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def worthy(click: tuple[float, float], logits: Floats, scores: Floats, inside: npt.NDArray[np.bool_]) -> list[Proposal]:
    """Those of a click's answers that are sure and stable.

    Args:
        click: x, y in the picture.
        logits: (n, m, m).
        scores: expected IoU (n,).
        inside: (m, m), the cells that lie in the picture.
    """
    found = []
    coarser = _PUBLISHED_SIDE / logits.shape[-1]
    wrong, unstable = MOST_WRONG * coarser**0.5, MOST_UNSTABLE * coarser
    for number, (mask, score) in enumerate(zip(logits, scores, strict=True)):
        if 1.0 - score >= wrong or 1.0 - stability(mask[inside]) > unstable:
            continue
        there = (mask > 0) & inside
        if there.sum() >= LEAST_CELLS:
            rows, columns = (np.flatnonzero(there.any(axis=axis)) for axis in (1, 0))
            box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
            found.append(Proposal(click, number, float(score), box))
    return found


def stability(logits: Floats) -> float:
    """IoU of the masks cut a little above and a little below zero; 0 when there is none.

    A little is 1, and less for a model whose logits stay small inside its masks, by as much as they do.
    """
    inside = logits[logits > 0]
    if not inside.size:
        return 0.0
    offset = STABILITY_OFFSET * min(1.0, float(np.median(inside)) / _PUBLISHED_LEVEL)
    return float((logits > offset).sum() / (logits > -offset).sum())


def told_once(proposals: list[Proposal]) -> list[Proposal]:
    """Without those whose box mostly is that of a better one; the best first."""
    ordered = sorted(proposals, key=lambda one: -one.score)
    boxes = np.array([one.box for one in ordered], np.float64).reshape(-1, 4)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.ones(len(ordered), bool)
    kept = []
    for place, one in enumerate(ordered):
        if left[place]:
            kept.append(one)
            low = np.maximum(boxes[:, :2], boxes[place, :2])
            high = np.minimum(boxes[:, 2:], boxes[place, 2:])
            common = np.clip(high - low, 0.0, None).prod(axis=1)
            left &= common / (areas + areas[place] - common) <= MOST_OVERLAP
    return kept
