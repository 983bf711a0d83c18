"""What tuners add after a block of the encoder; as all layers of tuners, they start so that nothing changes."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from engines.segmentation.frequencies import coarse_part


class Expert(nn.Module):
    """A narrow layer: up(relu(down(x))), with `up` starting from zero."""

    def __init__(self, width: int, narrow: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, narrow), nn.Linear(narrow, width)
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        for start in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(start)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Its opinion of tokens (..., D)."""
        found: torch.Tensor = self.up(functional.relu(self.down(x)))
        return found


class SingleExpert(nn.Module):
    """One expert after a block, weighed by a learned scale."""

    def __init__(self, width: int, narrow: int, scale: float) -> None:
        super().__init__()
        self.expert = Expert(width, narrow)
        self.scale = nn.Parameter(torch.tensor(scale))

    def after(self, _block: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        """A forward hook of the block: tokens (N, g, g, D)."""
        found: torch.Tensor = output + self.scale * self.expert(output)
        return found


class FrequencyExperts(nn.Module):
    """Three experts after a block, for the tokens as they are, their coarse and their fine frequencies, weighed by a router token by token."""

    def __init__(self, width: int, narrow: int, cut: float, scale: float) -> None:
        super().__init__()
        self.experts = nn.ModuleList(Expert(width, narrow) for _ in range(3))
        self.router = nn.Linear(width, 3)
        self.scale = nn.Parameter(torch.tensor(scale))
        self._cut = cut

    def after(self, _block: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        """A forward hook of the block: tokens (N, g, g, D)."""
        coarse, fine = divided(output, self._cut)
        weights = self.router(output).softmax(dim=-1)
        seen = (output, coarse.to(output.dtype), fine.to(output.dtype))
        opinions = [weights[..., place, None] * expert(seen[place]) for place, expert in enumerate(self.experts)]
        found: torch.Tensor = output + self.scale * torch.stack(opinions).sum(dim=0)
        return found


def divided(tokens: torch.Tensor, cut: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Coarse and fine part of maps (N, H, W, D), which add up to them, fp32; `cut` is the share of each side that is coarse."""
    height, width = (int(side) for side in tokens.shape[1:3])
    maps = tokens.float().permute(0, 3, 1, 2)
    coarse = coarse_part(maps, max(1, int(min(height, width) * cut / 2)))
    return coarse.permute(0, 2, 3, 1), (maps - coarse).permute(0, 2, 3, 1)


class ContextStem(nn.Module):
    """A small convolutional network beside the encoder: four halvings of the picture, all pooled to one grid and added up."""

    def __init__(self, width: int, grid: int) -> None:
        super().__init__()
        self.first = _separable(3, width)
        self.stages = nn.ModuleList(_separable(width, width) for _ in range(4))
        self._grid = grid
        self.seen: torch.Tensor | None = None

    def look(self, _encoder: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        """A hook before the encoder, which sees its pixels (N, 3, S, S); `seen` is then (N, grid^2, width)."""
        found = self.first(inputs[0])
        total = torch.zeros(())
        for stage in self.stages:
            found = stage(found)
            total = total.to(found.device) + _pooled(found, self._grid)
        self.seen = total.flatten(2).transpose(1, 2)


class ContextQuestion(nn.Module):
    """After a block, its tokens attend to the small network's map; all projections are of low rank."""

    def __init__(self, width: int, context: int, rank: int, heads: int, stem: ContextStem) -> None:
        super().__init__()
        inner = heads * max(1, context // heads)
        self.query, self.key, self.value = (_low_rank(side, inner, rank) for side in (width, context, context))
        self.answer = _low_rank(inner, width, rank, starts_at_zero=True)
        self._heads = heads
        self._stem = (stem,)  # not a part of this module: it learns, and is kept, once

    def after(self, _block: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        """A forward hook of the block: tokens (N, g, g, D)."""
        seen = self._stem[0].seen
        assert seen is not None  # noqa: S101 - the picture comes before the blocks
        tokens = output.flatten(1, 2)
        parts = [
            part.unflatten(2, (self._heads, -1)).transpose(1, 2)
            for part in (self.query(tokens), self.key(seen), self.value(seen))
        ]
        heard = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2])
        answer: torch.Tensor = self.answer(heard.transpose(1, 2).flatten(2))
        return output + answer.view_as(output)


def _pooled(maps: torch.Tensor, grid: int) -> torch.Tensor:
    """Means over a grid's cells, (N, C, grid, grid), as torch's adaptive pooling; as products, which exported graphs know for every size."""
    down, across = (_cell_means(int(side), grid).to(maps) for side in maps.shape[-2:])
    return down @ maps @ across.T


def _cell_means(side: int, grid: int) -> torch.Tensor:
    cells = torch.arange(grid)[:, None]
    first, last = cells * side // grid, ((cells + 1) * side + grid - 1) // grid
    inside = ((torch.arange(side) >= first) & (torch.arange(side) < last)).float()
    return inside / inside.sum(dim=1, keepdim=True)


def _separable(origin: int, width: int) -> nn.Sequential:
    """Half the size: each channel by itself, then all together."""
    return nn.Sequential(
        nn.Conv2d(origin, origin, 3, stride=2, padding=1, groups=origin), nn.Conv2d(origin, width, 1), nn.GELU()
    )


def _low_rank(origin: int, to: int, rank: int, *, starts_at_zero: bool = False) -> nn.Sequential:
    down, up = nn.Linear(origin, rank, bias=False), nn.Linear(rank, to, bias=False)
    if starts_at_zero:
        nn.init.zeros_(up.weight)
    return nn.Sequential(down, up)
