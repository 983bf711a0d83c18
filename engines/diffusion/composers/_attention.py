"""The denoiser's attention asked anew: what ways to compose put in place of the usual processors, and what its parts are called.

Only the ordinary attention of Stable Diffusion's transformer blocks is met here: no norms of queries and keys, no added inputs, no residual inside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional

SELF, CROSS = "attn1", "attn2"


class Processor(ABC):
    """Answers in an attention's stead."""

    def __call__(
        self,
        attention: Any,  # noqa: ANN401 - diffusers is untyped
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """As diffusers asks; words were read beforehand, and nothing is masked."""
        del encoder_hidden_states, attention_mask
        return self.answer(attention, hidden_states)

    @abstractmethod
    def answer(self, attention: Any, hidden_states: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - diffusers is untyped
        """The attention's answer for cells (B, cells, d), likewise."""


def attentions(denoiser: nn.Module, kind: str) -> dict[str, Any]:
    """The attentions of a kind, SELF or CROSS, by their paths, in order."""
    return {path: module for path, module in denoiser.named_modules() if path.rpartition(".")[2] == kind}


@contextmanager
def processed(processors: Mapping[Any, Any]) -> Iterator[None]:
    """Attentions with other processors inside; their own are put back at the end."""
    own = {attention: attention.processor for attention in processors}
    for attention, processor in processors.items():
        attention.processor = processor
    try:
        yield
    finally:
        for attention, processor in own.items():
            attention.processor = processor


def split(attention: Any, states: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - diffusers is untyped
    """States (B, L, d) by heads, (B, heads, L, d / heads)."""
    rows, length, width = states.shape
    heads = int(attention.heads)
    return states.view(rows, length, heads, width // heads).transpose(1, 2)


def joined(attention: Any, states: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - likewise
    """The attention's answer of what its heads found (B, heads, L, d / heads): (B, L, d)."""
    mixed = states.transpose(1, 2).flatten(2)
    answer: torch.Tensor = attention.to_out[1](attention.to_out[0](mixed))
    return answer


def attend(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """What heads find: softmax(q k / sqrt(d) + bias) v, each (B, heads, L, d)."""
    return functional.scaled_dot_product_attention(
        queries, keys, values, attn_mask=None if bias is None else bias.to(queries.dtype)
    )
