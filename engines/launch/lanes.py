"""Lanes of the shared orthogonal basis: who keeps to which directions, and which are free. The directions themselves: `engines.diffusion.basis`.

Directions are numbered 0..d-1 in every input width d of the base model's layers. Slot k of adapters of rank r is the lane of directions
(k - 1) r .. k r - 1, the same numbers in every width, so the narrowest width decides how many slots there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Lane:
    """Neighbouring directions of every width: numbers `first` to `end - 1`."""

    first: int
    count: int

    @property
    def end(self) -> int:
        """The number behind the last."""
        return self.first + self.count

    def overlaps(self, other: Lane) -> bool:
        """Whether the two share a direction."""
        return self.first < other.end and other.first < self.end


def lane(slot: int, rank: int) -> Lane:
    """The lane of a slot, counted from 1."""
    return Lane((slot - 1) * rank, rank)


def capacity(width: int, rank: int) -> int:
    """How many slots of a rank there are where the narrowest layer has `width` inputs."""
    return width // rank


def slot_of(word: str, *, width: int, rank: int) -> int:
    """The slot a word gets where nobody keeps a list: by its hash, the same everywhere."""
    number = int.from_bytes(hashlib.sha256(word.strip().casefold().encode()).digest()[:8], "big")
    return number % max(1, capacity(width, rank)) + 1


def free_slot(taken: Collection[Lane], *, width: int, rank: int) -> int | None:
    """The first slot whose lane meets none of those taken; None when there is none left."""
    slots = range(1, capacity(width, rank) + 1)
    return next((slot for slot in slots if not any(lane(slot, rank).overlaps(other) for other in taken)), None)
