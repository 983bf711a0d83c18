"""Draws the rest of a picture of which some cells are known: inpainting with any base model, without one made for it.

In every step the denoiser's answer is replaced, where the picture is known, by the one that leads exactly there: with x_t = sqrt(abar) x_0 +
sqrt(1 - abar) eps the noise is eps = (x_t - sqrt(abar) x_0) / sqrt(1 - abar). Whatever sampler there is then ends at the known latents, and
what is drawn around them sees them in every step. Until `strength` of the noise is left everything counts as known, so a background that was
given keeps its large shapes (as SDEdit begins late, Meng et al. 2022).
"""

from __future__ import annotations

import torch

from engines.diffusion.contracts import Base, TextStates
from engines.diffusion.objective import NoiseSchedule
from engines.diffusion.sampling import Guided, Sampling


class Around(Guided):
    """The usual guided course with known cells.

    Args:
        base: the model.
        text: as `Guided` takes it, `negative` likewise.
        negative: see `text`.
        how: see `Guided`.
        clean: latents of the whole picture (N, C, h, w).
        known: 1 where they stay, 0 where the model draws (N, 1, h, w).
        strength: share of the noise from which on the rest is drawn; 1 draws it from nothing.
    """

    def __init__(
        self,
        base: Base,
        text: TextStates,
        negative: TextStates | None,
        how: Sampling,
        *,
        clean: torch.Tensor,
        known: torch.Tensor,
        strength: float,
    ) -> None:
        super().__init__(base, text, negative, how)
        self._schedule, self._clean, self._known = base.schedule, clean, known.bool()
        self._begins = strength * base.schedule.steps

    def predict(self, noisy: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """See `Course`."""
        leading = leads_to(self._schedule, self._clean, noisy, timestep)
        if float(timestep) >= self._begins:
            return leading
        return torch.where(self._known, leading, super().predict(noisy, timestep))


def leads_to(schedule: NoiseSchedule, clean: torch.Tensor, noisy: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
    """What a denoiser would have to say of noisy latents (N, C, h, w) at a timestep for the clean ones to come out, fp32."""
    at = timestep.round().long().clamp(0, schedule.steps - 1).reshape(1)
    abar = schedule.alphas_cumprod[at].view(-1, 1, 1, 1)
    noise = (noisy.float() - abar.sqrt() * clean.float()) / (1.0 - abar).sqrt().clamp_min(1e-4)
    return noise if schedule.prediction == "epsilon" else abar.sqrt() * noise - (1.0 - abar).sqrt() * clean.float()
