"""The starter's autoencoder: pictures to latents a quarter as wide, judged by how sharp the objects come back.

On a CPU it is the bottleneck of the whole starter, so it learns mostly on 32x32 crops centred on objects, whose pixels
count more, and only towards the end on whole pictures (normalisation layers then meet the statistics they will be used with).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from tqdm import tqdm

from engines.starter.augment import Pictures
from engines.starter.dataset import Shard
from engines.starter.training import Schedule, Trained, autocast, half_precision, train

_KL_WEIGHT = 1e-5
_OBJECT_WEIGHT = 3.0
_SCHEDULE = Schedule(steps=3600, rate=1.5e-3, seed=11, save_every=200)


@dataclass(frozen=True)
class AutoencoderRecipe:
    """Sizes of the network and of its training."""

    channels: tuple[int, ...] = (32, 64, 128)
    latent_channels: int = 8
    groups: int = 16
    crop: int = 32
    batch: int = 24
    whole_share: float = 0.2
    schedule: Schedule = _SCHEDULE


def build(recipe: AutoencoderRecipe, *, size: int) -> AutoencoderKL:
    """A fresh autoencoder for pictures of ``size`` pixels, with fixed initial weights."""
    torch.manual_seed(recipe.schedule.seed)
    depth = len(recipe.channels)
    return AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * depth,
        up_block_types=["UpDecoderBlock2D"] * depth,
        block_out_channels=recipe.channels,
        layers_per_block=1,
        latent_channels=recipe.latent_channels,
        norm_num_groups=recipe.groups,
        sample_size=size,
    )


def to_tensor(pictures: Pictures) -> torch.Tensor:
    """Pictures (n, h, w, 3) uint8 as floats (n, 3, h, w) in -1..1, channels last in memory."""
    scaled = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    return scaled.contiguous(memory_format=torch.channels_last)


def fit(
    recipe: AutoencoderRecipe,
    data: Shard,
    *,
    checkpoint: Path,
    device: torch.device,
    compiled: bool = False,
    stop_after: int | None = None,
) -> tuple[AutoencoderKL, Trained]:
    """Train an autoencoder on ``data`` (resuming from ``checkpoint``) and set its scaling factor.

    ``compiled`` lets torch.compile fuse the network: half as fast again on a CPU, after a minute of compiling.
    """
    size = data.pictures.shape[1]
    model = build(recipe, size=size).to(device, memory_format=torch.channels_last)
    half = half_precision(device)
    whole_from = int(recipe.schedule.steps * (1 - recipe.whole_share))

    def there_and_back(x: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        posterior = model.encode(x).latent_dist
        y = model.decode(posterior.mean + posterior.std * noise).sample
        return y, posterior.mean, posterior.logvar

    network = torch.compile(there_and_back, dynamic=False) if compiled else there_and_back

    def loss(step: int, draw: torch.Generator) -> torch.Tensor:
        crop = size if step >= whole_from else min(recipe.crop, size)
        count = max(1, recipe.batch * recipe.crop**2 // crop**2)
        pictures, labels = _draw_crops(data, draw, count=count, crop=crop)
        x = to_tensor(pictures).to(device)
        weight = 1 + (_OBJECT_WEIGHT - 1) * torch.from_numpy(labels > 0).to(device)[:, None].float()
        side = crop // 2 ** (len(recipe.channels) - 1)
        noise = torch.randn(count, recipe.latent_channels, side, side, generator=draw).to(device)
        with autocast(device, half=half):
            y, mean, logvar = network(x, noise)
        return _loss(x, y.float(), weight) + _KL_WEIGHT * _divergence(mean.float(), logvar.float())

    trained = train(model, loss, recipe.schedule, checkpoint=checkpoint, title="autoencoder", stop_after=stop_after)
    model.eval()
    sample = encode(model, data.pictures[:: max(1, len(data.pictures) // 500)], device=device, half=half)
    model.register_to_config(scaling_factor=float(1 / sample.std()))
    return model, trained


def encode(
    model: AutoencoderKL,
    pictures: Pictures,
    *,
    device: torch.device,
    half: bool,
    batch: int = 50,
    title: str = "",
) -> torch.Tensor:
    """Mean latents (n, c, h/4, w/4) float32 of pictures, not scaled."""
    latents = []
    with torch.no_grad(), autocast(device, half=half):
        for first in tqdm(range(0, len(pictures), batch), desc=title, disable=not title, mininterval=5.0):
            x = to_tensor(pictures[first : first + batch]).to(device)
            latents += [model.encode(x).latent_dist.mean.float().cpu()]
    return torch.cat(latents)


def decode(
    model: AutoencoderKL, latents: torch.Tensor, *, device: torch.device, half: bool = False, batch: int = 50
) -> Pictures:
    """Pictures (n, h, w, 3) uint8 of unscaled latents."""
    pictures = []
    with torch.no_grad(), autocast(device, half=half):
        for first in range(0, len(latents), batch):
            y = model.decode(latents[first : first + batch].to(device)).sample.float().cpu()
            pictures.append(((y.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).contiguous().numpy())
    return np.concatenate(pictures)


def sharpness(model: AutoencoderKL, data: Shard, *, device: torch.device) -> tuple[float, float]:
    """PSNR in dB (object pixels, whole picture) of encode-decode over all pictures; errors are averaged before the log."""
    back = decode(model, encode(model, data.pictures, device=device, half=False), device=device)
    error = ((back.astype(np.float64) - data.pictures.astype(np.float64)) / 255) ** 2
    objects = error[data.labels > 0].mean()
    return float(-10 * np.log10(objects)), float(-10 * np.log10(error.mean()))


def _draw_crops(data: Shard, draw: torch.Generator, *, count: int, crop: int) -> tuple[Any, Any]:
    """Random crops with their labels, three of four centred on an object pixel, half of them mirrored."""
    rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=draw)))
    size = data.pictures.shape[1]
    pictures, labels = [], []
    for index in rng.integers(len(data.pictures), size=count):
        label = data.labels[index]
        top, left = rng.integers(size - crop + 1, size=2)
        found = np.flatnonzero(label)
        if crop < size and found.size and rng.random() < 0.75:
            row, column = divmod(int(rng.choice(found)), size)
            top, left = (int(np.clip(value - crop // 2, 0, size - crop)) for value in (row, column))
        window = (slice(top, top + crop), slice(left, left + crop))
        turn = slice(None, None, -1 if rng.random() < 0.5 else 1)
        pictures.append(data.pictures[index][window][:, turn])
        labels.append(label[window][:, turn])
    return np.stack(pictures), np.stack(labels)


def _loss(x: torch.Tensor, y: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted squared and absolute error, and absolute error of the neighbour differences (edges)."""
    error = x - y
    total = weight.mean()
    plain = (weight * (4 * error**2 + 0.5 * error.abs())).mean() / total
    across = (weight[..., 1:] * error.diff(dim=-1).abs()).mean() + (
        weight[..., 1:, :] * error.diff(dim=-2).abs()
    ).mean()
    return plain + 0.25 * across / total


def _divergence(mean: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()
