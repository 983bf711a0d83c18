"""Changes of several adapters in one base at once, each in its own part of the picture: no second model, and no weights are touched.

What an adapter adds to a layer that works on cells of the picture, s up (down x), is weighed cell by cell before it goes up. The pairs of all
concepts stand side by side in two thin matrices, so the passes of all of them cost what one adapter of their ranks together costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from engines.diffusion.contracts import Base, Site
from engines.diffusion.exchange.adapter import LoraPair, check_fit, in_memory
from engines.diffusion.stage import Part

Weigh = Callable[[int, int], torch.Tensor]
"""How strongly each of n concepts acts on each cell: from the number of cells and of rows, (1 or rows, cells, n)."""


@dataclass(frozen=True)
class _Change:
    """What the concepts of one layer add: `down` (R, in, ...), `up` (out, R, ...), whose each of the R is, and gains of magnitudes."""

    down: torch.Tensor
    up: torch.Tensor
    owner: torch.Tensor
    gains: torch.Tensor | None


class Changes:
    """Forward hooks that add the concepts' changes where they belong.

    Args:
        base: its denoiser is listened to.
        parts: the concepts; those without an adapter add nothing.
        weigh: how strongly each acts where.
        wanted: which sites of the denoiser take part; those that read the words never do.
    """

    def __init__(self, base: Base, parts: Sequence[Part], weigh: Weigh, wanted: Callable[[Site], bool]) -> None:
        self._weigh, self._count = weigh, len(parts)
        self._hooks: list[Any] = []
        for site, pairs in pairs_by_site(base, parts).items():
            if site.network == "unet" and site not in base.context_linears() and wanted(site):
                layer: Any = base.networks()["unet"].get_submodule(site.path)
                self._hooks.append(layer.register_forward_hook(self._adding(_joined(pairs, parts, layer.weight))))

    def remove(self) -> None:
        """Add nothing any more."""
        for hook in self._hooks:
            hook.remove()

    def _adding(self, change: _Change) -> Callable[..., torch.Tensor]:
        def add(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            flat, weigh = output.ndim == 3, self._weights
            if isinstance(layer, nn.Conv2d):
                low = functional.conv2d(inputs[0], change.down, None, layer.stride, layer.padding, layer.dilation)
                weights = weigh(output[0, 0].numel(), output.shape[0], output).transpose(1, 2)
                weights = weights.reshape(*weights.shape[:2], *output.shape[2:])
                return (
                    output
                    + functional.conv2d(low * weights[:, change.owner], change.up)
                    + _gained(layer, output, weights.movedim(1, -1), change, axis=1)
                )
            low = functional.linear(inputs[0], change.down)
            weights = weigh(output.shape[1], output.shape[0], output) if flat else output.new_ones(1, self._count)
            added = functional.linear(low * weights[..., change.owner], change.up)
            return output + added + _gained(layer, output, weights, change, axis=-1)

        return add

    def _weights(self, cells: int, rows: int, like: torch.Tensor) -> torch.Tensor:
        return self._weigh(cells, rows).to(like.dtype)


def pairs_by_site(base: Base, parts: Sequence[Part]) -> dict[Site, dict[int, LoraPair]]:
    """The pairs of all concepts by the layer they act on, and there by the concept's number.

    Raises:
        AdapterError: an adapter does not fit the base.
    """
    networks = base.networks()
    found: dict[Site, dict[int, LoraPair]] = {}
    for number, part in enumerate(parts):
        if part.adapter is None:
            continue
        check_fit(part.adapter, base)
        for name, pair in part.adapter.modules.items():
            found.setdefault(in_memory(name, networks), {})[number] = pair
    return found


def _joined(pairs: dict[int, LoraPair], parts: Sequence[Part], weight: torch.Tensor) -> _Change:
    """The pairs of one layer side by side; scale, strength and magnitude go into the upper half."""
    gains = {number: gain_of(pair, weight, parts[number].weight) for number, pair in pairs.items()}
    ups, downs, owner = [], [], []
    for number, pair in pairs.items():
        up = parts[number].weight * pair.scale * pair.up.to(weight.device, torch.float32)
        gain = gains[number]
        ups.append(up if gain is None else up * gain.view(-1, *[1] * (up.ndim - 1)))
        downs.append(pair.down.to(weight.device, torch.float32))
        owner += [number] * pair.rank
    known = {number: gain for number, gain in gains.items() if gain is not None}
    return _Change(
        torch.cat(downs).to(weight.dtype),
        torch.cat(ups, dim=1).to(weight.dtype),
        torch.tensor(owner, device=weight.device),
        _all_gains(known, len(parts), weight) if known else None,
    )


def gain_of(pair: LoraPair, weight: torch.Tensor, strength: float) -> torch.Tensor | None:
    """The factor (out,) on a changed layer of a weight-decomposed pair: magnitude / |W + change|; None for plain pairs."""
    if pair.dora is None:
        return None
    changed = weight.float().flatten(1) + strength * pair.delta().to(weight.device)
    magnitude: torch.Tensor = pair.dora.to(weight.device)
    sizes: torch.Tensor = changed.square().sum(dim=1).sqrt()
    return magnitude / sizes


def _all_gains(known: dict[int, torch.Tensor], count: int, weight: torch.Tensor) -> torch.Tensor:
    """What each of n concepts multiplies the base's own answer by, less one: (n, out)."""
    found = torch.zeros(count, weight.shape[0], device=weight.device)
    for number, gain in known.items():
        found[number] = gain - 1.0
    return found.to(weight.dtype)


def _gained(layer: Any, output: torch.Tensor, weights: torch.Tensor, change: _Change, axis: int) -> torch.Tensor:  # noqa: ANN401 - a layer
    """What magnitudes add to the base's own answer without its bias; nothing for plain pairs."""
    if change.gains is None:
        return output.new_zeros(())
    shape = [1] * output.ndim
    shape[axis] = -1
    own = output if layer.bias is None else output - layer.bias.view(shape)
    factor = weights @ change.gains
    return own * (factor.movedim(-1, 1) if axis == 1 else factor)
