"""What rules of merging share: the changes of each layer, exact concatenation, and the nearest pair of a rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from engines.api.errors import AdapterError
from engines.diffusion.exchange.adapter import Adapter, LoraPair

_SPARE, _PASSES = 8, 6

Seen = Sequence[Mapping[str, torch.Tensor]]
"""For each adapter, what every layer was asked while it was at work: rows (n, in) by the layer's name."""


@dataclass(frozen=True)
class Weighted:
    """An adapter and its strength."""

    adapter: Adapter
    weight: float


@dataclass(frozen=True)
class Merged:
    """One adapter, and the share of the merged change that it lacks (Frobenius norm over all layers, 0..1)."""

    adapter: Adapter
    error: float


@dataclass(frozen=True)
class Layer:
    """One layer's changes: `pairs` and `weights` of the adapters that change it, `parts` their numbers."""

    name: str
    parts: tuple[int, ...]
    pairs: tuple[LoraPair, ...]
    weights: tuple[float, ...]

    def changes(self) -> torch.Tensor:
        """What each adapter adds at its strength, kernels flattened: (n, out, in)."""
        return torch.stack([weight * pair.delta() for pair, weight in zip(self.pairs, self.weights, strict=True)])


def layers(parts: Sequence[Weighted]) -> list[Layer]:
    """The layers that any of the adapters changes, by name.

    Raises:
        AdapterError: an adapter is weight-decomposed, so that its change hangs on the base model; or two differ in shape.
    """
    found: dict[str, dict[int, LoraPair]] = {}
    for number, part in enumerate(parts):
        for name, pair in part.adapter.modules.items():
            if pair.dora is not None:
                title = "A weight-decomposed adapter (DoRA) cannot be merged into a file"
                raise AdapterError(
                    title, "What it changes hangs on the base model.", "Save a whole base model instead."
                )
            found.setdefault(name, {})[number] = pair
    made = [
        Layer(name, tuple(pairs), tuple(pairs.values()), tuple(parts[number].weight for number in pairs))
        for name, pairs in sorted(found.items())
    ]
    for layer in made:
        if len({(pair.down.shape[1:], pair.up.shape[0]) for pair in layer.pairs}) > 1:
            title = "The adapters are for different base models"
            raise AdapterError(
                title, f"“{layer.name}” has another size in one than in another.", "Choose adapters of one base."
            )
    return made


def exactly(parts: Sequence[Weighted], downs: Callable[[Layer], Sequence[torch.Tensor]] | None = None) -> Merged:
    """Side by side: sum of weight x scale x up @ down, ranks added up; `downs` gives other lower halves (fp32, flattened)."""
    modules = {}
    for layer in layers(parts):
        lower = [pair.down.float() for pair in layer.pairs]
        if downs is not None:
            lower = [down.view_as(pair.down) for down, pair in zip(downs(layer), layer.pairs, strict=True)]
        upper = [
            pair.up.float() * (weight * pair.scale) for pair, weight in zip(layer.pairs, layer.weights, strict=True)
        ]
        down, up = torch.cat(lower), torch.cat(upper, dim=1)
        modules[layer.name] = LoraPair(down.contiguous(), up.contiguous(), float(down.shape[0]))
    return Merged(Adapter(modules), 0.0)


def nearest(parts: Sequence[Weighted], rule: Callable[[Layer], torch.Tensor], rank: int) -> Merged:
    """The nearest adapter of a rank to what a rule makes of each layer's changes (out, in)."""
    modules, lost, whole = {}, 0.0, 0.0
    for layer in layers(parts):
        change = rule(layer)
        pair = pair_of(change, rank or sum(one.rank for one in layer.pairs), layer.pairs[0])
        lost += float((change - pair.delta()).square().sum())
        whole += float(change.square().sum())
        modules[layer.name] = pair
    return Merged(Adapter(modules), (lost / whole) ** 0.5 if whole > 0 else 0.0)


def pair_of(change: torch.Tensor, rank: int, like: LoraPair) -> LoraPair:
    """The nearest pair of a rank to a change (out, in), in the shape of another pair of the layer; the same every time."""
    rank = min(rank, *change.shape)
    if 2 * (rank + _SPARE) >= min(change.shape):
        left, sizes, right = torch.linalg.svd(change, full_matrices=False)
    else:  # a sketch: exact enough behind a few passes, and far cheaper
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            left, sizes, right = torch.svd_lowrank(change, rank + _SPARE, niter=_PASSES)
            right = right.T
    root = sizes[:rank].clamp_min(0).sqrt()
    down = (root[:, None] * right[:rank]).view(rank, *like.down.shape[1:])
    up = (left[:, :rank] * root).view(change.shape[0], rank, *like.up.shape[2:])
    return LoraPair(down.contiguous(), up.contiguous(), float(rank))
