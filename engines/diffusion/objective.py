"""What the training error is made of: noise, targets, weights by noise level, masks, and class pictures.

Noise is added as x_t = sqrt(abar) x_0 + sqrt(1 - abar) eps, and SNR(t) = abar / (1 - abar). The target is eps, or the velocity
v = sqrt(abar) eps - sqrt(1 - abar) x_0 (Salimans and Ho 2022). min-SNR weights are those of Hang et al. 2023; for velocity the form that
follows from the epsilon form, min(SNR, gamma) / (SNR + 1), is used. Prior preservation is that of DreamBooth (Ruiz et al. 2023).
Holding compares with the base's own answer to other words on the same noisy picture, as latent anchoring does (SPM, Lyu et al. 2024).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import torch

from engines.api.errors import ModelError
from engines.diffusion.contracts import Backbone, DenoisingBatch, TextStates

Prediction = Literal["epsilon", "v_prediction"]
Answer: TypeAlias = "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"


@dataclass(frozen=True)
class NoiseSchedule:
    """How much of the picture is left at each timestep.

    Attributes:
        alphas_cumprod: abar (T,), fp32, on the device that timesteps are told on; the last may be 0 (zero terminal SNR).
        prediction: what the denoiser says.
    """

    alphas_cumprod: torch.Tensor
    prediction: Prediction

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> NoiseSchedule:
        """Read a diffusers scheduler configuration of any class, onto the CPU.

        Raises:
            ModelError: it predicts something else than noise or velocity.
        """
        from diffusers import DDPMScheduler

        prediction = config.get("prediction_type", "epsilon")
        if prediction not in {"epsilon", "v_prediction"}:
            title = "The base model cannot be taught"
            raise ModelError(title, f"It predicts “{prediction}”; noise and velocity are known here.")
        names = (
            "num_train_timesteps",
            "beta_start",
            "beta_end",
            "beta_schedule",
            "trained_betas",
            "rescale_betas_zero_snr",
        )
        scheduler = DDPMScheduler(**{name: config[name] for name in names if config.get(name) is not None})
        return cls(scheduler.alphas_cumprod.float(), prediction)

    def on(self, device: torch.device) -> NoiseSchedule:
        """The same for timesteps on a device."""
        return replace(self, alphas_cumprod=self.alphas_cumprod.to(device))

    @property
    def steps(self) -> int:
        """Number of timesteps T."""
        return int(self.alphas_cumprod.shape[0])

    def snr(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Signal-to-noise ratio (N,) at timesteps (N,); 0 where nothing of the picture is left."""
        abar = self._abar(timesteps)
        return abar / (1.0 - abar).clamp_min(torch.finfo(abar.dtype).tiny)

    def add_noise(self, clean: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Return x_t of latents (N, C, h, w)."""
        keep, add = self._factors(timesteps, clean)
        return keep * clean + add * noise

    def target(self, clean: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Return what the denoiser should say, (N, C, h, w)."""
        if self.prediction == "epsilon":
            return noise
        keep, add = self._factors(timesteps, clean)
        return keep * noise - add * clean

    def _abar(self, timesteps: torch.Tensor) -> torch.Tensor:
        return self.alphas_cumprod[timesteps]

    def _factors(self, timesteps: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        abar = self._abar(timesteps).view(-1, 1, 1, 1)
        return abar.sqrt().to(like.dtype), (1.0 - abar).sqrt().to(like.dtype)


@dataclass(frozen=True)
class Weighting:
    """How the errors of a batch are put together; see `engines.api.recipe.ObjectiveSettings`."""

    min_snr_gamma: float = 0.0
    noise_offset: float = 0.0
    class_weight: float = 1.0
    hold_weight: float = 0.0


def min_snr_weight(snr: torch.Tensor, gamma: float, prediction: Prediction) -> torch.Tensor:
    """Weight (N,) of each noise level; all ones when gamma is 0.

    Never above 1, and finite at SNR 0: there the epsilon form is 1 (its limit) and the velocity form 0.
    """
    if gamma <= 0:
        return torch.ones_like(snr)
    capped = snr.clamp_max(gamma)
    if prediction == "v_prediction":
        return capped / (snr + 1.0)
    return torch.where(snr > 0, capped / snr.clamp_min(torch.finfo(snr.dtype).tiny), torch.ones_like(snr))


def draw_noise(like: torch.Tensor, offset: float) -> torch.Tensor:
    """Noise of the shape of `like` (N, C, h, w), from torch's global generator.

    `offset` adds one shared value a channel, so that overall brightness is learned too.
    """
    noise = torch.randn_like(like)
    if offset > 0:
        noise = noise + offset * torch.randn(*like.shape[:2], 1, 1, device=like.device, dtype=like.dtype)
    return noise


def errors(
    backbone: Backbone,
    text: TextStates,
    clean: torch.Tensor,
    noise: torch.Tensor,
    timesteps: torch.Tensor,
    *,
    weight: torch.Tensor | None,
    gamma: float,
    frame: torch.Tensor | None = None,
    held: torch.Tensor | None = None,
) -> torch.Tensor:
    """Weighted squared error of each picture, (N,), fp32.

    Args:
        backbone: the denoiser.
        text: its text states, N rows.
        clean: latents (N, C, h, w); `noise` of the same shape; `timesteps` (N,).
        noise: see `clean`.
        timesteps: see `clean`.
        weight: weight of every latent cell (N, 1, h, w) with mean 1 a picture, or None.
        gamma: min-SNR gamma; 0 for none.
        frame: how each picture was cut (N, 6), told along with the words; see `DenoisingBatch`.
        held: what the last rows are compared with instead, (M, C, h, w).
    """
    schedule = backbone.schedule
    told = text if frame is None else {**text, "frame": frame}
    predicted = backbone.predict(schedule.add_noise(clean, noise, timesteps), timesteps, told)
    target = schedule.target(clean, noise, timesteps).float()
    if held is not None:
        target = torch.cat([target[: -held.shape[0]], held.float()])
    squared = (predicted.float() - target).square()
    if weight is not None:
        squared = squared * weight
    return squared.mean(dim=(1, 2, 3)) * min_snr_weight(schedule.snr(timesteps), gamma, schedule.prediction)


def denoising_loss(
    backbone: Backbone, batch: DenoisingBatch, text: TextStates, weighting: Weighting, answer: Answer | None = None
) -> torch.Tensor:
    """Training error of a batch, a scalar: subject mean + class weight x class mean + hold weight x held mean.

    Latents, noise and timesteps are drawn from torch's global generator, in this order.

    Args:
        backbone: the denoiser; it is called once.
        batch: what is learned.
        text: the words of all its rows.
        weighting: how the means are put together.
        answer: what the plain base says of the batch's held rows, given all rows, noisy, and their timesteps.
    """
    clean = batch.mean + batch.std * torch.randn_like(batch.std)
    noise = draw_noise(clean, weighting.noise_offset)
    timesteps = torch.randint(0, backbone.schedule.steps, (clean.shape[0],), device=clean.device)
    gamma = weighting.min_snr_gamma
    held = None
    if batch.held and answer is not None:
        held = answer(backbone.schedule.add_noise(clean, noise, timesteps), timesteps)
    each = errors(
        backbone, text, clean, noise, timesteps, weight=batch.weight, gamma=gamma, frame=batch.frame, held=held
    )
    kinds = [batch.subjects, each.shape[0] - batch.subjects - batch.held, batch.held]
    factors = (1.0, weighting.class_weight, weighting.hold_weight)
    parts = zip(torch.split(each, kinds), factors, strict=True)
    return torch.stack([factor * part.mean() for part, factor in parts if part.numel()]).sum()


def cell_weights(mask: torch.Tensor, outside: float) -> torch.Tensor:
    """Weights with mean 1 a picture of masks (N, 1, h, w) in 0..1 on the latent grid.

    Dividing by the mean keeps a small subject's gradient as strong as a large one's. A mask that leaves nothing counts as no mask.

    Args:
        mask: 1 where the picture is learned.
        outside: weight of the rest, 0..1.
    """
    weight = mask + (1.0 - mask) * outside
    mean = weight.mean(dim=(1, 2, 3), keepdim=True)
    return torch.where(mean > 1e-4, weight / mean.clamp_min(1e-4), torch.ones_like(weight))


def stratified_timesteps(count: int, steps: int) -> torch.Tensor:
    """Middle of each of `count` equal parts of 0..steps-1, as (count,)."""
    return torch.tensor([math.floor((i + 0.5) * steps / count) for i in range(count)], dtype=torch.long)
