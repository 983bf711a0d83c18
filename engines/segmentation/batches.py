"""The order in which pictures are learned from: endless, by epochs, a pure function of seed and epoch, so that its position is two numbers."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines.segmentation.views import View


@dataclass(frozen=True)
class Showing:
    """A picture in a view, and which of its objects are asked for."""

    scene: int
    view: View
    objects: tuple[int, ...]


class SceneBatches:
    """See `engines.core.contracts.Batches`.

    Every picture occurs once an epoch; the last batch of an epoch is filled up from its start. Of a picture with many objects some are drawn.
    """

    def __init__(
        self, objects: Mapping[int, int], views: Sequence[View], *, size: int, most_objects: int, seed: int
    ) -> None:
        """Lay out an order.

        Args:
            objects: number of objects of each scene that is learned from.
            views: ways to show a picture.
            size: pictures a batch.
            most_objects: of one picture in one batch.
            seed: of the order.
        """
        self._objects, self._views, self._size, self._most, self._seed = (
            dict(objects),
            list(views),
            size,
            most_objects,
            seed,
        )
        self._epoch, self._position = 0, 0
        self._plan = self._planned(0)

    def next(self) -> list[Showing]:
        """The next batch."""
        if self._position >= len(self._plan):
            self._epoch, self._position = self._epoch + 1, 0
            self._plan = self._planned(self._epoch)
        chosen = self._plan[self._position]
        draws = random.Random(f"{self._seed}/{self._epoch}/{self._position}")
        self._position += 1
        return [self._shown(scene, draws) for scene in chosen]

    def state(self) -> dict[str, Any]:
        """Epoch and position in it."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go to a `state()`."""
        self._epoch = int(state["epoch"])
        self._plan = self._planned(self._epoch)
        self._position = int(state["position"])

    def _planned(self, epoch: int) -> list[list[int]]:
        rows = list(self._objects)
        random.Random(f"{self._seed}/{epoch}").shuffle(rows)
        rows += [rows[number % len(rows)] for number in range(-len(rows) % self._size)]
        return [rows[start : start + self._size] for start in range(0, len(rows), self._size)]

    def _shown(self, scene: int, draws: random.Random) -> Showing:
        count = self._objects[scene]
        chosen = draws.sample(range(count), min(count, self._most))
        return Showing(scene, draws.choice(self._views), tuple(sorted(chosen)))
