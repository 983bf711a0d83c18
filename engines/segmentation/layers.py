"""Layers that tuners put into a segmentation model. All start so that the model answers as before, to the last bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from engines.segmentation.frequencies import coarse_part


class LowRankLinear(nn.Module):
    """A linear layer whose output is made of `of` equal parts, with a low-rank change of some of them (LoRA).

    Attributes:
        pairs: the learned halves, `down` (r, in) and `up` (out / of, r) for each changed part.
    """

    def __init__(self, own: nn.Linear, rank: int, scale: float, parts: Sequence[int], *, of: int) -> None:
        super().__init__()
        self.own, self._scale, self._parts, self._of = own, scale, tuple(parts), of
        self.pairs = nn.ModuleDict()
        for part in parts:
            pair = nn.Module()
            pair.down = nn.Parameter(torch.empty(rank, own.in_features))
            pair.up = nn.Parameter(torch.zeros(own.out_features // of, rank))
            nn.init.kaiming_uniform_(pair.down, a=math.sqrt(5))
            self.pairs[str(part)] = pair

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's own answer and the change."""
        answer: torch.Tensor = self.own(x)
        changes = [self._change(x, part, answer) for part in range(self._of)]
        return answer + torch.cat(changes, dim=-1)

    def merge(self) -> None:
        """Put the change into the layer's own weight."""
        rows = self.own.out_features // self._of
        for part in self._parts:
            pair: Any = self.pairs[str(part)]
            self.own.weight[part * rows : (part + 1) * rows] += self._scale * (pair.up @ pair.down)

    def _change(self, x: torch.Tensor, part: int, answer: torch.Tensor) -> torch.Tensor:
        if part not in self._parts:
            return answer.new_zeros(()).expand(*answer.shape[:-1], answer.shape[-1] // self._of)
        pair: Any = self.pairs[str(part)]
        changed: torch.Tensor = functional.linear(functional.linear(x, pair.down), pair.up) * self._scale
        return changed


class SideLayer(nn.Module):
    """A narrow layer (AdaptFormer): scale * up(drop(relu(down(x)))), with `up` starting from zero.

    With `experts` n > 1 every pass while learning uses one of n disjoint random parts of `up`, drawn anew (MoSA); in use all of them add up,
    which is the whole `up`.
    """

    def __init__(
        self, width: int, narrow: int, *, scale: float, scale_trains: bool, dropout: float, experts: int
    ) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, narrow), nn.Linear(narrow, width)
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)
        self._drop, self._experts = dropout, experts
        if scale_trains:
            self.scale: nn.Parameter | float = nn.Parameter(torch.tensor(scale))
        else:
            self.scale = scale
        parts = torch.randint(0, max(1, experts), (width, narrow))
        self.register_buffer("_part", parts, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What is added to the feed-forward's answer."""
        inside = functional.dropout(functional.relu(self.down(x)), self._drop, self.training)
        weight = self.up.weight
        if self._experts > 1 and self.training:
            drawn = torch.randint(0, self._experts, (1,))
            weight = weight * (self._part == drawn.to(weight.device))
        return self.scale * functional.linear(inside, weight, self.up.bias)


class Beside(nn.Module):
    """A feed-forward with a narrow layer beside it."""

    def __init__(self, own: nn.Module, side: SideLayer) -> None:
        super().__init__()
        self.own, self.side = own, side

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Both answers, added."""
        answer: torch.Tensor = self.own(x) + self.side(x)
        return answer


class SingularLinear(nn.Module):
    """A linear layer seen through its singular values (SALT): W' = U S' V^T.

    S' holds relu(scale * s + shift) for the leading r values, and diag(s) + X Y for the rest. Only what differs from the layer's own weight is
    added, so that nothing changes before the first step.

    Attributes:
        values: what is learned: `scale` (r), `shift` (r), `x` (k - r, q), `y` (q, k - r).
    """

    _left: torch.Tensor
    _singular: torch.Tensor
    _right: torch.Tensor

    def __init__(self, own: nn.Linear, leading: float, rank: int) -> None:
        super().__init__()
        self.own = own
        left, singular, right = _taken_apart(own.weight.detach())
        count = len(singular)
        first = min(count, max(1, int(count * leading)))
        rest = min(rank, count - first)
        for name, tensor in (("_left", left), ("_singular", singular), ("_right", right)):
            self.register_buffer(name, tensor, persistent=False)
        self.values: Any = nn.Module()
        self.values.scale = nn.Parameter(torch.ones(first))
        self.values.shift = nn.Parameter(torch.zeros(first))
        if rest:
            self.values.x = nn.Parameter(torch.empty(count - first, rest))
            self.values.y = nn.Parameter(torch.zeros(rest, count - first))
            nn.init.kaiming_uniform_(self.values.x, a=math.sqrt(5))
        self._first, self._rest = first, rest

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's own answer and what the learned values change."""
        answer: torch.Tensor = self.own(x)
        first, seen = self._first, functional.linear(x, self._right)
        answer = answer + functional.linear(seen[..., :first] * self._leading_change(), self._left[:, :first])
        if self._rest:
            low = functional.linear(functional.linear(seen[..., first:], self.values.y), self.values.x)
            answer = answer + functional.linear(low, self._left[:, first:])
        return answer

    def merge(self) -> None:
        """Put the change into the layer's own weight."""
        first = self._first
        change = (self._left[:, :first] * self._leading_change()) @ self._right[:first]
        if self._rest:
            change = change + self._left[:, first:] @ (self.values.x @ self.values.y) @ self._right[first:]
        self.own.weight += change

    def _leading_change(self) -> torch.Tensor:
        singular = self._singular[: self._first]
        changed: torch.Tensor = functional.relu(self.values.scale * singular + self.values.shift) - singular
        return changed


def _taken_apart(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """U (m, k), s (k), V^T (k, n) of a weight (m, n), fp32; the largest entry of each column of U is positive."""
    left, singular, right = torch.linalg.svd(weight.float(), full_matrices=False)
    signs = left.gather(0, left.abs().argmax(dim=0, keepdim=True)).sign()
    return left * signs, singular, right * signs.T


class FinePrompts(nn.Module):
    """Additions to the input of every block, made of the picture's fine frequencies and its patches (SAM-Adapter).

    f = conv(|fine(x)|) + linear(patches); the addition to block i is up(gelu(tune_i(f))), with `up` shared and starting from zero.
    """

    def __init__(self, width: int, narrow: int, depth: int, patch: int, coarse: float) -> None:
        super().__init__()
        self.fine: Any = nn.Conv2d(3, narrow, patch, patch)
        self.patches = nn.Linear(width, narrow)
        self.tune: Any = nn.ModuleList(nn.Linear(narrow, narrow) for _ in range(depth))
        self.up = nn.Linear(narrow, width)
        self._coarse = coarse
        self._features: torch.Tensor | None = None
        nn.init.normal_(self.fine.weight, std=math.sqrt(2.0 / (patch * patch * narrow)))
        for linear in (self.patches, *self.tune):
            nn.init.trunc_normal_(linear.weight, std=0.02)
        for layer in (self.fine, self.patches, *self.tune):
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def look(self, _module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        """A forward hook of the patch embedding: pixels (N, 3, S, S) in, patches (N, g, g, D) out."""
        fine = fine_frequencies(inputs[0], self._coarse)
        self._features = self.fine(fine.to(output.dtype)).permute(0, 2, 3, 1) + self.patches(output)

    def adding(self, number: int) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], tuple[torch.Tensor, ...]]:
        """A hook before block `number` that adds to its input (N, g, g, D)."""

        def add(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            assert self._features is not None  # noqa: S101 - the patches come before the blocks
            return (inputs[0] + self.up(functional.gelu(self.tune[number](self._features))), *inputs[1:])

        return add


def fine_frequencies(pixels: torch.Tensor, coarse: float) -> torch.Tensor:
    """What is left of pictures (N, C, H, W) without their coarse frequencies, as absolute values, fp32.

    Args:
        pixels: normalised pictures.
        coarse: share of the spectrum that is left out, a square around its middle.
    """
    height, width = pixels.shape[-2:]
    return (pixels.float() - coarse_part(pixels, int(math.sqrt(height * width * coarse) / 2))).abs()
