"""Pictures with what was found in them laid over, for the eye."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional

from engines.segmentation.frames import Frame

COLOURS = (
    (45, 212, 191),
    (251, 146, 60),
    (167, 139, 250),
    (250, 204, 21),
    (244, 114, 182),
    (96, 165, 250),
    (163, 230, 53),
)
_SIDE = 512
_STRENGTH = 0.45


def draw(picture: Image.Image, frame: Frame, logits: torch.Tensor, labels: Sequence[int]) -> Image.Image:
    """The picture, at most 512 pixels wide and high, with masks laid over.

    Args:
        picture: at its own size.
        frame: how it lies in the model's square.
        logits: (P, n, n) over the whole square.
        labels: class of each mask, which chooses its colour.
    """
    scale = min(1.0, _SIDE / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    small = picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    shown: npt.NDArray[Any] = np.asarray(small, np.float32)
    masks = _laid(logits, frame, height, width)
    for mask, label in zip(masks, labels, strict=True):
        colour = np.array(COLOURS[label % len(COLOURS)], np.float32)
        edge = mask & ~_shrunk(mask)
        strength = np.where(edge, 1.0, np.where(mask, _STRENGTH, 0.0))[..., None]
        shown = shown * (1.0 - strength) + colour * strength
    return Image.fromarray(shown.round().clip(0, 255).astype(np.uint8))


def _laid(logits: torch.Tensor, frame: Frame, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Masks (P, height, width) of logits over the square."""
    side = logits.shape[-1]
    inner_height, inner_width = (max(1, round(part * side / frame.side)) for part in frame.inner)
    inside = logits[:, None, :inner_height, :inner_width].float().cpu()
    grown = functional.interpolate(inside, size=(height, width), mode="bilinear", align_corners=False)
    found: npt.NDArray[np.bool_] = (grown[:, 0] > 0).numpy()
    return found


def _shrunk(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The mask without its outermost pixels."""
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & inside
