"""Pairs that do not begin at zero: they take their first values from the weights they change, and what they began with is taken off again.

PiSSA (Meng et al. 2024) begins with the weight's largest singular directions, OLoRA (Büyükakyüz 2024) with an orthonormal basis of it. Both papers
take the beginning out of the frozen weight, W = (W - s B_0 A_0) + s B A. Here the weight stays as it is and s B_0 A_0 is taken off beside s B A: the
same function and the same gradients, but nothing changes before the first step to the last bit, the base model can still be asked, and the
change is what it is elsewhere too, the pair [B, -B_0], [A; A_0] of twice the rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from engines.diffusion.contracts import Site
from engines.diffusion.exchange.adapter import LoraPair


class Start:
    """What one pair began with.

    Attributes:
        down: the first half as it was (r, in), and `up` the second (out, r).

    Args:
        first: the module of the first half; it is listened to, since both take the same input.
        second: the module of the second half; its answer is the difference from now on.
    """

    def __init__(self, first: nn.Linear, second: nn.Linear) -> None:
        self.down, self.up = first.weight.detach().clone(), second.weight.detach().clone()
        self._inner: torch.Tensor | None = None
        self._hooks = (first.register_forward_hook(self._heard), second.register_forward_hook(self._answered))

    def remove(self) -> None:
        """Take nothing off any more."""
        for hook in self._hooks:
            hook.remove()

    def taken_off(self, pair: LoraPair) -> LoraPair:
        """The pair without its beginning, of twice the rank; the scale stays."""
        down, up = self.down.to("cpu", torch.float32), self.up.to("cpu", torch.float32)
        return LoraPair(torch.cat([pair.down, down]), torch.cat([pair.up, -up], dim=1), 2 * pair.alpha)

    def become(self, pair: LoraPair) -> LoraPair:
        """Take the beginning that `taken_off` put into a pair, and give back the rest of it."""
        rank = pair.rank // 2
        with torch.no_grad():
            self.down.copy_(pair.down[rank:])
            self.up.copy_(-pair.up[:, rank:])
        return LoraPair(pair.down[:rank], pair.up[:, :rank], pair.alpha / 2)

    def _heard(self, _module: nn.Module, inputs: tuple[torch.Tensor, ...], _output: torch.Tensor) -> None:
        self._inner = nn.functional.linear(inputs[0], self.down)

    def _answered(self, _module: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        assert self._inner is not None  # noqa: S101 - the first half is always asked before the second
        inner, self._inner = self._inner, None
        return output - nn.functional.linear(inner, self.up)


@contextmanager
def weights_kept(layers: Iterable[nn.Module]) -> Iterator[None]:
    """The weights of these layers, which peft changes when it takes a beginning out of them, are put back afterwards."""
    changed: list[Any] = list(layers)
    kept = [(layer, layer.weight.detach().clone()) for layer in changed]
    try:
        yield
    finally:
        for layer, weight in kept:
            layer.weight.data = weight


def starts_of(layers: Mapping[Site, Any], slot: str) -> dict[Site, Start]:
    """The beginnings of peft's layers as they stand, for the adapter of this name."""
    return {site: Start(layer.lora_A[slot], layer.lora_B[slot]) for site, layer in layers.items()}
