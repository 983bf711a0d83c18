"""Encoders with weights of eight bits: a quarter of the size, not faster, and a little less exact; how much less is measured, not promised."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.segmentation.frames import Frame
from engines.segmentation.runtime import Floats, Graph

_CLICKS = 4


@dataclass(frozen=True)
class Loss:
    """What eight bits cost on some pictures.

    Attributes:
        embedding: how far embeddings are off, as a share of their own spread.
        overlap: mean IoU of the masks that both encoders lead to, for a grid of clicks.
        pictures: how many it was measured on.
    """

    embedding: float
    overlap: float
    pictures: int


def quantise(encoder: Path, smaller: Path, *, apart: bool) -> None:
    """Write an encoder with weights of eight bits; `apart` keeps its weights in a file beside it."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # Unsigned weights cannot saturate on processors without special instructions; convolutions of eight bits are not known everywhere.
    with _quiet():
        quantize_dynamic(
            encoder,
            smaller,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QUInt8,
            use_external_data_format=apart,
        )


def measured(encoder: Graph, smaller: Graph, decoder: Graph, pictures: Sequence[tuple[Frame, Floats]]) -> Loss:
    """Compare two encoders, in the same decoder.

    Args:
        encoder: with its own weights.
        smaller: with weights of eight bits.
        decoder: prompts to `low_res_masks` and `iou_predictions` of the best mask.
        pictures: what the encoders take, with the picture's frame.
    """
    off, overlaps = [], []
    for frame, pixels in pictures:
        first, second = encoder(pixels)[0], smaller(pixels)[0]
        off.append(float(np.sqrt(np.mean((first - second) ** 2)) / max(float(first.std()), 1e-12)))
        for prompt in _clicks(frame):
            masks = [_logits(decoder, embedding, prompt, frame) > 0 for embedding in (first, second)]
            either = np.logical_or(*masks).sum()
            overlaps.append(float(np.logical_and(*masks).sum() / either) if either else 1.0)
    return Loss(float(np.mean(off)), float(np.mean(overlaps)), len(pictures))


def _logits(decoder: Graph, embedding: Floats, prompt: tuple[Floats, Floats], frame: Frame) -> Floats:
    nothing = np.zeros((1, 1, frame.mask_side, frame.mask_side), np.float32)
    size = np.array([frame.height, frame.width], np.float32)
    return decoder(embedding, *prompt, nothing, np.zeros(1, np.float32), size)[0]


def _clicks(frame: Frame) -> Iterator[tuple[Floats, Floats]]:
    middles = (np.arange(_CLICKS) + 0.5) / _CLICKS
    for row in middles:
        for column in middles:
            click = frame.to_model([[column * frame.width, row * frame.height], [0.0, 0.0]])
            yield click[None], np.array([[1.0, -1.0]], np.float32)


@contextmanager
def _quiet() -> Iterator[None]:
    """The library advises on every call what cannot be followed here."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
