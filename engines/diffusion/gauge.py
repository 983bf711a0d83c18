"""The error on fixed pictures, noise and noise levels: the curve people see.

A training loss jumps with the noise level it happened to draw; here the same few levels, spread evenly, meet the same pictures and the same
noise every time. A handful of pictures through the denoiser, without gradients, from latents that lie ready.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engines.diffusion.contracts import Base
from engines.diffusion.data import Captions
from engines.diffusion.dataset import Dataset
from engines.diffusion.objective import cell_weights, errors, stratified_timesteps
from engines.diffusion.sampling import at_rest

PROBES = 8
"""Pairs of a picture and a noise level."""


@dataclass(frozen=True)
class _Group:
    """Probes of one shape: latents, noise, timesteps, rows of their captions, weights, frames."""

    clean: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    captions: tuple[int, ...]
    weight: torch.Tensor | None
    frame: torch.Tensor


class Gauge:
    """Measures a base with whatever adapter it carries."""

    def __init__(
        self, base: Base, dataset: Dataset, *, unmasked_weight: float, gamma: float, device: torch.device
    ) -> None:
        self._base, self._gamma, self._device = base, gamma, device
        self._captions: Captions = dataset.captions
        self._groups = _groups(dataset, base.schedule.steps, unmasked_weight, device)

    def measure(self) -> float:
        """Mean error over all probes; touches no random state."""
        total, count = 0.0, 0
        with at_rest(self._base):
            for group in self._groups:
                text, tokens = self._captions.pick(group.captions, self._device)
                states = self._base.encode_tokens(tokens) if text is None and tokens is not None else text or {}
                each = errors(
                    self._base,
                    states,
                    group.clean,
                    group.noise,
                    group.timesteps,
                    weight=group.weight,
                    gamma=self._gamma,
                    frame=group.frame,
                )
                total += float(each.sum())
                count += each.shape[0]
        return total / count


def _groups(dataset: Dataset, steps: int, unmasked_weight: float, device: torch.device) -> list[_Group]:
    pictures = [(bucket, entry) for bucket in dataset.measured for entry in bucket.entries]
    timesteps = stratified_timesteps(max(PROBES, min(len(pictures), 2 * PROBES)), steps)
    by_bucket: dict[int, list[tuple[int, int]]] = {}
    for number in range(timesteps.shape[0]):
        picture = number % len(pictures)
        place = next(i for i, bucket in enumerate(dataset.measured) if bucket is pictures[picture][0])
        by_bucket.setdefault(place, []).append((number, picture))
    groups = []
    for place, probes in sorted(by_bucket.items()):
        bucket = dataset.measured[place]
        entries = [pictures[picture][1] for _, picture in probes]
        picked = bucket.latents.pick([bucket.latents.row(entry.key) for entry in entries])
        groups.append(
            _Group(
                clean=picked["mean"],
                noise=_noise([number for number, _ in probes], picked["mean"]),
                timesteps=timesteps[[number for number, _ in probes]].to(device),
                captions=tuple(entry.caption for entry in entries),
                weight=cell_weights(picked["mask"], unmasked_weight) if dataset.masked else None,
                frame=picked["frame"],
            )
        )
    return groups


def _noise(seeds: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    shape = like.shape[1:]
    drawn = [torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed)) for seed in seeds]
    return torch.stack(drawn).to(like.device)
