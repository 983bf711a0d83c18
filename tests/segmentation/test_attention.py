"""The fused attention gives the reference's answers and gradients, in windows and over the whole picture, and keeps no table of all tokens."""

from __future__ import annotations

import copy

import pytest
import torch
from segment_anything.modeling.image_encoder import Attention

from engines.segmentation.attention import FusedAttention


def layers(side: tuple[int, int], seed: int = 0) -> tuple[Attention, Attention]:
    torch.manual_seed(seed)
    own = Attention(32, num_heads=4, use_rel_pos=True, input_size=side)
    for table in (own.rel_pos_h, own.rel_pos_w):
        torch.nn.init.normal_(table, std=0.5)
    fused = copy.deepcopy(own)
    fused.__class__ = FusedAttention
    return own, fused


@pytest.mark.parametrize(("side", "count"), [((8, 8), 1), ((3, 3), 25), ((6, 10), 2)])
def test_answers_and_gradients_are_the_reference_s(side: tuple[int, int], count: int) -> None:
    own, fused = layers(side)
    x = torch.randn(count, *side, 32)
    found = []
    for layer in (own, fused):
        seen = x.clone().requires_grad_()
        answer = layer(seen)
        answer.square().sum().backward()
        found.append([answer.detach(), seen.grad, *(one.grad for one in layer.parameters())])
    for reference, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-4, atol=1e-4)


def test_no_table_of_all_tokens_is_kept() -> None:
    own, fused = layers((24, 24))
    x = torch.randn(1, 24, 24, 32, requires_grad=True)

    def kept(layer: torch.nn.Module) -> int:
        largest = 0

        def note(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal largest
            largest = max(largest, tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            layer(x)
        return largest

    table = 4 * 24**4
    assert kept(own) >= table
    assert kept(fused) < table / 4
