"""What I-MedSAM puts into the encoder: low-rank changes that the picture itself weighs, and a branch that looks at its frequencies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from engines.segmentation.frequencies import spectrum
from engines.segmentation.layers import LowRankLinear


class GatedLowRankLinear(LowRankLinear):
    """A low-rank change (LoRA) of which the tokens' mean decides how much is added: in a block with windows, window by window."""

    def __init__(self, own: nn.Linear, rank: int, parts: Sequence[int], *, of: int) -> None:
        super().__init__(own, rank, 1.0, parts, of=of)
        self.pairs["gate"] = nn.Linear(own.in_features, 1, bias=False)

    def _change(self, x: torch.Tensor, part: int, answer: torch.Tensor) -> torch.Tensor:
        gate: torch.Tensor = self.pairs["gate"](x.mean(dim=(1, 2), keepdim=True))
        return super()._change(x, part, answer) * gate


class SpectrumBranch(nn.Module):
    """The picture's spectrum as tokens, made narrower and wider again block by block, and added after each; the share starts from zero."""

    def __init__(self, width: int, narrow: int, blocks: Sequence[int]) -> None:
        super().__init__()
        self.norms, self.layers = nn.ModuleDict(), nn.ModuleDict()
        self.shares = nn.ParameterDict()
        for number in blocks:
            self.norms[str(number)] = nn.LayerNorm(width)
            self.layers[str(number)] = nn.Sequential(nn.Linear(width, narrow), nn.GELU(), nn.Linear(narrow, width))
            self.shares[str(number)] = nn.Parameter(torch.zeros(()))
        self._tokens: torch.Tensor | None = None

    def look(self, encoder: Any, inputs: tuple[torch.Tensor, ...]) -> None:  # noqa: ANN401 - segment_anything has no types
        """A hook before the encoder, which sees its pixels (N, 3, S, S); the frozen layers that read pictures read their spectrum."""
        strengths = spectrum(inputs[0].mean(dim=1)).unsqueeze(1).expand(-1, 3, -1, -1)
        with torch.no_grad():
            self._tokens = encoder.patch_embed(strengths.to(inputs[0].dtype)) + encoder.pos_embed

    def adding(self, number: int) -> Callable[[nn.Module, object, torch.Tensor], torch.Tensor]:
        """A hook after block `number`, which gives tokens (N, g, g, D)."""
        name = str(number)

        def add(_block: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
            assert self._tokens is not None  # noqa: S101 - the picture comes before the blocks
            calm = self.norms[name](self._tokens)
            self._tokens = calm + self.layers[name](calm)
            found: torch.Tensor = output + self.shares[name] * self._tokens
            return found

        return add
