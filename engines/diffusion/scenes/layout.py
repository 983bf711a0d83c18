"""Where subjects stand in a made scene: side by side, on one ground, never over each other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

_TALLEST, _WIDEST, _GROUND, _ROOM = 0.62, 0.94, (0.80, 0.95), 0.5


@dataclass(frozen=True)
class Spot:
    """A place as shares of the picture: left and top edge, width and height."""

    left: float
    top: float
    width: float
    height: float


def lay_out(ratios: Sequence[float], draws: random.Random, *, smallest: float = 0.7) -> tuple[Spot, ...]:
    """Spots for subjects of these ratios (width over height, in a square picture), in their order.

    The largest has size 1 and the others at least `smallest` of it; who stands where is drawn. All shrink together where they would not fit.
    """
    sizes = [draws.uniform(smallest, 1.0) for _ in ratios]
    sizes = [size / max(sizes) * _TALLEST for size in sizes]
    widths = [size * ratio for size, ratio in zip(sizes, ratios, strict=True)]
    shrink = min(1.0, _WIDEST / sum(widths))
    free = 1.0 - shrink * sum(widths)
    order = draws.sample(range(len(ratios)), len(ratios))
    gaps = [draws.random() + 1e-3 for _ in range(len(ratios) + 1)]
    spots: list[Spot] = [Spot(0.0, 0.0, 0.0, 0.0)] * len(ratios)
    left = 0.0
    for place, number in enumerate(order):
        left += free * gaps[place] / sum(gaps)
        width, height = shrink * widths[number], shrink * sizes[number]
        ground = max(draws.uniform(*_GROUND), height)
        spots[number] = Spot(left, ground - height, width, height)
        left += width
    return tuple(spots)
