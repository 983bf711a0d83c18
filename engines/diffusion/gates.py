"""A low-rank change of a layer's output that acts only as far as a gate lets it, row by row: on one word's places, or as the prompt decides.

y = W x + up (gate * down x). The gate is linear and stands between the two halves, so changes side by side have no cross terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

Hook = Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], torch.Tensor]


class Gate(Protocol):
    """What lets a change through; found anew for the words of the moment."""

    @property
    def mask(self) -> torch.Tensor:
        """Shares 0..1: (N, L, 1) by the places of what goes in, or (N, 1, r) by the rows of the pair."""
        ...


def change(
    layer: nn.Module, inside: torch.Tensor, down: torch.Tensor, up: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """What is added to a layer's output.

    Args:
        layer: a linear layer, or a convolution.
        inside: what goes in, (N, L, in) or (N, in, h, w).
        down: (r, in), or (r, in, k, k); `up` (out, r) or (out, r, 1, 1).
        up: see `down`.
        mask: see `Gate`; for convolutions by rows only.
    """
    share = mask.to(inside.dtype)
    if isinstance(layer, nn.Conv2d):
        passed = functional.conv2d(inside, down, None, layer.stride, layer.padding, layer.dilation)
        return functional.conv2d(passed * share.transpose(1, 2).unsqueeze(-1), up)
    return functional.linear(functional.linear(inside, down) * share, up)


def adding(down: torch.Tensor, up: torch.Tensor, gate: Gate) -> Hook:
    """A forward hook that adds a gated change."""

    def add(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        return output + change(layer, inputs[0], down.to(inputs[0].dtype), up.to(inputs[0].dtype), gate.mask)

    return add
