"""The running half of `regions`: what its settings mean for the denoiser.

What the concepts' words say does not change from step to step: their keys and values are computed once for every layer of the cross-attention,
and each cell asks those of its owner. So a step computes no more attention than an ordinary one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch

from engines.api.compose_words import echoed
from engines.diffusion.composers._attention import CROSS, SELF, Processor, attend, attentions, joined, processed, split
from engines.diffusion.composers._changes import Changes
from engines.diffusion.composers._noise import rearranged
from engines.diffusion.composers._places import GROUND, Places
from engines.diffusion.composers._voices import Memory, Voice, memories, repeated, voices_of
from engines.diffusion.contracts import Site
from engines.diffusion.sampling import Course, CourseOf, Guided
from engines.diffusion.stage import Part, Stage

if TYPE_CHECKING:
    from engines.diffusion.composers.regions import Regions


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
        voices = voices_of(stage, parts, _asked(stage, parts, scene=settings.told == "scene"))
        moment = Moment()
        processors: dict[Any, Any] = {
            attention: Spoken(memory, voices, places, moment, settings.enhancement)
            for attention, memory in memories(base, parts, voices).items()
        }
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
        super().__init__(stage.base, *voices[GROUND].halves(pictures), stage.how)
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


def _asked(stage: Stage, parts: Sequence[Part], *, scene: bool) -> dict[int, tuple[str, str]]:
    """What each concept and the ground is told: negative words, and words; with `scene` the whole sentence with the concept in every place."""
    composition = stage.composition
    asked = {GROUND: (composition.negative, composition.prompt)}
    for number, part in enumerate(parts):
        own = echoed(part.concept, composition) if scene and not part.concept.words.strip() else part.words
        asked[number] = (part.negative, own)
    return asked


def _acting(whole: bool) -> Any:  # noqa: ANN401 - a predicate
    def acts(site: Site) -> bool:
        return whole or site.path.endswith(f"{CROSS}.to_out.0")

    return acts


class Spoken(Processor):
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
        memory: Memory,
        voices: dict[int, Voice],
        places: Places,
        moment: Moment,
        emphasis: float,
    ) -> None:
        self._memory, self._voices, self._places = memory, voices, places
        self._moment, self._emphasis = moment, emphasis
        self._centred: dict[tuple[int, int], torch.Tensor] = {}

    def answer(self, attention: Any, hidden_states: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - diffusers is untyped
        """See `Processor`."""
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
        keys, values = (repeated(states, pictures) for states in self._memory[number])
        bias = self._bias(number, cells)
        return attend(queries, keys, values, None if bias is None else repeated(bias, pictures))

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


class Isolated(Processor):
    """A self-attention in which no concept's cells look at another's; the ground sees and is seen by all.

    Cells are asked group by group, each of those it may look at: fewer than an ordinary attention asks, and no mask is made.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._seen: dict[tuple[int, int], torch.Tensor] = {}

    def answer(self, attention: Any, hidden_states: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - diffusers is untyped
        """See `Processor`."""
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
