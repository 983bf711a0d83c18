"""Puts finished adapters into a base model's weights and takes them out again, exactly.

For making pictures an adapter need not stay apart: its change is added to the weights of the layers it acts on, so pictures cost what the base's
cost. The weights as they were are kept and put back, never computed back.

What a token-aware adapter changes in the cross-attention holds for its own word alone and cannot be put into weights: it is added to the
layer's output, at the places of that word. What a membrane of an eraser changes holds as far as the prompt of the moment lets it, and is added likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from engines.diffusion.contracts import Base, Site
from engines.diffusion.exchange.adapter import Adapter, LoraPair, check_fit, in_memory
from engines.diffusion.focus import FOCUS, Focus
from engines.diffusion.gates import Gate, adding
from engines.diffusion.trained_word import shifts_of
from engines.diffusion.transport import Transport, membranes_of


class Placement:
    """The adapters in one base model."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._originals: dict[tuple[str, str], torch.Tensor] = {}
        self._live: list[Any] = []

    def use(self, adapters: Sequence[tuple[Adapter, float]]) -> None:
        """Make the base act with exactly these adapters, each at its strength; changes add up.

        Raises:
            AdapterError: one of them does not fit; then nothing is changed.
        """
        for adapter, _ in adapters:
            check_fit(adapter, self._base)
            membranes_of(adapter)
        shifts = _shifts(self._base, adapters)
        self.clear()
        self._base.shift_words(shifts)
        networks, context = self._base.networks(), frozenset(self._base.context_linears())
        with torch.no_grad():
            # Membranes last: they ask the text encoder once, which others may change.
            for adapter, strength in sorted(adapters, key=lambda one: bool(membranes_of(one[0]))):
                gate = self._gate(adapter)
                for name, pair in adapter.modules.items():
                    site = in_memory(name, networks)
                    if gate is not None and (isinstance(gate, Transport) or site in context):
                        self._add(site, pair, strength, gate)
                    else:
                        self._merge(site, pair, strength)

    def clear(self) -> None:
        """Put the base's own weights back."""
        for hook in self._live:
            hook.remove()
        self._live.clear()
        self._base.shift_words({})
        networks = self._base.networks()
        for (network, path), original in self._originals.items():
            networks[network].get_submodule(path).weight.data = original
        self._originals.clear()

    def _merge(self, site: Site, pair: LoraPair, strength: float) -> None:
        """Put a change into a layer's weights."""
        layer: Any = self._base.networks()[site.network].get_submodule(site.path)
        original = self._originals.setdefault((site.network, site.path), layer.weight.data)
        change = change_of(pair, original, strength)
        layer.weight.data = (layer.weight.data.float() + change).to(original.dtype)

    def _add(self, site: Site, pair: LoraPair, strength: float, gate: Gate) -> None:
        """Add a change (without magnitude) to a layer's output, as far as the gate lets it."""
        layer: Any = self._base.networks()[site.network].get_submodule(site.path)
        down = pair.down.to(layer.weight.device, layer.weight.dtype)
        up = (strength * pair.scale * pair.up.float()).to(layer.weight.device, layer.weight.dtype)
        self._live.append(layer.register_forward_hook(adding(down, up, gate)))

    def _gate(self, adapter: Adapter) -> Focus | Transport | None:
        """What lets an adapter act on some words only, listening from now on; None for one that acts on all."""
        marks, word = membranes_of(adapter), adapter.metadata.get(FOCUS, "").strip()
        gate: Focus | Transport
        if marks:
            gate = Transport(self._base, marks)
        elif word and "context_linears" in self._base.abilities:
            gate = Focus(self._base, word)
        else:
            return None
        self._live.append(gate)
        return gate


def _shifts(base: Base, adapters: Sequence[tuple[Adapter, float]]) -> dict[str, list[torch.Tensor]]:
    """The shifts of all taught words; those of one word add up."""
    whole: dict[str, list[torch.Tensor]] = {}
    for adapter, strength in adapters:
        for word, parts in shifts_of(base, adapter.words, strength).items():
            whole[word] = (
                [sum(pair, torch.zeros(())) for pair in zip(whole[word], parts, strict=True)]
                if word in whole
                else parts
            )
    return whole


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
