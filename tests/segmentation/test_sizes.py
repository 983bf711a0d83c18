"""Every size of a Segment Anything model is read off its weights' shapes, and what is no such model is refused in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engines.api.errors import ModelError
from engines.segmentation.sizes import SamSizes, build_sam, sizes_of

TINY = SamSizes(
    image_side=128,
    patch=16,
    embed_dim=32,
    depth=2,
    heads=2,
    global_blocks=(1,),
    window=3,
    mlp_ratio=4.0,
    out_chans=32,
    mask_in_chans=16,
    mask_tokens=4,
    decoder_depth=2,
    decoder_mlp_dim=64,
    decoder_downsample=2,
    iou_head_depth=3,
    iou_head_dim=32,
)
_META = replace(TINY, image_side=1024, window=14, out_chans=256, decoder_mlp_dim=2048, iou_head_dim=256)
VIT_B = replace(_META, embed_dim=768, depth=12, heads=12, global_blocks=(2, 5, 8, 11))
VIT_L = replace(_META, embed_dim=1024, depth=24, heads=16, global_blocks=(5, 11, 17, 23))
VIT_H = replace(_META, embed_dim=1280, depth=32, heads=16, global_blocks=(7, 15, 23, 31))


def _shapes(sizes: SamSizes) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(value.shape) for name, value in build_sam(sizes).state_dict().items()}


@pytest.mark.parametrize(
    ("official", "sizes", "parameters", "encoder"),
    [
        ("vit_b", VIT_B, 93_735_472, 89_670_912),
        ("vit_l", VIT_L, 312_342_832, 308_278_272),
        ("vit_h", VIT_H, 641_090_608, 637_026_048),
    ],
)
def test_the_published_models_are_recognised(official: str, sizes: SamSizes, parameters: int, encoder: int) -> None:
    from segment_anything import sam_model_registry

    with torch.device("meta"):
        published, ours = sam_model_registry[official](), build_sam(sizes)
    found = sizes_of({name: tuple(value.shape) for name, value in published.state_dict().items()})
    assert found == sizes
    assert found.decoder_heads == published.mask_decoder.transformer.num_heads
    assert sum(value.numel() for value in ours.parameters()) == parameters
    assert sum(value.numel() for value in ours.image_encoder.parameters()) == encoder
    for one, other in zip(published.modules(), ours.modules(), strict=True):
        assert type(one) is type(other)
        assert [getattr(one, name, None) for name in ("eps", "num_heads", "window_size")] == [
            getattr(other, name, None) for name in ("eps", "num_heads", "window_size")
        ]


def test_a_tiny_model_runs_and_is_recognised() -> None:
    torch.manual_seed(0)
    model = build_sam(TINY).eval()
    assert sum(value.numel() for value in model.parameters()) == 104_748
    assert sizes_of({name: tuple(value.shape) for name, value in model.state_dict().items()}) == TINY
    picture = torch.zeros(3, 100, 128, dtype=torch.uint8)
    points = {"point_coords": torch.tensor([[[5.0, 6.0]]]), "point_labels": torch.ones(1, 1)}
    (out,) = model([{"image": picture, "original_size": (50, 64), **points}], multimask_output=True)
    assert out["masks"].shape == (1, 3, 50, 64)
    assert out["low_res_logits"].shape == (1, 3, TINY.mask_side, TINY.mask_side)
    embedding = model.image_encoder(torch.zeros(1, 3, TINY.image_side, TINY.image_side))
    assert embedding.shape == (1, TINY.out_chans, TINY.token_side, TINY.token_side)


@pytest.mark.parametrize(
    "other",
    [
        replace(TINY, global_blocks=(0, 1), window=0),
        replace(TINY, global_blocks=(), window=5, mlp_ratio=2.0, mask_tokens=6, iou_head_depth=2, iou_head_dim=24),
        replace(TINY, image_side=96, patch=8, out_chans=64, mask_in_chans=8, decoder_depth=1, decoder_mlp_dim=48),
    ],
)
def test_other_sizes_come_back(other: SamSizes) -> None:
    assert sizes_of(_shapes(other)) == other


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({}, "not a Segment Anything model"),
        ({"unet.conv_in.weight": (320, 4, 3, 3)}, "not a Segment Anything model"),
        ({"vision_encoder.pos_embed": (1, 64, 64, 768)}, "another edition"),
        ({"image_encoder.trunk.pos_embed": (1, 96, 7, 7)}, "does not fit"),
    ],
)
def test_other_files_are_refused_in_words(shapes: dict[str, tuple[int, ...]], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        sizes_of(shapes)


@pytest.mark.parametrize(
    "missing",
    [
        "image_encoder.pos_embed",
        "image_encoder.blocks.1.attn.rel_pos_h",
        "mask_decoder.mask_tokens.weight",
        "prompt_encoder.mask_downscaling.3.weight",
        "mask_decoder.transformer.layers.0.mlp.lin1.weight",
    ],
)
def test_a_cut_off_model_is_refused_in_words(missing: str) -> None:
    shapes = _shapes(TINY)
    del shapes[missing]
    with pytest.raises(ModelError, match="parts of it are missing"):
        sizes_of(shapes)
