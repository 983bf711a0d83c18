"""The ways a picture and its masks are shown while learning: mirrored, and turned by quarters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

A = TypeVar("A", bound=np.generic)


@dataclass(frozen=True)
class View:
    """Mirrored or not, then so many quarter turns against the clock."""

    mirrored: bool = False
    turns: int = 0

    def of(self, pixels: npt.NDArray[A]) -> npt.NDArray[A]:
        """The picture (H, W, ...) in this view."""
        found = pixels[:, ::-1] if self.mirrored else pixels
        return np.ascontiguousarray(np.rot90(found, self.turns) if self.turns else found)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height in this view."""
        return (height, width) if self.turns % 2 else (width, height)


PLAIN = View()
VIEWS: dict[str, tuple[View, ...]] = {
    "as they are": (PLAIN,),
    "mirrored": (PLAIN, View(mirrored=True)),
    "turned": tuple(View(mirrored, turns) for mirrored in (False, True) for turns in range(4)),
}
