"""Puts finished adapters into a base model's weights and takes them out again, exactly.

For making pictures an adapter need not stay apart: its change is added to the weights of the layers it acts on, so pictures cost what the base's
cost. The weights as they were are kept and put back, never computed back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from engines.diffusion.contracts import Base
from engines.diffusion.exchange.adapter import Adapter, LoraPair, check_fit, in_memory


class Placement:
    """The adapters in one base model."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._originals: dict[tuple[str, str], torch.Tensor] = {}

    def use(self, adapters: Sequence[tuple[Adapter, float]]) -> None:
        """Make the base act with exactly these adapters, each at its strength; changes add up.

        Raises:
            AdapterError: one of them does not fit; then nothing is changed.
        """
        for adapter, _ in adapters:
            check_fit(adapter, self._base)
        self.clear()
        networks = self._base.networks()
        with torch.no_grad():
            for adapter, strength in adapters:
                for name, pair in adapter.modules.items():
                    site = in_memory(name, networks)
                    layer: Any = networks[site.network].get_submodule(site.path)
                    place = (site.network, site.path)
                    original = self._originals.setdefault(place, layer.weight.data)
                    change = change_of(pair, original, strength)
                    layer.weight.data = (layer.weight.data.float() + change).to(original.dtype)

    def clear(self) -> None:
        """Put the base's own weights back."""
        networks = self._base.networks()
        for (network, path), original in self._originals.items():
            networks[network].get_submodule(path).weight.data = original
        self._originals.clear()


def change_of(pair: LoraPair, weight: torch.Tensor, strength: float = 1.0) -> torch.Tensor:
    """What a pair adds to a weight at a strength, in the weight's shape and on its device, fp32.

    With a magnitude m (DoRA) the changed weight is m (W + delta) / |W + delta|, norms by output.
    """
    flat = weight.float().flatten(1)
    delta = strength * pair.delta().to(weight.device)
    if pair.dora is not None:
        changed = flat + delta
        magnitude = pair.dora.to(weight.device) / changed.norm(dim=1)
        delta = magnitude[:, None] * changed - flat
    return delta.view_as(weight)
