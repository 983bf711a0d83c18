"""How large a Segment Anything model is, read off the shapes of its weights; the names are those of Meta's checkpoints.

A checkpoint says nothing about itself, but every size leaves its trace: a block's relative positions are ``2 n - 1`` long, where n is the
side of what it attends over, and as wide as one head. So ViT-B, L and H, retrained or smaller models all open the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engines.api.errors import ModelError

Shapes = Mapping[str, tuple[int, ...]]

_DECODER_HEAD_WIDTH = 32
_BLOCK = "image_encoder.blocks.{}."


@dataclass(frozen=True)
class SamSizes:
    """All that is needed to build a model.

    ``image_side`` is in pixels (pictures are padded to a square of it), ``patch`` the pixels a token covers, ``window`` the side in tokens of
    what the blocks outside ``global_blocks`` attend over (0 when there are none), ``mask_tokens`` the masks the decoder draws at once: one
    for clear prompts and the rest for ambiguous ones.
    """

    image_side: int
    patch: int
    embed_dim: int
    depth: int
    heads: int
    global_blocks: tuple[int, ...]
    window: int
    mlp_ratio: float
    out_chans: int
    mask_in_chans: int
    mask_tokens: int
    decoder_depth: int
    decoder_mlp_dim: int
    decoder_downsample: int
    iou_head_depth: int
    iou_head_dim: int

    @property
    def token_side(self) -> int:
        """Tokens along a side of the padded picture, which is also the side of an embedding."""
        return self.image_side // self.patch

    @property
    def mask_side(self) -> int:
        """Side in pixels of the decoder's logits, and of a mask given as a prompt."""
        return 4 * self.token_side

    @property
    def decoder_heads(self) -> int:
        """Heads of the decoder: 32 channels each, as in all of Meta's models. They alone leave no trace in the shapes."""
        return max(1, self.out_chans // _DECODER_HEAD_WIDTH)


def sizes_of(shapes: Shapes) -> SamSizes:
    """The sizes of the model whose weights have these shapes, by name.

    Raises:
        ModelError: these are not the weights of a Segment Anything model, or not all of them.
    """
    try:
        return _read(shapes)
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        raise _not_sam(shapes) from error


def _read(shapes: Shapes) -> SamSizes:
    _, rows, columns, embed_dim = shapes["image_encoder.pos_embed"]
    _, channels, patch, _ = shapes["image_encoder.patch_embed.proj.weight"]
    depth = _count(shapes, _BLOCK + "norm1.weight")
    sides = [_attention_side(shapes, index) for index in range(depth)]
    windows = {side for side in sides if side != rows}
    head_width = shapes[_BLOCK.format(0) + "attn.rel_pos_h"][1]
    out_chans = shapes["mask_decoder.iou_token.weight"][1]
    layer = "mask_decoder.transformer.layers.{}."
    if rows != columns or channels != 3 or len(windows) > 1 or embed_dim % head_width:
        raise ValueError
    return SamSizes(
        image_side=rows * patch,
        patch=patch,
        embed_dim=embed_dim,
        depth=depth,
        heads=embed_dim // head_width,
        global_blocks=tuple(index for index, side in enumerate(sides) if side == rows),
        window=max(windows, default=0),
        mlp_ratio=shapes[_BLOCK.format(0) + "mlp.lin1.weight"][0] / embed_dim,
        out_chans=out_chans,
        mask_in_chans=shapes["prompt_encoder.mask_downscaling.3.weight"][0],
        mask_tokens=shapes["mask_decoder.mask_tokens.weight"][0],
        decoder_depth=_count(shapes, layer + "norm1.weight"),
        decoder_mlp_dim=shapes[layer.format(0) + "mlp.lin1.weight"][0],
        decoder_downsample=out_chans // shapes[layer.format(0) + "cross_attn_token_to_image.q_proj.weight"][0],
        iou_head_depth=_count(shapes, "mask_decoder.iou_prediction_head.layers.{}.weight"),
        iou_head_dim=shapes["mask_decoder.iou_prediction_head.layers.0.weight"][0],
    )


def _attention_side(shapes: Shapes, index: int) -> int:
    """Side in tokens of what encoder block ``index`` attends over."""
    return (shapes[_BLOCK.format(index) + "attn.rel_pos_h"][0] + 1) // 2


def _count(shapes: Shapes, pattern: str) -> int:
    """How many names follow ``pattern`` from 0 on without a gap."""
    index = 0
    while pattern.format(index) in shapes:
        index += 1
    return index


def _not_sam(shapes: Shapes) -> ModelError:
    if any(name.startswith("vision_encoder.") for name in shapes):
        return ModelError(
            "This is another edition of Segment Anything",
            "Its weights bear the names that the transformers library gives them.",
            "Choose the checkpoint file that Meta published, such as sam_vit_b_01ec64.pth.",
        )
    if any(name.startswith("image_encoder.") for name in shapes):
        return ModelError(
            "This model does not fit",
            "It resembles Segment Anything, but parts of it are missing or built differently.",
            "Fetch the file again, or choose a ViT-B, ViT-L or ViT-H checkpoint of the first Segment Anything.",
        )
    return ModelError(
        "This is not a Segment Anything model",
        "None of the weights in the file belong to one.",
        "Choose a ViT-B, ViT-L or ViT-H checkpoint of the first Segment Anything.",
    )


_VIT_B = SamSizes(
    image_side=1024,
    patch=16,
    embed_dim=768,
    depth=12,
    heads=12,
    global_blocks=(2, 5, 8, 11),
    window=14,
    mlp_ratio=4.0,
    out_chans=256,
    mask_in_chans=16,
    mask_tokens=4,
    decoder_depth=2,
    decoder_mlp_dim=2048,
    decoder_downsample=2,
    iou_head_depth=3,
    iou_head_dim=256,
)
PUBLISHED: Mapping[str, SamSizes] = {
    "vit_b": _VIT_B,
    "vit_l": replace(_VIT_B, embed_dim=1024, depth=24, heads=16, global_blocks=(5, 11, 17, 23)),
    "vit_h": replace(_VIT_B, embed_dim=1280, depth=32, heads=16, global_blocks=(7, 15, 23, 31)),
}
"""The models that Meta published."""
