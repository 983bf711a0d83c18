"""Builds a Segment Anything model of given sizes; how sizes are read off a checkpoint: `engines.launch.sam_sizes`."""

from __future__ import annotations

from typing import Any

from engines.launch.sam_sizes import SamSizes, sizes_of

__all__ = ["SamSizes", "build_sam", "sizes_of"]


def build_sam(sizes: SamSizes) -> Any:  # noqa: ANN401 - segment_anything has no types
    """A ``segment_anything.modeling.Sam`` of these sizes with fresh weights; under ``torch.device("meta")`` without any memory."""
    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    encoder = ImageEncoderViT(
        img_size=sizes.image_side,
        patch_size=sizes.patch,
        embed_dim=sizes.embed_dim,
        depth=sizes.depth,
        num_heads=sizes.heads,
        mlp_ratio=sizes.mlp_ratio,
        out_chans=sizes.out_chans,
        norm_layer=lambda width: torch.nn.LayerNorm(width, eps=1e-6),
        use_rel_pos=True,
        window_size=sizes.window,
        global_attn_indexes=sizes.global_blocks,
    )
    prompts = PromptEncoder(
        embed_dim=sizes.out_chans,
        image_embedding_size=(sizes.token_side, sizes.token_side),
        input_image_size=(sizes.image_side, sizes.image_side),
        mask_in_chans=sizes.mask_in_chans,
    )
    transformer = TwoWayTransformer(
        depth=sizes.decoder_depth,
        embedding_dim=sizes.out_chans,
        num_heads=sizes.decoder_heads,
        mlp_dim=sizes.decoder_mlp_dim,
        attention_downsample_rate=sizes.decoder_downsample,
    )
    decoder = MaskDecoder(
        transformer_dim=sizes.out_chans,
        transformer=transformer,
        num_multimask_outputs=sizes.mask_tokens - 1,
        iou_head_depth=sizes.iou_head_depth,
        iou_head_hidden_dim=sizes.iou_head_dim,
    )
    return Sam(image_encoder=encoder, prompt_encoder=prompts, mask_decoder=decoder)
