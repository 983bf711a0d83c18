"""The running half of `free_custom`: reference pictures that run beside the picture, and a self-attention that sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional

from engines.api.compose import Concept
from engines.api.compose_words import called
from engines.api.errors import SettingsError
from engines.api.prompts import with_article
from engines.diffusion.composers._attention import SELF, Processor, attend, attentions, joined, processed, split
from engines.diffusion.composers._places import grids_of
from engines.diffusion.long_prompts import LongTexts
from engines.diffusion.sampling import Course, CourseOf, Guided
from engines.diffusion.stage import Stage, read_mask
from projects.errors import ImportFailure
from projects.pixels import read

_BLOCKS = 2
"""Of the blocks that enlarge again and have attention, so many of the last take part: in Stable Diffusion 1.5 the paper's layers 10 to 15."""


class Masks:
    """The cut-outs of all references at every size: which of their cells may be seen."""

    def __init__(self, cutouts: Sequence[torch.Tensor], latent_grid: tuple[int, int], device: torch.device) -> None:
        self._planes = torch.stack(list(cutouts))[:, None]
        self._grids, self._device = grids_of(latent_grid), device
        self._seen: dict[int, torch.Tensor] = {}

    def seen(self, cells: int) -> torch.Tensor:
        """Numbers of the cells inside, counted through all references one after the other."""
        if cells not in self._seen:
            planes = functional.interpolate(self._planes, size=self._grids[cells], mode="nearest")
            self._seen[cells] = (planes.flatten() > 0.5).nonzero().flatten().to(self._device)
        return self._seen[cells]


@contextmanager
def referring(strength: float, stage: Stage) -> Iterator[CourseOf]:
    """The base whose later layers see the concepts' pictures."""
    base, concepts = stage.base, stage.composition.concepts
    stage.generator.use(stage.uses(focus=lambda _: None))
    shown = [_shown(concept, (stage.how.height, stage.how.width)) for concept in concepts]
    device = base.schedule.alphas_cumprod.device
    latents, _ = base.encode_pixels(torch.stack([pixels for pixels, _ in shown]))
    masks = Masks([cutout for _, cutout in shown], stage.latent_grid, device)
    layers = _later(attentions(base.networks()["unet"], SELF))
    referred = Referred(masks, len(concepts), strength, guided=stage.how.guidance > 1)

    def begun(prompts: Sequence[str], _seeds: Sequence[int], /) -> Course:
        return Beside(stage, prompts, latents)

    with processed(dict.fromkeys(layers, referred)):
        yield begun


class Beside(Guided):
    """The usual guided course with the references as further rows of every pass; what is said of them is left aside."""

    def __init__(self, stage: Stage, prompts: Sequence[str], references: torch.Tensor) -> None:
        said = [with_article(called(concept)) for concept in stage.composition.concepts]
        texts = LongTexts(stage.base, [*prompts, stage.how.negative, *said])
        negative = texts([stage.how.negative] * len(prompts)) if stage.how.guidance > 1 else None
        super().__init__(stage.base, texts(prompts), negative, stage.how)
        own = texts(said)
        self.text = {name: torch.cat([values, own[name]]) for name, values in self.text.items()}
        self._stage, self._references = stage, references

    def predict(self, noisy: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """See `Course`."""
        rows = torch.cat([*([noisy] * self.copies), self._noised(timestep).to(noisy.dtype)])
        predicted = self._stage.base.predict(rows, timestep.expand(rows.shape[0]), self.text).float()
        predicted = predicted[: -len(self._references)]
        return self.guided(predicted) if self.copies > 1 else predicted

    def _noised(self, timestep: torch.Tensor) -> torch.Tensor:
        """The references with as much noise as the picture has, drawn anew for every step and the same every time."""
        schedule = self._stage.base.schedule
        number = int(timestep.round().clamp(0, schedule.steps - 1)) if timestep.is_floating_point() else int(timestep)
        noise = torch.randn(self._references.shape, generator=torch.Generator().manual_seed(number))
        times = torch.full((len(self._references),), number, device=self._references.device)
        return schedule.add_noise(self._references, noise.to(self._references.device), times)


class Referred(Processor):
    """A self-attention in which pictures also see the references; the negative half and the references see themselves alone."""

    def __init__(self, masks: Masks, references: int, strength: float, *, guided: bool) -> None:
        self._masks, self._references, self._strength, self._guided = masks, references, strength, guided

    def answer(self, attention: Any, hidden_states: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - diffusers is untyped
        """See `Processor`; rows are the negative half, pictures, references."""
        projected = (attention.to_q, attention.to_k, attention.to_v)
        queries, keys, values = (split(attention, layer(hidden_states)) for layer in projected)
        found = attend(queries, keys, values)
        last = len(hidden_states) - self._references
        first = last // 2 if self._guided else 0
        seen = self._masks.seen(hidden_states.shape[1])
        if len(seen):
            own = [self._beside(states[first:last], states[last:], seen) for states in (keys, values)]
            found[first:last] = attend(queries[first:last], own[0], own[1], self._bias(queries, len(seen)))
        return joined(attention, found)

    @staticmethod
    def _beside(own: torch.Tensor, references: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """States (N, heads, cells, d) with those of the references' seen cells behind."""
        others = references.transpose(0, 1).flatten(1, 2)[:, seen]
        return torch.cat([own, others.expand(len(own), -1, -1, -1)], dim=2)

    def _bias(self, queries: torch.Tensor, seen: int) -> torch.Tensor | None:
        if not self._strength:
            return None
        bias = queries.new_zeros(1, 1, 1, queries.shape[2] + seen)
        bias[..., queries.shape[2] :] = self._strength
        return bias


def _later(layers: dict[str, Any]) -> list[Any]:
    """The attentions of the last blocks that enlarge."""
    blocks = sorted({path.split(".")[1] for path in layers if path.startswith("up_blocks.")}, key=int)[-_BLOCKS:]
    return [
        layer for path, layer in layers.items() if path.split(".")[:1] == ["up_blocks"] and path.split(".")[1] in blocks
    ]


def _shown(concept: Concept, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """A concept's picture (3, H, W) in -1..1 and its cut-out (H, W), both cut to the size in the middle.

    Raises:
        SettingsError: one cannot be read, or nothing is white.
    """
    wide = (size[1], size[0])
    try:
        picture = ImageOps.fit(read(Path(concept.picture)).rgb, wide, Image.Resampling.LANCZOS)
    except ImportFailure as error:
        title = f"The picture of “{concept.name}” cannot be read"
        raise SettingsError(title, str(error), "Choose another.") from error
    pixels = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float() / 127.5 - 1
    return pixels, read_mask(Path(concept.cutout), size, concept.name, cut=True)
