"""What an exported folder says of itself: facts for programs, a page for people, and a settings file for one family of tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines.api.version import VERSION
from engines.segmentation.export.adapted import Adapted
from engines.segmentation.frames import DEVIATION, MEAN

FORMAT = 1
_LICENCE = "Whatever its maker says; Meta's own Segment Anything and Lorikeet's starter are under Apache-2.0."
_ADAPTER_LICENCE = "Its maker's to say, and bound by the licence of the pictures it was taught from."
_PAGE = """\
# {title}

Segment Anything ({base}) as ONNX, made with {maker}.
{adapter}

    python run.py picture.jpg 320 200     # what is at pixel 320, 200
{run}
`run.py` needs onnxruntime, numpy and Pillow, and shows all there is to it. `adapter.json` holds every figure.
Keep the files of this folder together and under their names.

| file | takes | gives |
|---|---|---|
| `encoder.onnx` | {taken} | `image_embeddings` |
| `decoder.onnx` | `image_embeddings`, `point_coords`, `point_labels`, `mask_input`, `has_mask_input`, `orig_im_size` \
| `masks`, `iou_predictions`, `low_res_masks` |
{classes}
Points are x, y in the resized picture, labelled 1 inside, 0 outside, 2 and 3 the corners of a box, -1 nothing; end clicks without a box
with a point of -1. `orig_im_size` is height and width. Masks are logits in the picture's own pixels: what is above 0 belongs to the object.

Each graph's answers were held to torch's; the largest differences: {differences}.
{int8}
## Licences

- This page and `run.py`: as you like.
- The base model: {base_licence}
"""
_INT8 = """
The encoder's weights have eight bits. On {pictures} sample pictures its embeddings are off by {embedding:.1%} of their spread, and the
masks agree with the exact encoder's to an IoU of {overlap:.3f}.
"""


def facts_of(
    opened: Adapted,
    adapter: Path | None,
    takes: str,
    differences: Mapping[str, float],
    int8: Mapping[str, float] | None,
) -> dict[str, Any]:
    """Everything that somebody needs to use the files, or to know where they came from.

    Args:
        opened: the model with the adapter in it.
        adapter: the adapter's file, for its hash.
        takes: what the encoder is given, `pixels` or `colours`.
        differences: how far each graph's answers are from torch's.
        int8: what eight bits cost, as measured; None when the weights are as they were.
    """
    from engines.core.weights import sha256_of

    info, inside = opened.model.info, opened.adapter
    facts: dict[str, Any] = {
        "format": FORMAT,
        "made_with": f"Lorikeet {VERSION}",
        "base": {"title": info.title, "sha256": info.base_hash, "sizes": asdict(info.sizes), "licence": _LICENCE},
        "adapter": None,
        "picture": {
            "encoder_takes": takes,
            "side": info.sizes.image_side,
            "mask_side": opened.model.drawn_side,
            "resize": "upright; longest side to `side`, bilinear, antialiased when shrinking; each side int(length * scale + 0.5)",
            "mean": list(MEAN),
            "deviation": list(DEVIATION),
            "padding": "zeros on the right and below, after normalising",
        },
        "output": {"threshold": 0.0, "masks": "logits in the picture's own pixels"},
        "files": {name: {"largest_difference_from_torch": round(value, 9)} for name, value in differences.items()},
        "encoder_int8": int8 and dict(int8),
    }
    if inside is not None and adapter is not None:
        facts["adapter"] = {
            "sha256": sha256_of(adapter),
            "tuner": inside.tuner,
            "settings": dict(inside.settings),
            "merged": opened.merged,
            "prompts": inside.prompts,
            "classes": list(inside.classes),
            "decoder_trained": any(name.startswith("mask_decoder") for name in inside.tensors),
            "prompt_encoder_trained": any(name.startswith("prompt_encoder") for name in inside.tensors),
            "about": dict(inside.about),
            "licence": _ADAPTER_LICENCE,
        }
    return facts


def readme(facts: Mapping[str, Any]) -> str:
    """The page beside the files."""
    adapter, int8 = facts["adapter"], facts["encoder_int8"]
    finds = "classes.onnx" in facts["files"]
    differences = (f"`{name}` {one['largest_difference_from_torch']:.1g}" for name, one in facts["files"].items())
    page = _PAGE.format(
        title=(adapter and adapter["about"].get("title")) or facts["base"]["title"],
        base=facts["base"]["title"],
        maker=facts["made_with"],
        adapter=_adapter_words(adapter),
        run="    python run.py picture.jpg             # every class\n" if finds else "",
        taken=_TAKEN[facts["picture"]["encoder_takes"]],
        classes="| `classes.onnx` | `image_embeddings`, `orig_im_size` | the same, a mask for each class |\n"
        if finds
        else "",
        differences=", ".join(differences),
        int8=_INT8.format(**int8) if int8 else "",
        base_licence=facts["base"]["licence"],
    )
    return page + (f"- The adapter: {adapter['licence']}\n" if adapter else "")


def tool_settings(facts: Mapping[str, Any]) -> str:
    """The file by which tools of the AnyLabeling family find the two graphs; JSON is YAML too."""
    side = facts["picture"]["side"]
    settings = {
        "type": "segment_anything",
        "name": "lorikeet",
        "display_name": (facts["adapter"] or {}).get("about", {}).get("title") or facts["base"]["title"],
        "encoder_model_path": "encoder.onnx",
        "decoder_model_path": "decoder.onnx",
        "input_size": side,
        "max_width": side,
        "max_height": side * 2 // 3,
    }
    return json.dumps(settings, ensure_ascii=False, indent=2) + "\n"


_TAKEN = {
    "pixels": "`x`: 1 x 3 x side x side, normalised and padded",
    "colours": "`x`: height x width x 3, 0 to 255, at most `side` long",
}


def _adapter_words(adapter: Mapping[str, Any] | None) -> str:
    if adapter is None:
        return "The plain model, without an adapter."
    asked = {"clicks": "answers clicks and boxes", "automatic": "finds its classes by itself"}.get(
        adapter["prompts"], "answers clicks and boxes, and finds its classes by itself"
    )
    return f"Inside is an adapter ({adapter['tuner']}) that {asked}: {', '.join(adapter['classes'])}."
