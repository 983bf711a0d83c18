"""How many clicks a mask takes: a program clicks where the mask is most wrong until it is good (NoC, the protocol of RITM, Sofiiuk et al. 2021).

The mask starts empty. Each click goes to the pixel deepest inside a missing or an excess part, whichever reaches deeper; what it should have been
is the click's sign. A person does worse than the middle of the error (RClicks 2024): with a seed, clicks are drawn inside the part instead, deep
places more often.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from engines.core.intervals import Figure, interval
from engines.segmentation.metrics.counts import count, iou
from engines.segmentation.metrics.pair import Map, Mask, extent, pair

MOST = 20


@dataclass(frozen=True)
class Click:
    """A click on the pixel (x, y) of the picture; `positive` where it belongs to the object."""

    x: int
    y: int
    positive: bool


Predict = Callable[[tuple[Click, ...]], Mask]
"""The mask (H, W), boolean, for all clicks so far. Called once after each click, so it may keep the last logits for the next call."""


@dataclass(frozen=True)
class Clicked:
    """What came of clicking at one object.

    `ious` holds the IoU after each click; it ends where `share` was reached, nothing was left to click at, or `most` clicks were made.
    """

    ious: tuple[float, ...]
    clicks: tuple[Click, ...]
    share: float
    most: int

    def reached(self, share: float) -> int | None:
        """The first number of clicks with an IoU of at least `share`, or None.

        Raises:
            ValueError: clicking ended at a lower share.
        """
        if share > self.share:
            raise ValueError(f"clicking ended at an IoU of {self.share}")
        return next((number for number, value in enumerate(self.ious, start=1) if value >= share), None)

    def needed(self, share: float) -> int:
        """As `reached`, with `most` for a failure, as the papers count. Success with the last click is no failure."""
        return self.reached(share) or self.most


@dataclass(frozen=True)
class Effort:
    """Clicks to a share of IoU over many objects: the mean with its interval, and in how many of `count` objects it was never reached."""

    clicks: Figure
    failures: int


def clicks_to(
    predict: Predict,
    truth: Mask,
    *,
    share: float = 0.9,
    most: int = MOST,
    valid: Mask | None = None,
    seed: int | None = None,
) -> Clicked:
    """Click at an object until its mask has an IoU of `share`.

    Args:
        predict: the model.
        truth: the object (H, W), boolean.
        share: where to stop; lower shares can be read off the same run.
        most: clicks at most.
        valid: (H, W); False where a pixel is neither judged nor clicked.
        seed: None clicks at the deepest pixel (the first in reading order), a number draws pixels with their depth as weight.

    Raises:
        ValueError: the truth is empty, so there is nothing to click at; or `predict` answers with another size.
    """
    draw = None if seed is None else np.random.default_rng(seed)
    valid = np.ones_like(truth) if valid is None else valid
    if not (truth & valid).any():
        raise ValueError("there is no object to click at")
    mask = np.zeros_like(truth)
    clicks: tuple[Click, ...] = ()
    ious: tuple[float, ...] = ()
    while len(clicks) < most and (click := next_click(mask, truth & valid, valid, clicks, draw)):
        clicks += (click,)
        judged = pair(predict(clicks), truth, valid=valid)
        mask = judged.predicted
        ious += (float(iou(count(judged))),)
        if ious[-1] >= share:
            break
    return Clicked(ious, clicks, share, most)


def next_click(
    mask: Mask, truth: Mask, valid: Mask, clicked: Sequence[Click], draw: np.random.Generator | None = None
) -> Click | None:
    """Where to click next; None when every wrong pixel has been clicked at. Arrays are (H, W)."""
    missing, excess = (_depths(wrong & valid, clicked) for wrong in (truth & ~mask, mask & ~truth))
    positive = missing.deepest > excess.deepest
    part = missing if positive else excess
    if part.deepest == 0:
        return None
    x, y = part.place(draw)
    return Click(x, y, positive)


def effort(clicked: Sequence[Clicked], pictures: Sequence[str], share: float) -> Effort:
    """Mean clicks to `share` with an interval over pictures; objects, and runs with other seeds, of one picture share its name."""
    needed = interval([float(one.needed(share)) for one in clicked], pictures)
    return Effort(needed, sum(one.reached(share) is None for one in clicked))


def effort_saved(before: Sequence[Clicked], after: Sequence[Clicked], pictures: Sequence[str], share: float) -> Figure:
    """Mean of the clicks before less those after for the same objects in the same order, with the interval of the paired comparison."""
    saved = [float(old.needed(share) - new.needed(share)) for old, new in zip(before, after, strict=True)]
    return interval(saved, pictures)


def iou_after(clicked: Sequence[Clicked], number: int) -> list[float]:
    """The IoU of each object after `number` clicks (1 gives the 1-click IoU); a run that ended sooner keeps what it had."""
    return [one.ious[min(number, len(one.ious)) - 1] for one in clicked]


@dataclass(frozen=True, eq=False)
class _Depths:
    """How deep each pixel lies inside a region, for the part of the picture that holds it; `left` and `top` say where that is."""

    depths: Map
    left: int
    top: int

    @property
    def deepest(self) -> float:
        return float(self.depths.max(initial=0.0))

    def place(self, draw: np.random.Generator | None) -> tuple[int, int]:
        flat = self.depths.ravel()
        chosen = int(flat.argmax()) if draw is None else int(draw.choice(flat.size, p=flat / flat.sum()))
        row, column = divmod(chosen, self.depths.shape[1])
        return self.left + column, self.top + row


def _depths(region: Mask, clicked: Sequence[Click]) -> _Depths:
    """Distances to the nearest pixel outside the region, where outside the picture is outside too; 0 where a click already is."""
    rows, columns = extent(region)
    top, left = rows.start or 0, columns.start or 0
    depths = ndimage.distance_transform_edt(np.pad(region[rows, columns], 1))[1:-1, 1:-1]
    for click in clicked:
        row, column = click.y - top, click.x - left
        if 0 <= row < depths.shape[0] and 0 <= column < depths.shape[1]:
            depths[row, column] = 0.0
    return _Depths(depths, left, top)
