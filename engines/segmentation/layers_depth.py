"""What 3DSAM-adapter puts into the encoder: narrow layers that look from slice to slice. Where slices have no neighbours, they look at themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from engines.segmentation.contracts import Segmenter


class DepthPlaces(nn.Module):
    """A learned addition to all tokens of a slice, for each place among its neighbours; from zero."""

    def __init__(self, model: Segmenter, reach: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.zeros(2 * reach + 1, model.info.sizes.embed_dim))
        self._reach = reach
        self._model = (model,)  # not a part of this module

    def before(self, _block: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """A hook before the first block, which sees tokens (N, g, g, D)."""
        tokens, together = inputs[0], self._model[0].together
        own = self.places if together > 1 else self.places[self._reach : self._reach + 1]
        added = own.repeat(tokens.shape[0] // together, 1) if together > 1 else own
        return (tokens + added[:, None, None], *inputs[1:])


class DepthSide(nn.Module):
    """up(relu(around(relu(down(x))))), where `around` weighs 3 x 3 x 3 neighbours of every token, each channel by itself; `up` from zero."""

    def __init__(self, model: Segmenter, narrow: int) -> None:
        super().__init__()
        width = model.info.sizes.embed_dim
        self.down, self.up = nn.Linear(width, narrow), nn.Linear(narrow, width)
        self.around = nn.Conv3d(narrow, narrow, 3, padding=(0, 1, 1), groups=narrow)
        for start in (*self.up.parameters(), self.down.bias):
            nn.init.zeros_(start)
        self._model = (model,)

    def before(self, _block: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """A hook before a block, which sees tokens (N, g, g, D)."""
        tokens, together = inputs[0], self._model[0].together
        inside = functional.relu(self.down(tokens))
        inside = inside.reshape(-1, together, *inside.shape[1:]).permute(0, 4, 1, 2, 3)
        # The first and the last slice stand for what lies beyond them, so that one alone is a volume of its like.
        inside = torch.cat([inside[:, :, :1], inside, inside[:, :, -1:]], dim=2)
        seen = functional.relu(self.around(inside)).permute(0, 2, 3, 4, 1).flatten(0, 1)
        return (tokens + self.up(seen), *inputs[1:])
