"""The running half of `blend`: maps of who is looked at where, and adapters weighed by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.nn import functional

from engines.diffusion.composers._attention import Processor, attend, joined, processed, split
from engines.diffusion.composers._changes import Changes
from engines.diffusion.composers._places import GROUND, grids_of
from engines.diffusion.composers._voices import Memory, Voice, memories, repeated, voices_of
from engines.diffusion.sampling import Course, CourseOf, Guided
from engines.diffusion.stage import Stage


class Maps:
    """How much each cell of each picture belongs to each concept, shares that add up to 1.

    What is looked at in one step weighs the changes of the next; in the first all concepts are alike.

    Args:
        count: of concepts.
        latent_grid: height and width of the latents.
        sharpness: the power that shares are raised to.
    """

    def __init__(self, count: int, latent_grid: tuple[int, int], sharpness: float) -> None:
        self._count, self._grid, self._sharpness = count, latent_grid, sharpness
        self._grids = grids_of(latent_grid)
        self._noted: list[torch.Tensor] = []
        self._shares: torch.Tensor | None = None

    def begin(self) -> None:
        """New pictures."""
        self._noted, self._shares = [], None

    def note(self, looked: torch.Tensor) -> torch.Tensor:
        """Take in the attention (N, cells, n) that one layer pays to each concept; returns the shares it means there, likewise."""
        height, width = self._grids[looked.shape[1]]
        planes = looked.transpose(1, 2).reshape(-1, self._count, height, width)
        self._noted.append(functional.interpolate(planes, size=self._grid, mode="bilinear"))
        return self._shared(looked, axis=-1)

    def step(self) -> None:
        """The step is done: what was noted counts from now on."""
        self._shares = self._shared(torch.stack(self._noted).mean(dim=0), axis=1)
        self._noted = []

    def weights(self, cells: int, rows: int) -> torch.Tensor:
        """The shares of so many cells for the rows of a pass, (1 or rows, cells, n)."""
        if self._shares is None:
            return torch.full((1, cells, self._count), 1.0 / self._count)
        shares = functional.adaptive_avg_pool2d(self._shares, self._grids[cells]).flatten(2).transpose(1, 2)
        return shares.repeat(rows // shares.shape[0], 1, 1)

    def _shared(self, looked: torch.Tensor, axis: int) -> torch.Tensor:
        powers = looked.clamp_min(1e-8) ** self._sharpness
        return powers / powers.sum(dim=axis, keepdim=True)


@contextmanager
def blended(sharpness: float, stage: Stage) -> Iterator[CourseOf]:
    """The base with adapters that act where their words are looked at."""
    base, parts = stage.base, stage.parts()
    stage.generator.use(())
    composition = stage.composition
    with torch.no_grad(), ExitStack() as undo:
        told = (composition.negative, composition.prompt)
        voices = voices_of(stage, parts, dict.fromkeys(range(GROUND, len(parts)), told))
        maps = Maps(len(parts), stage.latent_grid, sharpness)
        processors = {
            attention: Blended(memory, voices, maps) for attention, memory in memories(base, parts, voices).items()
        }
        device = base.schedule.alphas_cumprod.device
        changes = Changes(base, parts, lambda cells, rows: maps.weights(cells, rows).to(device), lambda _: True)
        undo.callback(changes.remove)
        undo.enter_context(processed(processors))

        def begun(prompts: Sequence[str], _seeds: Sequence[int], /) -> Course:
            maps.begin()
            return BlendedCourse(stage, voices[GROUND], maps, len(prompts))

        yield begun


class BlendedCourse(Guided):
    """The usual guided course, which tells the maps when a step is done."""

    def __init__(self, stage: Stage, ground: Voice, maps: Maps, pictures: int) -> None:
        super().__init__(stage.base, *ground.halves(pictures), stage.how)
        self._maps = maps

    def predict(self, noisy: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """See `Course`."""
        predicted = super().predict(noisy, timestep)
        self._maps.step()
        return predicted


class Blended(Processor):
    """A cross-attention that answers as each adapter would, blended by how much each concept's words are looked at."""

    def __init__(self, memory: Memory, voices: Mapping[int, Voice], maps: Maps) -> None:
        self._memory, self._voices, self._maps = memory, voices, maps

    def answer(self, attention: Any, hidden_states: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - diffusers is untyped
        """See `Processor`."""
        queries = split(attention, attention.to_q(hidden_states))
        pictures = queries.shape[0] // self._memory[GROUND][0].shape[0]
        shares = self._maps.note(self._looked(queries[-pictures:])).to(queries.dtype)
        shares = shares.repeat(queries.shape[0] // pictures, 1, 1)
        plain = self._asked(queries, GROUND, pictures)
        found = plain
        for number in self._voices:
            if number != GROUND:
                found = found + shares[:, None, :, number, None] * (self._asked(queries, number, pictures) - plain)
        return joined(attention, found)

    def _asked(self, queries: torch.Tensor, number: int, pictures: int) -> torch.Tensor:
        keys, values = (repeated(states, pictures) for states in self._memory[number])
        return attend(queries, keys, values)

    def _looked(self, queries: torch.Tensor) -> torch.Tensor:
        """The base's attention to each concept's words, mean over heads and words: (N, cells, n)."""
        keys = self._memory[GROUND][0][-1:]
        attention = (queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5).softmax(dim=-1).mean(dim=1).float()
        named = torch.stack([voice.named[-1] for number, voice in self._voices.items() if number != GROUND]).float()
        looked: torch.Tensor = attention @ (named / named.sum(dim=1, keepdim=True).clamp_min(1.0)).T
        return looked
