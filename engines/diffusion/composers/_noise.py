"""Arranges the noise a picture begins with: each place gets the patch of it that suits its concept best (LoRA-Composer's re-initialisation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.nn import functional

from engines.diffusion.composers._places import Places


def rearranged(noise: torch.Tensor, heard: Mapping[int, Sequence[torch.Tensor]], places: Places) -> torch.Tensor:
    """The noise (N, C, h, w) with patches copied, its mean and spread as before.

    Args:
        noise: left as it is.
        heard: by concept, how much each cell of each picture looks at its words, (N, height, width) from every layer.
        places: where the concepts shall be.
    """
    cells = noise.shape[-2] * noise.shape[-1]
    found = noise.clone()
    for number, maps in heard.items():
        frame = places.frame(cells, number)
        if frame is None:
            continue
        top, left, height, width = frame
        sizes = [functional.interpolate(one[:, None], size=noise.shape[-2:], mode="bilinear") for one in maps]
        scores = functional.avg_pool2d(torch.stack(sizes).mean(dim=0), (height, width), stride=1)[:, 0]
        own = torch.zeros(cells, dtype=torch.bool, device=noise.device)
        own[places.cells(cells, number)] = True
        inside = own.view(noise.shape[-2:])[top : top + height, left : left + width]
        for picture, score in enumerate(scores):
            best = int(score.argmax())
            row, column = divmod(best, score.shape[1])
            patch = noise[picture, :, row : row + height, column : column + width]
            place = found[picture, :, top : top + height, left : left + width]
            found[picture, :, top : top + height, left : left + width] = torch.where(inside, patch, place)
    return _as_spread(found, noise)


def _as_spread(found: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """The same with each picture's mean and deviation those of another."""
    axes = (1, 2, 3)
    middle, spread = found.mean(dim=axes, keepdim=True), found.std(dim=axes, keepdim=True)
    return (found - middle) / spread.clamp_min(1e-6) * like.std(dim=axes, keepdim=True) + like.mean(
        dim=axes, keepdim=True
    )
