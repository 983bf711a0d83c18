"""The running half of `regions`: what its settings mean for the denoiser.

What the concepts' words say does not change from step to step: their keys and values are computed once for every layer of the cross-attention,
and each cell asks those of its owner. So a step computes no more attention than an ordinary one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from engines.api.compose_words import echoed
from engines.diffusion.composers._attention import CROSS, SELF, attend, attentions, joined, processed, split
from engines.diffusion.composers._changes import Changes, pairs_by_site
from engines.diffusion.composers._noise import rearranged
from engines.diffusion.composers._places import GROUND, Places
from engines.diffusion.contracts import Site, TextStates
from engines.diffusion.exchange import Adapter
from engines.diffusion.exchange.adapter import LoraPair
from engines.diffusion.long_prompts import LongTexts
from engines.diffusion.placement import Placement, change_of
from engines.diffusion.sampling import Course, CourseOf, Guided
from engines.diffusion.stage import Part, Stage

if TYPE_CHECKING:
    from engines.diffusion.composers.regions import Regions
    from engines.diffusion.contracts import Base


@dataclass(frozen=True)
class Voice:
    """What one concept, or the ground, is told: rows are the negative words, where there are any, and the words.

    Attributes:
        text: text states of these rows.
        named: where the concept is named in them, (rows, L) bool; nowhere in the negative words.
    """

    text: TextStates
    named: torch.Tensor


class Moment:
    """What the processors must know of the step at work: how much noise is left, 1 to 0, and whether attention is noted down."""

    def __init__(self) -> None:
        self.noise = 1.0
        self.heard: dict[int, list[torch.Tensor]] | None = None


@contextmanager
def regional(settings: Regions, stage: Stage) -> Iterator[CourseOf]:
    """The base asked region by region."""
    base, parts = stage.base, stage.parts()
    stage.generator.use(())
    device = base.schedule.alphas_cumprod.device
    places = Places(stage.places(), stage.latent_grid, device)
    with torch.no_grad(), ExitStack() as undo:
        voices, moment = spoken(stage, parts, scene=settings.told == "scene"), Moment()
        processors: dict[Any, Any] = _cross_processors(base, parts, voices, places, moment, settings.enhancement)
        if settings.isolation and places.count > 1:
            processors |= {one: Isolated(places) for one in attentions(base.networks()["unet"], SELF).values()}
        changes = Changes(base, parts, lambda cells, _: places.weights(cells), _acting(settings.adapter == "whole"))
        undo.callback(changes.remove)
        undo.enter_context(processed(processors))

        def begun(prompts: Sequence[str], _seeds: Sequence[int], /) -> Course:
            return RegionalCourse(stage, voices, places, moment, len(prompts), arrange=settings.rearrange)

        yield begun


class RegionalCourse(Guided):
    """The usual guided course, which tells the processors how far it is and arranges the noise."""

    def __init__(
        self, stage: Stage, voices: dict[int, Voice], places: Places, moment: Moment, pictures: int, *, arrange: bool
    ) -> None:
        text = voices[GROUND].text
        rows = next(iter(text.values())).shape[0]
        whole = {name: _repeated(values, pictures) for name, values in text.items()}
        positive = {name: values[-pictures:] for name, values in whole.items()}
        negative = {name: values[:pictures] for name, values in whole.items()} if rows > 1 else None
        super().__init__(stage.base, positive, negative, stage.how)
        self._places, self._moment, self._arrange = places, moment, arrange
        self._last = stage.base.schedule.steps

    def begin(self, noise: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """See `Course`."""
        if not self._arrange:
            return noise
        self._moment.heard = {}
        try:
            self.predict(noise, timestep)
            return rearranged(noise, self._moment.heard, self._places)
        finally:
            self._moment.heard = None

    def predict(self, noisy: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """See `Course`."""
        self._moment.noise = float(timestep) / self._last
        return super().predict(noisy, timestep)


def spoken(stage: Stage, parts: Sequence[Part], *, scene: bool) -> dict[int, Voice]:
    """What each concept and the ground is told; sentences that no adapter reads otherwise are read together.

    Args:
        stage: the composition on its base.
        parts: its concepts.
        scene: whether concepts without words of their own are told the whole sentence with themselves in every place.
    """
    base, composition = stage.base, stage.composition
    asked: dict[int, tuple[str, ...]] = {GROUND: (composition.negative, composition.prompt)}
    for number, part in enumerate(parts):
        own = echoed(part.concept, composition) if scene and not part.concept.words.strip() else part.words
        asked[number] = (part.negative, own)
    if stage.how.guidance <= 1:
        asked = {number: texts[1:] for number, texts in asked.items()}
    together = LongTexts(base, [text for texts in asked.values() for text in texts])
    placement = Placement(base)
    voices = {}
    for number, texts in asked.items():
        reader = None if number == GROUND else _text_part(parts[number].adapter)
        if reader is None:
            found = together(texts)
        else:
            placement.use([(reader, parts[number].weight)])
            try:
                found = LongTexts(base, texts)(texts)
            finally:
                placement.clear()
        voices[number] = Voice(found, _named(base, found, None if number == GROUND else parts[number]))
    return voices


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


def _acting(whole: bool) -> Any:  # noqa: ANN401 - a predicate
    def acts(site: Site) -> bool:
        return whole or site.path.endswith(f"{CROSS}.to_out.0")

    return acts


def _repeated(values: torch.Tensor, pictures: int) -> torch.Tensor:
    """Each row once for each picture: (rows, ...) -> (rows x pictures, ...)."""
    return values.repeat_interleave(pictures, dim=0)


def _cross_processors(
    base: Base, parts: Sequence[Part], voices: dict[int, Voice], places: Places, moment: Moment, emphasis: float
) -> dict[Any, Spoken]:
    """A processor for every cross-attention, with the keys and values of all voices."""
    pairs = pairs_by_site(base, parts)
    found = {}
    for path, attention in attentions(base.networks()["unet"], CROSS).items():
        halves = {Site("unet", f"{path}.{half}"): getattr(attention, half) for half in ("to_k", "to_v")}
        memory = {
            number: [
                split(attention, _read(base, voice, layer, pairs.get(site, {}).get(number), parts[number]))
                for site, layer in halves.items()
            ]
            for number, voice in voices.items()
        }
        found[attention] = Spoken(memory, voices, places, moment, emphasis)
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


class Spoken:
    """A cross-attention in which every cell asks the words of its owner.

    Args:
        memory: keys and values (rows, heads, L, d) by voice.
        voices: who is told what.
        places: who owns which cells.
        moment: which step is at work.
        emphasis: how much more a concept's own words weigh.
    """

    def __init__(
        self,
        memory: dict[int, list[torch.Tensor]],
        voices: dict[int, Voice],
        places: Places,
        moment: Moment,
        emphasis: float,
    ) -> None:
        self._memory, self._voices, self._places = memory, voices, places
        self._moment, self._emphasis = moment, emphasis
        self._centred: dict[tuple[int, int], torch.Tensor] = {}

    def __call__(self, attention: Any, hidden_states: torch.Tensor, *_: object, **__: object) -> torch.Tensor:  # noqa: ANN401 - diffusers is untyped
        """Answer for cells (B, cells, d)."""
        queries = split(attention, attention.to_q(hidden_states))
        cells = hidden_states.shape[1]
        speakers = self._places.speakers(cells)
        if self._moment.heard is not None:
            self._note(queries, cells)
        if len(speakers) == 1:
            return joined(attention, self._asked(queries, speakers[0], cells))
        found = torch.empty_like(queries)
        for number in speakers:
            own = self._places.cells(cells, number)
            found[:, :, own] = self._asked(queries[:, :, own], number, cells)
        return joined(attention, found)

    def _asked(self, queries: torch.Tensor, number: int, cells: int) -> torch.Tensor:
        pictures = queries.shape[0] // self._memory[number][0].shape[0]
        keys, values = (_repeated(states, pictures) for states in self._memory[number])
        bias = self._bias(number, cells)
        return attend(queries, keys, values, None if bias is None else _repeated(bias, pictures))

    def _bias(self, number: int, cells: int) -> torch.Tensor | None:
        """More weight for the concept's own words in the middle of its place, less as the noise goes: (rows, 1, cells, L)."""
        strength = self._emphasis * self._moment.noise
        if number == GROUND or strength <= 0:
            return None
        if (number, cells) not in self._centred:
            centred, named = self._places.centred(cells, number), self._voices[number].named.float()
            self._centred[number, cells] = torch.einsum("rl,m->rml", named, centred)[:, None]
        return strength * self._centred[number, cells]

    def _note(self, queries: torch.Tensor, cells: int) -> None:
        """Write down how much each cell of each picture would look at each concept's words."""
        heard = self._moment.heard
        for number, (keys, _) in self._memory.items():
            if number == GROUND or heard is None:
                continue
            pictures = queries.shape[0] // keys.shape[0]
            logits = queries[-pictures:] @ keys[-1:].transpose(-1, -2) / queries.shape[-1] ** 0.5
            share = logits.softmax(dim=-1)[..., self._voices[number].named[-1]].sum(dim=-1).mean(dim=1)
            height, width = self._places.grid(cells)
            heard.setdefault(number, []).append(share.float().view(-1, height, width))


