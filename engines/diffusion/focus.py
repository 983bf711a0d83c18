"""Keeps a change of the cross-attention to the places of one word, and draws that word towards its class word; what TARA is made of.

The masks follow from the words that the denoiser is being told (`Backbone.told`), row by row: captions of one batch may differ, and the
half of a guided batch that hears other words, or none, is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from engines.diffusion.contracts import Backbone, TextStates
from engines.diffusion.exchange.adapter import Adapter

FOCUS = "lorikeet.focus"
"""Metadata of an adapter whose cross-attention part acts on this word alone."""


def focused(adapter: Adapter, word: str) -> Adapter:
    """The adapter with its cross-attention part kept to a word, or to none where the word is empty."""
    return replace(adapter, metadata={**adapter.metadata, FOCUS: word})


class Focus:
    """The places of one word in what the denoiser is told, found anew before each of its passes.

    Attributes:
        mask: 1 at the word's places in the words of the moment, else 0: (N, L, 1).
    """

    def __init__(self, backbone: Backbone, word: str) -> None:
        self._backbone, self._word = backbone, word
        self.mask = torch.empty(0)
        self._ears = backbone.networks()["unet"].register_forward_pre_hook(self._hear)

    def masked(self, _module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        """A forward hook: the output (N, L, d) at the word's places, zeros elsewhere."""
        return output * self.mask.to(output.dtype)

    def remove(self) -> None:
        """Listen no longer."""
        self._ears.remove()

    def _hear(self, _denoiser: torch.nn.Module, _inputs: object) -> None:
        self.mask = self._backbone.word_places(self._backbone.told, self._word).unsqueeze(-1)


class Alignment:
    """The alignment error: mean |adapted key of the trigger - base key of the class word| over the key layers.

    Keys depend on the words alone, so no pass through the denoiser is needed. The words' states are averaged over the pieces of each
    word. Captions that lack one of the two words do not count: they weigh nothing instead of being picked out, for which the device would
    have to be waited for in every step.
    """

    def __init__(self, backbone: Backbone, keys: Sequence[Any], trigger: str, class_noun: str, weight: float) -> None:
        self._backbone, self._keys, self._weight = backbone, keys, weight
        self._trigger, self._class_noun = trigger, class_noun

    def __call__(self, text: TextStates) -> torch.Tensor | None:
        """The weighted error of a batch's words, a scalar, 0 when no caption holds both; None where there is no class word."""
        if not self._class_noun:
            return None
        own = self._backbone.word_places(text, self._trigger)
        kind = self._backbone.word_places(text, self._class_noun) & ~own
        counts = (own.any(dim=1) & kind.any(dim=1)).float()
        word, noun = _mean_at(text["hidden"], own), _mean_at(text["hidden"], kind)
        errors = torch.stack([_key_error(layer, word, noun) for layer in self._keys]).mean(dim=0)
        return self._weight * (errors * counts).sum() / counts.sum().clamp_min(1.0)


def _mean_at(hidden: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Mean over the marked places: hidden (N, L, D), places (N, L) bool -> (N, D); zeros where none is marked."""
    share = places.to(hidden.dtype)
    return torch.einsum("nld,nl->nd", hidden, share) / share.sum(dim=1, keepdim=True).clamp_min(1.0)


def _key_error(layer: Any, word: torch.Tensor, noun: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - peft is untyped
    """The error of each row, (N,), in one key layer; word and noun (N, D)."""
    (name,) = layer.lora_A
    down, up, scale = layer.lora_A[name].weight, layer.lora_B[name].weight, float(layer.scaling[name])
    base = layer.base_layer.weight
    gap = torch.nn.functional.linear((word - noun).to(base.dtype), base).float()
    change = scale * torch.nn.functional.linear(torch.nn.functional.linear(word.float(), down), up)
    return (gap + change).abs().mean(dim=-1)
