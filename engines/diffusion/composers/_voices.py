"""Who is told what, and how it is read: the text states of concepts and ground, and the keys and values that each adapter makes of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from engines.diffusion.composers._attention import CROSS, attentions, split
from engines.diffusion.composers._changes import pairs_by_site
from engines.diffusion.composers._places import GROUND
from engines.diffusion.contracts import Base, Site, TextStates
from engines.diffusion.exchange import Adapter
from engines.diffusion.exchange.adapter import LoraPair
from engines.diffusion.long_prompts import LongTexts
from engines.diffusion.placement import Placement, change_of
from engines.diffusion.stage import Part, Stage

Memory = dict[int, list[torch.Tensor]]
"""Keys and values (rows, heads, L, d) of one attention by voice."""


@dataclass(frozen=True)
class Voice:
    """What one concept, or the ground, is told: rows are the negative words, where there are any, and the words.

    Attributes:
        text: text states of these rows.
        named: where the concept is named in them, (rows, L) bool; nowhere in the negative words.
    """

    text: TextStates
    named: torch.Tensor

    def halves(self, pictures: int) -> tuple[TextStates, TextStates | None]:
        """The words and the negative words, where there are any, each once for every picture."""
        rows = {name: repeated(values, pictures) for name, values in self.text.items()}
        negative = {name: values[:pictures] for name, values in rows.items()} if len(self.named) > 1 else None
        return {name: values[-pictures:] for name, values in rows.items()}, negative


def voices_of(stage: Stage, parts: Sequence[Part], asked: Mapping[int, tuple[str, str]]) -> dict[int, Voice]:
    """What each concept (by its number) and the ground hears; sentences that no adapter reads otherwise are read together.

    Args:
        stage: the composition on its base.
        parts: its concepts.
        asked: the negative words and the words of each.
    """
    base = stage.base
    texts = {number: both if stage.how.guidance > 1 else both[1:] for number, both in asked.items()}
    together = LongTexts(base, [text for one in texts.values() for text in one])
    placement = Placement(base)
    voices = {}
    for number, told in texts.items():
        part = None if number == GROUND else parts[number]
        reader = _text_part(None if part is None else part.adapter)
        if reader is None or part is None:
            found = together(told)
        else:
            placement.use([(reader, part.weight)])
            try:
                found = LongTexts(base, told)(told)
            finally:
                placement.clear()
        voices[number] = Voice(found, _named(base, found, part))
    return voices


def memories(base: Base, parts: Sequence[Part], voices: Mapping[int, Voice]) -> dict[Any, Memory]:
    """Keys and values of all voices, for every cross-attention."""
    pairs = pairs_by_site(base, parts)
    found = {}
    for path, attention in attentions(base.networks()["unet"], CROSS).items():
        halves = {Site("unet", f"{path}.{half}"): getattr(attention, half) for half in ("to_k", "to_v")}
        found[attention] = {
            number: [
                split(attention, _read(base, voice, layer, pairs.get(site, {}).get(number), parts[number]))
                for site, layer in halves.items()
            ]
            for number, voice in voices.items()
        }
    return found


def repeated(values: torch.Tensor, pictures: int) -> torch.Tensor:
    """Each row once for each picture: (rows, ...) -> (rows x pictures, ...)."""
    return values.repeat_interleave(pictures, dim=0)


def _text_part(adapter: Adapter | None) -> Adapter | None:
    """What of an adapter changes how words are read; None where nothing does."""
    if adapter is None:
        return None
    modules = {name: pair for name, pair in adapter.modules.items() if name.startswith("text_encoder")}
    return replace(adapter, modules=modules) if modules or adapter.words else None


def _named(base: Base, text: TextStates, part: Part | None) -> torch.Tensor:
    """Where a concept's words stand, in the words but not in the negative ones; nowhere for the ground."""
    found = torch.zeros(text["hidden"].shape[:2], dtype=torch.bool, device=text["hidden"].device)
    for word in () if part is None else (part.concept.trigger.strip(), part.concept.class_noun.strip()):
        if word:
            found |= base.word_places(text, word)
    found[:-1] = False
    return found


def _read(base: Base, voice: Voice, layer: Any, pair: LoraPair | None, part: Part) -> torch.Tensor:  # noqa: ANN401 - a layer
    """Keys or values of what a voice is told, read by its own adapter, at its own word alone where it is token-aware."""
    hidden = voice.text["hidden"].to(layer.weight.dtype)
    plain: torch.Tensor = layer(hidden)
    if pair is None:
        return plain
    change = torch.nn.functional.linear(hidden, change_of(pair, layer.weight, part.weight).to(hidden.dtype))
    if part.focus:
        change = change * base.word_places(voice.text, part.focus).unsqueeze(-1).to(change.dtype)
    return plain + change
