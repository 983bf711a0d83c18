"""The encoder's attention without its table of every token against every other: the same answer, a quarter of the memory, and faster.

The reference adds a bias to that table: q_i . R_h(row i, row j) + q_i . R_w(column i, column j), for which the table has to exist. But the bias
is itself a product: of the numbers (q_i . R_h)_r and (q_i . R_w)_c of token i with codes that are 1 at row and column of token j. So both are
appended to queries and keys, and one fused attention does all, exactly. Values are padded to the same width, which the fused kernels ask for.
"""

from __future__ import annotations

from typing import Any

import torch
from segment_anything.modeling.image_encoder import Attention, get_rel_pos
from torch.nn import functional


class FusedAttention(Attention):  # type: ignore[misc] # segment_anything has no types
    """The reference's attention layer with the same weights and another way to compute."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (N, H, W, D) to tokens (N, H, W, D)."""
        count, height, width, _ = x.shape
        parts = self.qkv(x).reshape(count, height * width, 3, self.num_heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        asked = torch.cat([query * self.scale, *self._biases(query, height, width)], dim=-1)
        codes = _codes(height, width, key).expand(count, self.num_heads, -1, -1)
        answering = torch.cat([key, codes], dim=-1)
        own = value.shape[-1]
        padded = functional.pad(value, (0, asked.shape[-1] - own))
        heard = functional.scaled_dot_product_attention(asked, answering, padded, scale=1.0)[..., :own]
        answer: torch.Tensor = self.proj(heard.transpose(1, 2).reshape(count, height, width, -1))
        return answer

    def _biases(self, query: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """For every token its bias towards every row (N, heads, H W, H) and every column (N, heads, H W, W)."""
        placed = query.reshape(*query.shape[:2], height, width, query.shape[-1])
        rows = get_rel_pos(height, height, self.rel_pos_h).to(query.dtype)
        columns = get_rel_pos(width, width, self.rel_pos_w).to(query.dtype)
        return (
            torch.einsum("nahwc,hkc->nahwk", placed, rows).flatten(2, 3),
            torch.einsum("nahwc,wkc->nahwk", placed, columns).flatten(2, 3),
        )


def _codes(height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """Of every token (H W) its row and its column as codes, (H W, H + W)."""
    rows = torch.eye(height, dtype=like.dtype, device=like.device).repeat_interleave(width, dim=0)
    columns = torch.eye(width, dtype=like.dtype, device=like.device).repeat(height, 1)
    return torch.cat([rows, columns], dim=1)


def fuse(encoder: Any) -> None:  # noqa: ANN401 - segment_anything has no types
    """Let every block of an image encoder compute its attention this way."""
    for block in encoder.blocks:
        block.attn.__class__ = FusedAttention


def unfuse(encoder: Any) -> None:  # noqa: ANN401 - likewise
    """Let every block compute as the reference does: where there is no fused attention, the wider products only cost time."""
    for block in encoder.blocks:
        block.attn.__class__ = Attention
