"""Stable Diffusion 1.x and 2.x, from a diffusers folder or a single checkpoint file, of any size its configurations say.

This is what the family is; it loads no torch, so that the window can be told of it at once. Its networks: `_stable_diffusion.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engines.core.contracts import ProgressHook
from engines.diffusion.backbones import BACKBONES
from engines.diffusion.contracts import Ability, Base

if TYPE_CHECKING:
    from engines.core.devices import Device

NAME = "stable-diffusion"
PIPELINE = "StableDiffusionPipeline"
TEXTS = ("text_encoder",)
ABILITIES: tuple[Ability, ...] = (
    "attention_linears",
    "context_linears",
    "feed_forward_linears",
    "projections",
    "text_linears",
    "word_vectors",
)


@BACKBONES.register(NAME)
class Family:
    """How to recognise and open it."""

    title = "Stable Diffusion 1.x and 2.x"
    abilities = ABILITIES

    @staticmethod
    def accepts(path: Path) -> bool:
        """Whether this family opens the folder or file."""
        from engines.diffusion.backbones._opening import recognises

        return recognises(path, PIPELINE, larger=False)

    @staticmethod
    def open_model(path: Path, source: str, device: Device, *, progress: ProgressHook) -> Base:
        """Load it onto the device.

        Raises:
            ModelError: incomplete, damaged, or of another kind than text to image.
        """
        from engines.diffusion.backbones._opening import opened
        from engines.diffusion.backbones._stable_diffusion import resident

        return resident(opened(path, device, TEXTS, progress), source, device)
