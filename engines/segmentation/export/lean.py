"""The mask decoder's arithmetic in the order that costs least for a few clicks: the same answer in a little over half the time.

Nearly all of the decoder's work is projecting the picture's g x g tokens for attention (eight matrices of C x C/2). Tokens and picture meet
in products only, so the few tokens can be projected through both matrices instead: q (X W)^T = (q W^T) X^T. That pays while there are
fewer than a dozen tokens or so. Growing the masks is done token by token, and put in order at the very end.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from engines.segmentation.contracts import Segmenter

_OWN = ("segment_anything.", "torch.nn.")


def is_plain(decoder: nn.Module) -> bool:
    """Whether a decoder is built as the reference implementation's, nothing put into it; only such a one can be rearranged."""
    return all(
        type(part).__module__.startswith(_OWN) and not (part._forward_hooks or part._forward_pre_hooks)  # noqa: SLF001 - torch has no other way to ask
        for part in decoder.modules()
    )


class LeanDecoder(nn.Module):
    """Masks of one picture for one set of prompts, as `SegmentAnything.masks` gives them."""

    place: torch.Tensor

    def __init__(self, model: Segmenter) -> None:
        super().__init__()
        self.decoder: Any = model.decoder
        place = model.prompter.get_dense_pe()[0].flatten(1).T
        self.register_buffer("place", place.contiguous(), persistent=False)

    def forward(
        self, embeddings: torch.Tensor, sparse: torch.Tensor, dense: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(1, C, g, g), (1, K, C) and (1, C, g, g) to (1, M, m, m) and (1, M)."""
        side = embeddings.shape[-1]
        asked = torch.cat([self.decoder.iou_token.weight, self.decoder.mask_tokens.weight, sparse[0]])
        answers, picture = self._attended(asked, (embeddings + dense)[0].flatten(1).T)
        networks = self.decoder.output_hypernetworks_mlps
        weights = torch.cat([network(answers[1 + n : 2 + n]) for n, network in enumerate(networks)])
        # Each token has become 4 x 4 pixels: halves of halves, rows before columns.
        pixels = (self._grown(picture) @ weights.T).reshape(side, side, 2, 2, 2, 2, len(networks))
        masks = pixels.permute(6, 0, 2, 4, 1, 3, 5).reshape(1, len(networks), 4 * side, 4 * side)
        return masks, self.decoder.iou_prediction_head(answers[:1])

    def _attended(self, asked: torch.Tensor, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens (N, C) and the picture's (g^2, C) after they attended to each other."""
        transformer, tokens = self.decoder.transformer, asked
        for layer in transformer.layers:
            own = tokens if layer.skip_first_layer_pe else tokens + asked
            heard = layer.self_attn(own[None], own[None], tokens[None])[0]
            tokens = layer.norm1(heard if layer.skip_first_layer_pe else tokens + heard)
            placed = picture + self.place
            tokens = layer.norm2(tokens + _of_picture(layer.cross_attn_token_to_image, tokens + asked, placed, picture))
            tokens = layer.norm3(tokens + layer.mlp(tokens))
            heard = _of_tokens(layer.cross_attn_image_to_token, placed, tokens + asked, tokens)
            picture = layer.norm4(picture + heard)
        heard = _of_picture(transformer.final_attn_token_to_image, tokens + asked, picture + self.place, picture)
        return transformer.norm_final_attn(tokens + heard), picture

    def _grown(self, picture: torch.Tensor) -> torch.Tensor:
        """Tokens (g^2, C) as pixels (16 g^2, C / 8)."""
        first, norm, _, second, _ = self.decoder.output_upscaling
        found = functional.layer_norm(
            _doubled(picture, first), tuple(norm.weight.shape), norm.weight, norm.bias, norm.eps
        )
        return functional.gelu(_doubled(functional.gelu(found), second))


def _doubled(values: torch.Tensor, layer: Any) -> torch.Tensor:  # noqa: ANN401 - a transposed convolution of 2 x 2 in steps of 2
    """What the layer makes of each of (n, c): four pixels, (4 n, c')."""
    weight = layer.weight
    found: torch.Tensor = (values @ weight.permute(0, 2, 3, 1).flatten(1)).reshape(-1, weight.shape[1]) + layer.bias
    return found


def _of_picture(attention: Any, tokens: torch.Tensor, placed: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - segment_anything has no types
    """What tokens (N, C) hear of the picture (g^2, C). What the keys' bias adds is the same for all of it and falls out of the softmax."""
    heads = attention.num_heads
    asking = _by_head(attention.q_proj(tokens), heads)
    asking = asking @ attention.k_proj.weight.unflatten(0, (heads, -1)) / math.sqrt(asking.shape[-1])
    shares = (asking.flatten(0, 1) @ placed.T).softmax(dim=-1)
    seen = (shares @ picture).unflatten(0, (heads, -1))
    heard = seen @ attention.v_proj.weight.unflatten(0, (heads, -1)).transpose(1, 2)
    heard = heard + attention.v_proj.bias.unflatten(0, (heads, 1, -1))
    found: torch.Tensor = attention.out_proj(heard.transpose(0, 1).flatten(1))
    return found


def _of_tokens(attention: Any, placed: torch.Tensor, asked: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - likewise
    """What the picture (g^2, C) hears of tokens (N, C)."""
    heads = attention.num_heads
    keys = _by_head(attention.k_proj(asked), heads) / math.sqrt(attention.internal_dim / heads)
    values = _by_head(attention.v_proj(tokens), heads)
    meeting = (keys @ attention.q_proj.weight.unflatten(0, (heads, -1))).flatten(0, 1)
    besides = (keys * attention.q_proj.bias.unflatten(0, (heads, 1, -1))).sum(dim=-1)
    shares = (placed @ meeting.T + besides.flatten()).unflatten(1, (heads, -1)).softmax(dim=-1)
    saying = values @ attention.out_proj.weight.unflatten(1, (heads, -1)).permute(1, 2, 0)
    found: torch.Tensor = shares.flatten(1) @ saying.flatten(0, 1) + attention.out_proj.bias
    return found


def _by_head(values: torch.Tensor, heads: int) -> torch.Tensor:
    """(N, heads d) to (heads, N, d)."""
    return values.reshape(values.shape[0], heads, -1).transpose(0, 1)