class Isolated:
    """A self-attention in which no concept's cells look at another's; the ground sees and is seen by all.

    Cells are asked group by group, each of those it may look at: fewer than an ordinary attention asks, and no mask is made.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._seen: dict[tuple[int, int], torch.Tensor] = {}

    def __call__(self, attention: Any, hidden_states: torch.Tensor, *_: object, **__: object) -> torch.Tensor:  # noqa: ANN401 - diffusers is untyped
        """Answer for cells (B, cells, d)."""
        projected = (attention.to_q, attention.to_k, attention.to_v)
        queries, keys, values = (split(attention, layer(hidden_states)) for layer in projected)
        cells = hidden_states.shape[1]
        speakers = self._places.speakers(cells)
        if len([number for number in speakers if number != GROUND]) < 2:
            return joined(attention, attend(queries, keys, values))
        found = torch.empty_like(queries)
        for number in speakers:
            own = self._places.cells(cells, number)
            if number == GROUND:
                found[:, :, own] = attend(queries[:, :, own], keys, values)
                continue
            seen = self._seen_by(number, cells)
            found[:, :, own] = attend(queries[:, :, own], keys[:, :, seen], values[:, :, seen])
        return joined(attention, found)

    def _seen_by(self, number: int, cells: int) -> torch.Tensor:
        if (number, cells) not in self._seen:
            owner = self._places.owners(cells)
            self._seen[number, cells] = ((owner == number) | (owner == GROUND)).nonzero().flatten()
        return self._seen[number, cells]
