"""Noisy pictures to learn from when there are no pictures: the model's own, on their way from noise to the target.

A few pictures are always being made of the targets, each at another stage, with the eraser as it stands and little guidance; a step takes some of
them where they are, and moves these one stage on. So what is learned from follows the erased model, as the papers have it, at a tenth of the cost of
making a picture anew in every step.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from engines.diffusion.objective import NoiseSchedule, stratified_timesteps

STAGES = 30
GUIDANCE = 3.0

Say = Callable[[torch.Tensor, torch.Tensor, Sequence[int]], torch.Tensor]
"""What the model says, guided, of latents (N, C, h, w) at timesteps (N,) on their way to targets by number."""


@dataclass(frozen=True)
class Moment:
    """Noisy latents (N, C, h, w) at timesteps (N,), and the number of the target that each is on the way to."""

    noisy: torch.Tensor
    timesteps: torch.Tensor
    targets: tuple[int, ...]


def timesteps_of(schedule: NoiseSchedule) -> torch.Tensor:
    """Timesteps (S,) of the stages, from noise on."""
    return stratified_timesteps(STAGES, schedule.steps).flip(0)


def moved(
    schedule: NoiseSchedule, latents: torch.Tensor, said: torch.Tensor, now: torch.Tensor, then: torch.Tensor
) -> torch.Tensor:
    """A deterministic step (DDIM, Song et al. 2021) from timesteps `now` (N,) to `then` (N,); -1 there is the finished picture."""
    shape = (-1, 1, 1, 1)
    abar = schedule.alphas_cumprod[now].view(shape)
    keep, add = abar.sqrt(), (1.0 - abar).sqrt()
    if schedule.prediction == "v_prediction":
        clean, noise = keep * latents - add * said, keep * said + add * latents
    else:
        clean, noise = (latents - add * said) / keep.clamp_min(1e-4), said
    after = torch.where(then >= 0, schedule.alphas_cumprod[then.clamp_min(0)], 1.0).view(shape)
    return after.sqrt() * clean + (1.0 - after).sqrt() * noise


class Walks:
    """The batches of erasing; see `engines.core.contracts.Batches`."""

    def __init__(
        self, schedule: NoiseSchedule, say: Say, start: Moment, *, stages: Sequence[int], size: int, seed: int
    ) -> None:
        """Go on from moments of the base's own.

        Args:
            schedule: how noise is added.
            say: see `Say`; asked for the pictures that move on.
            start: where every picture stands.
            stages: the same by number of the stage, 0 the first.
            size: how many are learned from in a step.
            seed: of fresh noise and of what is picked.
        """
        self._schedule, self._say, self._size, self._seed = schedule, say, min(size, len(stages)), seed
        self._times = timesteps_of(schedule).to(start.noisy.device)
        self._latents, self._stages, self._targets = start.noisy.clone(), list(stages), list(start.targets)
        self._count, self._kinds = 0, max(start.targets) + 1

    def next(self) -> Moment:
        """Some of the pictures where they are; they have moved on when the next are asked for."""
        rows = random.Random(f"{self._seed} {self._count}").sample(range(len(self._stages)), self._size)
        self._count += 1
        now = self._times[[self._stages[row] for row in rows]]
        moment = Moment(self._latents[rows], now, tuple(self._targets[row] for row in rows))
        with torch.no_grad():
            said = self._say(moment.noisy, now, moment.targets).float()
            later = [self._stages[row] + 1 for row in rows]
            then = torch.tensor([int(self._times[stage]) if stage < STAGES else -1 for stage in later]).to(now.device)
            self._latents[rows] = moved(self._schedule, moment.noisy, said, now, then)
        for row, stage in zip(rows, later, strict=True):
            if stage >= STAGES:
                self._begin_again(row)
            else:
                self._stages[row] = stage
        return moment

    def state(self) -> dict[str, Any]:
        """See `Batches`; the pictures under way are told as numbers in base64."""
        numbers = self._latents.cpu().numpy().astype("<f4")
        return {
            "count": self._count,
            "stages": list(self._stages),
            "targets": list(self._targets),
            "latents": base64.b64encode(numbers.tobytes()).decode("ascii"),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """See `Batches`."""
        numbers = np.frombuffer(base64.b64decode(state["latents"]), dtype="<f4").reshape(self._latents.shape)
        self._latents = torch.from_numpy(numbers.copy()).to(self._latents.device)
        self._count, self._stages, self._targets = state["count"], list(state["stages"]), list(state["targets"])

    def _begin_again(self, row: int) -> None:
        """A finished picture gives way to fresh noise, on the way to the next target."""
        self._stages[row] = 0
        self._targets[row] = (self._targets[row] + len(self._stages)) % self._kinds
        draws = torch.Generator("cpu").manual_seed((self._seed * 1_000_003 + self._count * 101 + row) % 2**63)
        self._latents[row] = torch.randn(self._latents.shape[1:], generator=draws).to(self._latents.device)
