"""From words and noise to pictures, with the resident denoiser and whatever adapters it carries.

Classifier-free guidance (Ho and Salimans 2022); for models with zero terminal SNR its result can be rescaled to the spread of the
guided prediction's positive half (Lin et al. 2024). Noise comes from a generator on the CPU for each seed, so a picture depends on its seed
only, whatever the device, its neighbours, or the adapter.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import torch
from PIL import Image
from torch import nn

from engines.api.errors import ModelError
from engines.diffusion.contracts import Base, TextStates

_TOGETHER, _USUAL_EDGE = 4, 512
"""So many pictures of this edge (pixels) are made at once; fewer where they are larger, since memory goes with their area."""

StepHook = Callable[[int, int], None]
"""Called between denoising steps as (done, total); may raise to end it."""


class TextSource(Protocol):
    """Where text states come from."""

    def __call__(self, prompts: Sequence[str], /) -> TextStates:
        """Text states of prompts."""
        ...


@dataclass(frozen=True)
class Sampling:
    """How pictures are made; 0 takes the base model's own value. Width and height in pixels."""

    steps: int = 0
    guidance: float = 0.0
    negative: str = ""
    width: int = 0
    height: int = 0

    def resolved(self, base: Base) -> Sampling:
        """With the base model's own values put in, and sides it can make."""
        info = base.info
        multiple = info.side_multiple

        def side(wanted: int) -> int:
            return max(multiple, round((wanted or info.resolution) / multiple) * multiple)

        return replace(
            self,
            steps=self.steps or info.inference_steps,
            guidance=self.guidance or info.guidance,
            width=side(self.width),
            height=side(self.height),
        )


