"""Segment Anything (Kirillov et al. 2023) of any size: Meta's `.pth` checkpoints and the same weights as safetensors.

This is what the family is; it loads no torch. Its networks: `_segment_anything.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engines.segmentation.contracts import Segmenter
from engines.segmentation.segmenters import SEGMENTERS

if TYPE_CHECKING:
    from engines.core.devices import Device

NAME = "segment-anything"


@SEGMENTERS.register(NAME)
class Family:
    """How to recognise and open it."""

    title = "Segment Anything (ViT-B, ViT-L, ViT-H)"

    @staticmethod
    def accepts(path: Path) -> bool:
        """Whether the file is of a kind that can hold its weights."""
        return path.suffix.lower() in {".pth", ".pt", ".safetensors"}

    @staticmethod
    def open_model(path: Path, source: str, device: Device) -> Segmenter:
        """Load it onto the device.

        Raises:
            ModelError: damaged, truncated, or of another kind.
        """
        from engines.segmentation.segmenters._segment_anything import load

        return load(path, source, device)
