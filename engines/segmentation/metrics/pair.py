"""A prediction beside its truth, checked once, in the picture's own resolution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Map = npt.NDArray[np.float64]

VOID = 255
"""The number of pixels not to be judged in pictures whose pixels are classes (Pascal VOC, Cityscapes)."""


@dataclass(frozen=True, eq=False)
class Pair:
    """What was predicted and what is true, each (H, W).

    `soft` holds the probabilities 0 to 1 and `predicted` the mask they make. Outside `valid` all others are 0 or False.
    """

    soft: Map
    predicted: Mask
    truth: Mask
    valid: Mask

    def judged(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The values of an (H, W) array at the pixels to be judged, flat."""
        return array.ravel() if self.valid.all() else array[self.valid]


def pair(
    prediction: npt.NDArray[Any],
    truth: npt.NDArray[Any],
    *,
    valid: npt.NDArray[Any] | None = None,
    threshold: float = 0.5,
) -> Pair:
    """Put a prediction beside its truth.

    Args:
        prediction: (H, W), a boolean mask, or probabilities from 0 to 1.
        truth: (H, W), boolean.
        valid: (H, W), boolean; False where a pixel is not to be judged. All are when it is None.
        threshold: probabilities above it are foreground; 0.5 is the logit 0 that Segment Anything cuts at.

    Raises:
        ValueError: the sizes differ, a mask is not boolean, or the probabilities leave 0 to 1 or are no numbers.
    """
    valid = np.ones(truth.shape, dtype=bool) if valid is None else valid
    if truth.ndim != 2 or not prediction.shape == truth.shape == valid.shape:
        raise ValueError(f"sizes differ: prediction {prediction.shape}, truth {truth.shape}, valid {valid.shape}")
    if truth.dtype != bool or valid.dtype != bool or prediction.dtype.kind not in "bf":
        raise ValueError("truth and valid must be boolean, and a prediction boolean or probabilities")
    soft = prediction.astype(np.float64)
    if soft.size and not (soft.min() >= 0 and soft.max() <= 1):  # also when one of them is no number
        raise ValueError("probabilities must lie between 0 and 1")
    soft[~valid] = 0.0
    return Pair(soft, (soft > threshold) & valid, truth & valid, valid)


def extent(mask: Mask, *, margin: int = 0) -> tuple[slice, slice]:
    """The rows and columns that hold a mask (H, W), and `margin` pixels around it where the picture has them; empty for an empty one."""
    rows, columns = (np.flatnonzero(mask.any(axis=1 - axis)) for axis in (0, 1))
    if not rows.size:
        return slice(0), slice(0)
    top, left = max(0, int(rows[0]) - margin), max(0, int(columns[0]) - margin)
    return slice(top, int(rows[-1]) + margin + 1), slice(left, int(columns[-1]) + margin + 1)


def by_class(
    predicted: npt.NDArray[Any], truth: npt.NDArray[Any], names: Mapping[int, str], *, void: int = VOID
) -> Iterator[tuple[str, Pair]]:
    """A pair for each class of two pictures (H, W) whose pixels are class numbers, with the class's name.

    Pixels whose truth is `void` are not judged. The background is a class like others where `names` lists it.
    """
    valid = truth != void
    for number, name in names.items():
        yield name, pair(predicted == number, truth == number, valid=valid)
