"""Masks of any side: what the decoder gives on its grid of m x m, read off between its points or drawn anew there (I-MedSAM's implicit decoder).

The drawing looks at places, not at pixels: what the decoder knows around a place, its own answer there, and where the place is, as waves. A small
network corrects the decoder's answer everywhere, and a second one where the first is least sure. Both start from zero, so that before the
first step masks are the decoder's own.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

_ANSWERS = 4.0
"""Logits beyond this say little more than that they are sure."""


def enlarged(maps: torch.Tensor, side: int) -> torch.Tensor:
    """Maps (N, C, a, a) with another side, (N, C, side, side), read off between their points; the same ones where they have that side."""
    if maps.shape[-1] == side:
        return maps
    return functional.interpolate(maps, (side, side), mode="bilinear", align_corners=False)


class ImplicitDrawing(nn.Module):
    """Draws masks at any resolution.

    Attributes:
        finer: masks are given to people so many times finer than the decoder's grid.
    """

    def __init__(
        self, features: int, width: int, *, octaves: int, unsure: float, dropout: float, finer: int, scale: float = 0.5
    ) -> None:
        """Make it.

        Args:
            features: channels of what the decoder knows of each place.
            width: of the networks.
            octaves: waves by which a place is told, each twice as fine as the one before.
            unsure: share of the places that the second network sees.
            dropout: while learning.
            finer: see the class.
            scale: width of the second layers, as a share of the first ones'.
        """
        super().__init__()
        self.finer = finer
        self._octaves, self._unsure, self._drop = octaves, unsure, dropout
        waves, narrow = 2 * octaves + 1, max(1, int(width * scale))
        self.seen = nn.Conv2d(features + 1, width, 1)
        self.across, self.down = (nn.Linear(waves, width, bias=False) for _ in range(2))
        self.inside = nn.Conv2d(width, narrow, 1)
        self.rough = nn.Conv2d(narrow, 1, 1)
        self.fine = nn.Sequential(
            nn.Linear(features + 1 + 2 * waves + narrow, width), nn.ReLU(), nn.Linear(width, narrow), nn.ReLU()
        )
        self.last = nn.Linear(narrow, 1)
        for start in (*self.rough.parameters(), *self.last.parameters()):
            nn.init.zeros_(start)

    def forward(self, masks: torch.Tensor, known: torch.Tensor, side: int) -> torch.Tensor:
        """Logits (P, M, side, side).

        Args:
            masks: the decoder's own (P, M, m, m).
            known: what it knows of each place (P, C, m, m).
            side: of the masks that are wanted.
        """
        count, several = int(masks.shape[0]), int(masks.shape[1])
        answers = torch.tanh(masks / _ANSWERS).unsqueeze(2)
        seen = torch.cat([known.unsqueeze(1).expand(-1, several, -1, -1, -1), answers], dim=2).flatten(0, 1)
        waves = self._waves((torch.arange(side, device=masks.device) + 0.5) * (2.0 / side) - 1.0)
        # Reading off between points and a layer's weights are both linear, so the layer comes first, on the smaller map.
        told = self.across(waves).T.unsqueeze(1) + self.down(waves).T.unsqueeze(2)
        hidden = functional.dropout(functional.relu(enlarged(self.seen(seen), side) + told), self._drop, self.training)
        hidden = functional.relu(self.inside(hidden))
        logits = (enlarged(masks, side).flatten(0, 1) + self.rough(hidden)[:, 0]).flatten(1)
        least = max(1, int(self._unsure * side * side))
        places = (-logits.detach().abs()).topk(least, dim=1).indices
        drawn: torch.Tensor = logits.scatter_add(1, places, self._finer(places, side, seen, hidden))
        return drawn.view(count, several, side, side)

    def _finer(self, places: torch.Tensor, side: int, seen: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """What is added at places (N, K), numbered row by row."""
        rows = torch.div(places, side, rounding_mode="floor")
        points = torch.stack([places - rows * side, rows], dim=-1).to(seen.dtype)
        points = (points + 0.5) * (2.0 / side) - 1.0
        around = functional.grid_sample(
            seen, points.unsqueeze(1), mode="bilinear", padding_mode="border", align_corners=False
        )
        thought = hidden.flatten(2).gather(2, places.unsqueeze(1).expand(-1, hidden.shape[1], -1))
        given = torch.cat([around[:, :, 0], thought], dim=1).transpose(1, 2)
        told = [self._waves(points[..., axis]) for axis in range(2)]
        found: torch.Tensor = self.last(self.fine(torch.cat([given, *told], dim=-1)))[..., 0]
        return found

    def _waves(self, places: torch.Tensor) -> torch.Tensor:
        """Places (...) from -1 to 1 as waves (..., 2 octaves + 1)."""
        phases = [places * (torch.pi * 2**octave) for octave in range(self._octaves)]
        waves = [wave for phase in phases for wave in (phase.sin(), phase.cos())]
        return torch.stack([places, *waves], dim=-1)
