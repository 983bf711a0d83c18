"""A trigger word whose own vectors are learned (Textual Inversion, Gal et al. 2022), as one more part of an adapter.

The word keeps its spelling and its pieces; what is learned is a shift of the vector of each piece, from zero. So the model is unchanged at the
first step, no token is added, and nothing but this word can change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from engines.api.errors import AdapterError, SettingsError
from engines.core.contracts import ParameterGroup
from engines.diffusion.contracts import Backbone

GROUP = "word"
_STEP = 0.05
"""How far one step moves a vector, as a share of its size: vectors of different text encoders differ in scale, rates follow."""


class TrainedWord:
    """The vectors of one word in every text encoder, while they are learned."""

    def __init__(self, backbone: Backbone, word: str) -> None:
        """Put shifts of zero under a word.

        Raises:
            SettingsError: the word is empty or a text encoder cannot spell it.
        """
        self.word = word
        self._base = [vectors.clone() for vectors in backbone.word_vectors(word)]
        if not word or any(not len(vectors) for vectors in self._base):
            title = "There is no word to teach"
            what = f"“{word}” cannot be spelt by the base model." if word else "The subject has no trigger word."
            raise SettingsError(title, what, "Give it a trigger word of plain letters, such as “tobi”.")
        self._shifts = [nn.Parameter(torch.zeros_like(vectors)) for vectors in self._base]
        backbone.shift_words({word: self._shifts})

    def group(self) -> ParameterGroup:
        """What trains, at a rate that suits the size of the vectors."""
        size = torch.cat([vectors.flatten() for vectors in self._base]).square().mean().sqrt()
        return ParameterGroup(GROUP, list(self._shifts), _STEP * float(size))

    def named(self) -> Mapping[str, nn.Parameter]:
        """Parameters by stable names."""
        return {f"word.{number}": shift for number, shift in enumerate(self._shifts)}

    def vectors(self) -> Mapping[str, Sequence[torch.Tensor]]:
        """The word's whole vectors (k, D) for each text encoder as they stand, fp32 on the CPU."""
        whole = [(base + shift.detach()).cpu() for base, shift in zip(self._base, self._shifts, strict=True)]
        return {self.word: whole}

    def start_from(self, words: Mapping[str, Sequence[torch.Tensor]]) -> None:
        """Begin with vectors that were learned before; raises AdapterError when they do not fit."""
        for known in words.get(self.word, ()) and zip(words[self.word], self._base, self._shifts, strict=True):
            vectors, base, shift = known
            if vectors.shape != base.shape:
                title = "The adapter cannot be taught further with these settings"
                raise AdapterError(
                    title, f"Its word “{self.word}” is spelt otherwise.", "It was made for another base model."
                )
            with torch.no_grad():
                shift.copy_(vectors.to(base.device) - base)


def shifts_of(
    backbone: Backbone, words: Mapping[str, Sequence[torch.Tensor]], strength: float
) -> dict[str, list[torch.Tensor]]:
    """How far learned vectors lie from the base model's own, times a strength.

    Raises:
        AdapterError: the base model spells a word otherwise, or has other vectors.
    """
    found = {}
    for word, vectors in words.items():
        own = backbone.word_vectors(word)
        if [tuple(one.shape) for one in own] != [tuple(one.shape) for one in vectors]:
            title = "The adapter does not fit the base model"
            raise AdapterError(title, f"Its word “{word}” is spelt otherwise there.", "It was made for another base.")
        found[word] = [strength * (one.to(base.device) - base) for one, base in zip(vectors, own, strict=True)]
    return found
