"""Keeps a change of the cross-attention to the places of one word, and draws that word towards its class word; what TARA is made of.

The masks follow from the words that the denoiser is being told (`Backbone.told`), row by row: captions of one batch may differ, and the
half of a guided batch that hears other words, or none, is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from engines.diffusion.contracts import Backbone, TextStates

FOCUS = "lorikeet.focus"
"""Metadata of an adapter whose cross-attention part acts on this word alone."""


class Focus:
    """The places of one word in what the denoiser is told."""

    def __init__(self, backbone: Backbone, word: str) -> None:
        self._backbone, self._word = backbone, word
        self._told: TextStates | None = None
        self._mask = torch.empty(0)

    def mask(self) -> torch.Tensor:
        """1 at the word's places in the words of the moment, else 0: (N, L, 1)."""
        told = self._backbone.told
        if self._told is not told:  # asked by every layer of one pass
            self._told = told
            self._mask = self._backbone.word_places(told, self._word).unsqueeze(-1)
        return self._mask

    def masked(self, _module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        """A forward hook: the output (N, L, d) at the word's places, zeros elsewhere."""
        return output * self.mask().to(output.dtype)


class Alignment:
    """The alignment error: mean |adapted key of the trigger - base key of the class word| over the key layers.

    Keys depend on the words alone, so no pass through the denoiser is needed. The words' states are averaged over the pieces of each
    word; captions that lack one of the two words do not count.
    """

    def __init__(self, backbone: Backbone, keys: Sequence[Any], trigger: str, class_noun: str, weight: float) -> None:
        self._backbone, self._keys, self._weight = backbone, keys, weight
        self._trigger, self._class_noun = trigger, class_noun

    def __call__(self, text: TextStates) -> torch.Tensor | None:
        """The weighted error of a batch's words, a scalar, or None when no caption holds both words."""
        if not self._class_noun:
            return None
        own = self._backbone.word_places(text, self._trigger)
        kind = self._backbone.word_places(text, self._class_noun) & ~own
        rows = own.any(dim=1) & kind.any(dim=1)
        if not bool(rows.any()):
            return None
        hidden = text["hidden"][rows]
        word, noun = _mean_at(hidden, own[rows]), _mean_at(hidden, kind[rows])
        errors = [_key_error(layer, word, noun) for layer in self._keys]
        return self._weight * torch.stack(errors).mean()


def _mean_at(hidden: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Mean over the marked places: hidden (N, L, D), places (N, L) bool -> (N, D)."""
    share = places.to(hidden.dtype)
    return torch.einsum("nld,nl->nd", hidden, share) / share.sum(dim=1, keepdim=True)


def _key_error(layer: Any, word: torch.Tensor, noun: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - peft is untyped
    (name,) = layer.lora_A
    down, up, scale = layer.lora_A[name].weight, layer.lora_B[name].weight, float(layer.scaling[name])
    base = layer.base_layer.weight
    gap = torch.nn.functional.linear((word - noun).to(base.dtype), base).float()
    change = scale * torch.nn.functional.linear(torch.nn.functional.linear(word.float(), down), up)
    return (gap + change).abs().mean()
