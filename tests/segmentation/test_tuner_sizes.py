"""Every tuner has as many numbers to learn as its formula says, on the full-size models (without their memory)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engines.segmentation.contracts import SegmenterInfo
from engines.segmentation.segmenters._segment_anything import SegmentAnything
from engines.segmentation.sizes import SamSizes, build_sam
from engines.segmentation.tuners import tuner_of
from tests.segmentation.support import TINY

_META = replace(TINY, image_side=1024, window=14, out_chans=256, decoder_mlp_dim=2048, iou_head_dim=256)
SIZES = {
    "b": replace(_META, embed_dim=768, depth=12, heads=12, global_blocks=(2, 5, 8, 11)),
    "l": replace(_META, embed_dim=1024, depth=24, heads=16, global_blocks=(5, 11, 17, 23)),
    "h": replace(_META, embed_dim=1280, depth=32, heads=16, global_blocks=(7, 15, 23, 31)),
}
ALONE = {"decoder": False}


def learned(sizes: SamSizes, name: str, settings: dict[str, object]) -> int:
    with torch.device("meta"):
        sam = build_sam(sizes).requires_grad_(False)
        model = SegmentAnything(sam, SegmenterInfo("segment-anything", "", "", "", sizes), torch.device("meta"))
        tuned = tuner_of(name, settings).attach(model)
    return sum(one.numel() for group in tuned.parameter_groups() for one in group.parameters)


@pytest.mark.parametrize(
    ("name", "settings", "counts"),
    [
        ("decoder", {}, {"b": 4_058_340, "l": 4_058_340, "h": 4_058_340}),
        ("decoder", {"parts": "light"}, {"b": 559_232 + 73_952 + 1_280 + 132_612}),
        ("decoder", {"prompts": True}, {"b": 4_058_340 + 6_220}),
        ("lora", {"rank": 4, **ALONE}, {"b": 147_456, "l": 393_216, "h": 655_360}),
        ("lora", {"rank": 32, **ALONE}, {"b": 1_179_648}),
        ("lora", {"rank": 4, "places": "q k v", **ALONE}, {"b": 221_184}),
        ("lora", {"rank": 4, "late": 0.5, **ALONE}, {"b": 73_728}),
        ("adaptformer", {"width": 64, **ALONE}, {"b": 1_189_632, "l": 3_171_840, "h": 5_285_888}),
        ("adaptformer", {"width": 16, "scale_trains": True, **ALONE}, {"b": 304_320 + 12}),
        ("sam-adapter", ALONE, {"b": 63_312, "l": 116_544, "h": 186_960}),
        ("sam-adapter", {}, {"b": 4_121_908, "l": 4_175_140, "h": 4_245_556}),
        (
            "salt",
            {"leading": 0.1, "rank": 256, "norms": False, **ALONE},
            {"b": 8_506_944, "l": 22_668_864, "h": 37_765_120},
        ),
        ("salt", {"leading": 0.5, "rank": 4, "norms": False, **ALONE}, {"b": 92_160}),
        ("salt", {"leading": 0.5, "rank": 4, "norms": False, "feed_forward": True, **ALONE}, {"b": 184_320}),
        ("salt", {"leading": 1.0, "rank": 0, **ALONE}, {"b": 2 * 768 * 2 * 12 + 36_864}),
    ],
)
def test_the_formula_holds(name: str, settings: dict[str, object], counts: dict[str, int]) -> None:
    assert {kind: learned(SIZES[kind], name, settings) for kind in counts} == counts
