"""Who owns which cell of the picture, at every size the denoiser works at."""

from __future__ import annotations

from collections.abc import Sequence

import torch

GROUND = -1
"""Owner of the cells that belong to no concept."""


class Places:
    """The places of n concepts, the last on top.

    Args:
        masks: (H, W) bool each, in order.
        latent_grid: height and width of the latents.
        device: where indices are wanted.
    """

    def __init__(self, masks: Sequence[torch.Tensor], latent_grid: tuple[int, int], device: torch.device) -> None:
        self.count = len(masks)
        self._device = device
        self._grids = grids_of(latent_grid)
        owner = torch.full(masks[0].shape, GROUND)
        for number, mask in enumerate(masks):
            owner[mask] = number
        self._shares = torch.stack([(owner == number).float() for number in range(GROUND, self.count)])
        self._owners: dict[int, torch.Tensor] = {}
        self._cells: dict[tuple[int, int], torch.Tensor] = {}
        self._shown: dict[int, torch.Tensor] = {}

    def grid(self, cells: int) -> tuple[int, int]:
        """Height and width of the grid of so many cells."""
        return self._grids[cells]

    def owners(self, cells: int) -> torch.Tensor:
        """Owner of each cell, (cells,), row by row: who has most of it. A concept that can be seen has at least one."""
        if cells not in self._owners:
            shares = torch.nn.functional.adaptive_avg_pool2d(self._shares, self._grids[cells]).flatten(1)
            owner = shares.argmax(dim=0) + GROUND
            for number in range(self.count):
                share = shares[number - GROUND]
                if float(share.max()) > 0 and not bool((owner == number).any()):
                    owner[share.argmax()] = number
            self._owners[cells] = owner.to(self._device)
        return self._owners[cells]

    def cells(self, cells: int, number: int) -> torch.Tensor:
        """Numbers of the cells that a concept, or the ground, has in the grid of so many cells."""
        if (cells, number) not in self._cells:
            self._cells[cells, number] = (self.owners(cells) == number).nonzero().flatten()
        return self._cells[cells, number]

    def speakers(self, cells: int) -> list[int]:
        """Who has cells at all in the grid of so many cells: the ground first, then concepts in order."""
        return [number for number in range(GROUND, self.count) if len(self.cells(cells, number))]

    def weights(self, cells: int) -> torch.Tensor:
        """1 where a concept has the cell, else 0: (1, cells, n)."""
        if cells not in self._shown:
            owner = self.owners(cells)
            self._shown[cells] = torch.stack([owner == number for number in range(self.count)], dim=-1)[None].float()
        return self._shown[cells]

    def frame(self, cells: int, number: int) -> tuple[int, int, int, int] | None:
        """The rows and columns that a concept's cells reach, as top, left, height, width; None where it has none."""
        own = self.cells(cells, number)
        if not len(own):
            return None
        width = self._grids[cells][1]
        rows, columns = own // width, own % width
        top, left = int(rows.min()), int(columns.min())
        return top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1

    def centred(self, cells: int, number: int) -> torch.Tensor:
        """How central each of a concept's cells is in its frame: exp(-(x^2 + y^2) / 2) with x, y from -1 to 1 across it, (m,)."""
        own, frame = self.cells(cells, number), self.frame(cells, number)
        if frame is None:
            return torch.zeros(0, device=self._device)
        top, left, height, width = frame
        across = self._grids[cells][1]
        rows = ((own // across - top).float() + 0.5) / height
        columns = ((own % across - left).float() + 0.5) / width
        return torch.exp(-((2 * rows - 1) ** 2 + (2 * columns - 1) ** 2) / 2)


def grids_of(latent_grid: tuple[int, int]) -> dict[int, tuple[int, int]]:
    """Height and width by number of cells: the latents' grid halved again and again, odd sides rounded up, as strided convolutions do."""
    height, width = latent_grid
    found = {height * width: (height, width)}
    while height > 1 or width > 1:
        height, width = -(-height // 2), -(-width // 2)
        found[height * width] = (height, width)
    return found
