"""What a way to compose works with: the warm base, the concepts with their adapters, words and places, and how pictures are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from engines.api.compose import Composition, Concept
from engines.api.compose_words import own_negative, own_words
from engines.api.errors import SettingsError
from engines.api.uses import AdapterUse
from engines.diffusion.contracts import Base
from engines.diffusion.exchange import Adapter
from engines.diffusion.focus import FOCUS
from engines.diffusion.generate import Generator
from engines.diffusion.long_prompts import LongTexts
from engines.diffusion.sampling import Course, Guided, Sampling
from engines.launch.composing import visible
from projects.errors import ImportFailure
from projects.pixels import read

_FINEST = 64
"""Cells along the picture's longer side at least, when a place is drawn."""


@dataclass(frozen=True)
class Part:
    """One concept with what it brings.

    Attributes:
        concept: as it was asked for.
        adapter: None where it brings none; `weight` its strength.
        words: what its own place is told, `negative` what it shall not show.
        focus: the word its adapter keeps to, empty for all.
    """

    concept: Concept
    adapter: Adapter | None
    weight: float
    words: str
    negative: str
    focus: str


@dataclass(frozen=True)
class Stage:
    """One composition on an open base.

    Attributes:
        generator: keeps the base warm and knows which adapters are in its weights.
        composition: the recipe.
        how: sampling with the base's own values put in.
    """

    generator: Generator
    composition: Composition
    how: Sampling

    @classmethod
    def of(cls, generator: Generator, composition: Composition, *, steps: int = 0) -> Stage:
        """A stage on the generator's base; `steps` instead of the composition's."""
        asked = Sampling(
            steps=steps or composition.steps,
            guidance=composition.guidance,
            negative=composition.negative,
            width=composition.width,
            height=composition.height,
        )
        return cls(generator, composition, asked.resolved(generator.base))

    @property
    def base(self) -> Base:
        """The open base model."""
        return self.generator.base

    @property
    def latent_grid(self) -> tuple[int, int]:
        """Height and width of the latents."""
        factor = self.base.info.latent_factor
        return self.how.height // factor, self.how.width // factor

    def uses(self, focus: Callable[[Concept], str | None]) -> list[AdapterUse]:
        """The adapters of all concepts, each file once, kept to the words that `focus` gives."""
        found = {
            concept.adapter.file: concept.adapter.model_copy(update={"focus": focus(concept)})
            for concept in reversed(self.composition.concepts)
            if concept.adapter is not None
        }
        return list(reversed(found.values()))

    def parts(self) -> list[Part]:
        """The concepts in order, their adapters read.

        Raises:
            AdapterError: one cannot be read.
        """
        return [self._part(concept) for concept in self.composition.concepts]

    def guided(self, prompts: Sequence[str], seeds: Sequence[int]) -> Course:  # noqa: ARG002 - a `CourseOf`
        """The usual course, with prompts of any length."""
        texts = LongTexts(self.base, [*prompts, self.how.negative])
        return Guided.by(self.base, texts, prompts, self.how)

    def places(self) -> list[torch.Tensor]:
        """Where each concept shall be: (H, W) bool on the CPU, of the picture's shape but coarser; before any is laid over another.

        Raises:
            SettingsError: a mask cannot be read or is black.
        """
        shape = self._shape()
        return [_place(concept, shape) for concept in self.composition.concepts]

    def _shape(self) -> tuple[int, int]:
        height, width = self.latent_grid
        finer = max(1, -(-_FINEST // max(height, width)))
        return height * finer, width * finer

    def _part(self, concept: Concept) -> Part:
        use = concept.adapter
        adapter = None if use is None else self.generator.read(use)
        words = own_words(concept, self.composition), own_negative(concept, self.composition)
        word = "" if adapter is None else adapter.metadata.get(FOCUS, "").strip()
        return Part(concept, adapter, 0.0 if use is None else use.weight, *words, word)


def _place(concept: Concept, shape: tuple[int, int]) -> torch.Tensor:
    """A concept's mask or box on a grid (H, W), at least one cell; all of it where there is neither."""
    if concept.mask:
        return read_mask(Path(concept.mask), shape, concept.name) > 0.5
    found = torch.zeros(shape, dtype=torch.bool)
    left, top, right, bottom = visible(concept.box or (0.0, 0.0, 1.0, 1.0))
    rows, columns = _cells(top, bottom, shape[0]), _cells(left, right, shape[1])
    found[rows, columns] = True
    return found


def _cells(first: float, last: float, count: int) -> slice:
    begin = min(count - 1, round(first * count))
    return slice(begin, max(begin + 1, round(last * count)))


def read_mask(file: Path, shape: tuple[int, int], name: str, *, cut: bool = False) -> torch.Tensor:
    """A grey picture as shares of white (H, W), fp32: stretched to the shape, or with `cut` cut to it in the middle.

    Raises:
        SettingsError: it cannot be read, or nothing in it is white.
    """
    try:
        grey = read(file).rgb.convert("L")
    except ImportFailure as error:
        title = f"The mask of “{name}” cannot be read"
        raise SettingsError(title, str(error), "Draw it anew.") from error
    size, how = (shape[1], shape[0]), Image.Resampling.BOX
    fitted = ImageOps.fit(grey, size, how) if cut else grey.resize(size, how)
    values = torch.from_numpy(np.asarray(fitted).copy()).float() / 255
    if not bool((values > 0.5).any()):
        title = f"The mask of “{name}” is empty"
        raise SettingsError(title, "Nothing in it is white enough to be seen.", "Paint its place.")
    return values
