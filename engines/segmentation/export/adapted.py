"""A model with an adapter in it, ready to be written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engines.segmentation.adapter_file import SegmentAdapter, attach_for_use, read_segment_adapter
from engines.segmentation.attention import unfuse
from engines.segmentation.contracts import Segmenter
from engines.segmentation.segmenters import open_segmenter
from engines.segmentation.tuners import registry

if TYPE_CHECKING:
    import torch

    from engines.core.devices import Device


@dataclass(frozen=True)
class Adapted:
    """What `open_adapted` opens.

    Attributes:
        model: with the adapter merged where that can be done, else with its layers inside.
        adapter: the file's content; None for a plain model.
        tokens: of its classes (K, C); None where it finds none without being asked.
        merged: whether nothing but the model's own weights differs from the base.
        encoder_changes: whether embeddings differ from the base's.
    """

    model: Segmenter
    adapter: SegmentAdapter | None = None
    tokens: torch.Tensor | None = None
    merged: bool = True
    encoder_changes: bool = False


def open_adapted(base: str, adapter: Path | None, device: Device) -> Adapted:
    """Open a model of its own and put an adapter into it for good.

    Raises:
        ModelError: the base is missing, damaged or of another kind.
        AdapterError: the adapter is, or it was made for another base.
    """
    model = open_segmenter(base, device)
    unfuse(model.encoder)
    if adapter is None:
        return Adapted(model)
    found = read_segment_adapter(adapter)
    tuning, tokens = attach_for_use(found, model)
    merges = bool(registry().get(found.tuner).merges)
    if merges:
        tuning.merge()
    return Adapted(model, found, tokens, merges, tuning.encoder_changes)
