"""Masks and marked pictures for the tests of regions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from projects.edits_regions import NewRegion
from projects.regions.mask import Mask


def block(size: tuple[int, int], left: int, top: int, width: int, height: int) -> Mask:
    """A filled rectangle in a picture of `size` (width, height)."""
    return Mask.of(np.ones((height, width), dtype=bool), left=left, top=top, size=size)


def blob(seed: int, size: tuple[int, int], *, holes: bool = True) -> NDArray[np.bool_]:
    """(h, w): some ragged parts, with holes, single pixels and parts at the border."""
    rng = np.random.default_rng(seed)
    width, height = size
    coarse = rng.random((height // 5 + 2, width // 5 + 2)) < 0.35
    inside = np.kron(coarse, np.ones((5, 5), dtype=bool))[:height, :width]
    inside ^= (rng.random((height, width)) < 0.02) & (holes | ~inside)
    inside[height // 2, width // 2] = True
    return inside


def region(image_id: str, label_id: str, mask: Mask, *, accepted: bool = True) -> NewRegion:
    """A region made by clicking."""
    return NewRegion(image_id, label_id, mask, "click", accepted)
