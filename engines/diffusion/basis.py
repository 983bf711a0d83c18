"""The shared orthogonal basis: directions that adapters divide among themselves, the same on every machine and in every year.

Each input width d has one orthonormal basis. An adapter that keeps to its own directions cannot disturb, nor be disturbed by, what another
one does along others (Orthogonal Adaptation, Po et al. 2024). The paper shares a random orthogonal matrix; here it is the DCT-II matrix
with its inputs' signs and its rows' order drawn from a fixed seed. That needs no file, no factorisation whose signs depend on a library,
and no torch generator whose numbers may change: the integers behind it are SplitMix64 (Steele et al. 2014).

Directions are numbered 0..d-1; who takes which is told by `engines.launch.lanes`.
"""

from __future__ import annotations

import functools
import math

import torch

from engines.launch.lanes import Lane

NAME = "dct-signs-order-1"
"""Written into adapter files; a basis of another name is another basis."""

_SEED = 0x4C6F72696B656574
_MASK = 2**64 - 1


@functools.lru_cache(maxsize=256)
def directions(width: int, lane: Lane) -> torch.Tensor:
    """The directions of a lane as orthonormal rows (count, width), fp64 on the CPU.

    Raises:
        ValueError: the lane reaches beyond the width.
    """
    if lane.first < 0 or lane.count < 1 or lane.end > width:
        msg = f"a width of {width} has no directions {lane.first} to {lane.end - 1}"
        raise ValueError(msg)
    frequency = torch.tensor(_order(width)[lane.first : lane.end], dtype=torch.float64)[:, None]
    place = torch.arange(width, dtype=torch.float64)[None] + 0.5
    rows = torch.cos(math.pi * frequency * place / width) * math.sqrt(2.0 / width)
    rows = torch.where(frequency == 0, torch.full_like(rows, math.sqrt(1.0 / width)), rows)
    return rows * torch.tensor(_signs(width), dtype=torch.float64)


@functools.cache
def _order(width: int) -> tuple[int, ...]:
    """Which frequency each direction is: a Fisher-Yates shuffle of 0..width-1."""
    draw = _Integers(_SEED + width)
    order = list(range(width))
    for last in range(width - 1, 0, -1):
        other = draw.next() % (last + 1)
        order[last], order[other] = order[other], order[last]
    return tuple(order)


@functools.cache
def _signs(width: int) -> tuple[float, ...]:
    draw = _Integers(_SEED - width)
    return tuple(1.0 if draw.next() >> 63 else -1.0 for _ in range(width))


class _Integers:
    """SplitMix64: 64-bit integers from a seed."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def next(self) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)