class Course(Protocol):
    """How pictures that are made at once, N of them, are denoised."""

    def begin(self, noise: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """Unit noise to begin with, from the seeds' own (N, C, h, w); `timestep` is the first."""
        ...

    def predict(self, noisy: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """What the denoiser says of noisy latents (N, C, h, w), guidance included, fp32."""
        ...


class CourseOf(Protocol):
    """Begins a course."""

    def __call__(self, prompts: Sequence[str], seeds: Sequence[int], /) -> Course:
        """The course of the pictures of these prompts and seeds, N each."""
        ...


class Guided:
    """The usual course: what the denoiser says with the words, led away from what it says with the negative ones.

    Attributes:
        copies: passes a picture that are put through the denoiser together: the negative half first, where there is one.
        text: what the denoiser is told, (copies x N) rows.
    """

    def __init__(self, base: Base, text: TextStates, negative: TextStates | None, how: Sampling) -> None:
        self._base, self._how = base, how
        self.copies = 1 if negative is None else 2
        self.text = text if negative is None else {name: torch.cat([negative[name], text[name]]) for name in text}

    @classmethod
    def by(cls, base: Base, texts: TextSource, prompts: Sequence[str], how: Sampling) -> Self:
        """The course for prompts, one a picture."""
        text = texts(prompts)
        return cls(base, text, texts([how.negative] * len(prompts)) if how.guidance > 1 else None, how)

    def begin(self, noise: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 - the contract's
        """See `Course`."""
        return noise

    def predict(self, noisy: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """See `Course`."""
        rows = torch.cat([noisy] * self.copies)
        predicted = self._base.predict(rows, timestep.expand(rows.shape[0]), self.text).float()
        return self.guided(predicted) if self.copies > 1 else predicted

    def guided(self, predicted: torch.Tensor) -> torch.Tensor:
        """Both halves (2 N, C, h, w) put together, (N, C, h, w)."""
        return _guided(predicted, self._how.guidance, self._base.info.guidance_rescale)


def make_sampler(config: Mapping[str, Any]) -> Any:  # noqa: ANN401 - diffusers is untyped
    """A diffusers scheduler from its configuration.

    Raises:
        ModelError: its class is unknown.
    """
    import diffusers

    name = str(config.get("_class_name", ""))
    kind: Any = getattr(diffusers, name, None)
    if not (isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)):
        title = "The base model is not complete"
        raise ModelError(title, f"Its sampler “{name}” is unknown.", "Fetch the base model again.")
    sampler: Any = kind
    return sampler.from_config(dict(config))


def start_noise(base: Base, seeds: Sequence[int], how: Sampling) -> torch.Tensor:
    """Unit noise (N, C, h, w), fp32 on the CPU, one seed a picture."""
    info = base.info
    shape = (info.latent_channels, how.height // info.latent_factor, how.width // info.latent_factor)
    return torch.stack([torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed)) for seed in seeds])


def draw(
    base: Base,
    prompts: Sequence[str],
    seeds: Sequence[int],
    how: Sampling,
    *,
    texts: TextSource | None = None,
    course: CourseOf | None = None,
    on_step: StepHook | None = None,
) -> Iterator[Image.Image]:
    """One picture for each pair of prompt and seed, in order.

    Args:
        base: the model; its networks are put back as they were between pictures.
        prompts: N of them; `seeds` as many.
        seeds: see `prompts`.
        how: resolved or not.
        texts: where text states come from; the base's own encoder by default.
        course: how the pictures made at once are denoised; guided by their words by default.
        on_step: called between denoising steps with the steps done of all; may raise to end it.
    """
    how = how.resolved(base)
    encode = texts or base.encode_prompts
    batch = max(1, min(_TOGETHER, _TOGETHER * _USUAL_EDGE**2 // (how.width * how.height)))
    total = how.steps * -(-len(prompts) // batch)
    for start in range(0, len(prompts), batch):
        words, numbers = prompts[start : start + batch], seeds[start : start + batch]
        done = how.steps * (start // batch)
        with at_rest(base):
            way = Guided.by(base, encode, words, how) if course is None else course(words, numbers)
            latents = _denoise(base, way, numbers, how, _shifted(on_step, done, total))
            pixels = base.decode_latents(latents)
        yield from (_image(one) for one in pixels)


@contextmanager
def at_rest(base: Base) -> Iterator[None]:
    """Without gradients and with dropout off; afterwards every module is in the mode it was in."""
    modes: list[tuple[nn.Module, bool]] = []
    for network in base.resident():
        modes += [(module, module.training) for module in network.modules() if module.training]
    for module, _ in modes:
        module.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _denoise(base: Base, course: Course, seeds: Sequence[int], how: Sampling, on_step: StepHook | None) -> torch.Tensor:
    sampler = base.sampler()
    device = base.schedule.alphas_cumprod.device
    sampler.set_timesteps(how.steps, device=device)
    options = _step_options(sampler, seeds)
    timesteps = sampler.timesteps
    noise = course.begin(start_noise(base, seeds, how).to(device), timesteps[0])
    latents: torch.Tensor = noise * sampler.init_noise_sigma
    for number, timestep in enumerate(timesteps):
        predicted = course.predict(sampler.scale_model_input(latents, timestep), timestep)
        latents = sampler.step(predicted, timestep, latents, **options).prev_sample
        if on_step is not None:
            on_step(min(how.steps, (number + 1) * how.steps // len(timesteps)), how.steps)
    return latents


def _guided(predicted: torch.Tensor, guidance: float, rescale: float) -> torch.Tensor:
    without, within = predicted.chunk(2)
    guided = without + guidance * (within - without)
    if rescale <= 0:
        return guided
    axes = (1, 2, 3)
    matched: torch.Tensor = guided * (
        within.std(dim=axes, keepdim=True) / guided.std(dim=axes, keepdim=True).clamp_min(1e-6)
    )
    return rescale * matched + (1.0 - rescale) * guided


def _step_options(sampler: Any, seeds: Sequence[int]) -> dict[str, Any]:  # noqa: ANN401 - diffusers is untyped
    """Samplers that add noise get generators of their own, so that the global ones are left alone."""
    if "generator" not in inspect.signature(sampler.step).parameters:
        return {}
    return {"generator": [torch.Generator("cpu").manual_seed(seed + 1) for seed in seeds]}


def _shifted(on_step: StepHook | None, done: int, total: int) -> StepHook | None:
    return None if on_step is None else lambda step, _: on_step(done + step, total)


def _image(pixels: torch.Tensor) -> Image.Image:
    values = (pixels * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    return Image.fromarray(values.numpy(), "RGB")
