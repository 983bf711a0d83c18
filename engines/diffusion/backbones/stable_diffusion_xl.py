"""Stable Diffusion XL, from a diffusers folder or a single checkpoint file, of any size its configurations say.

This is what the family is; it loads no torch. Its networks: `_stable_diffusion_xl.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engines.core.contracts import ProgressHook
from engines.diffusion.backbones import BACKBONES
from engines.diffusion.contracts import Ability, Base

if TYPE_CHECKING:
    from engines.core.devices import Device

NAME = "stable-diffusion-xl"
PIPELINE = "StableDiffusionXLPipeline"
TEXTS = ("text_encoder", "text_encoder_2")
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

    title = "Stable Diffusion XL"
    abilities = ABILITIES

    @staticmethod
    def accepts(path: Path) -> bool:
        """Whether this family opens the folder or file."""
        from engines.diffusion.backbones._opening import recognises

        return recognises(path, PIPELINE, larger=True)

    @staticmethod
    def open_model(path: Path, source: str, device: Device, *, progress: ProgressHook) -> Base:
        """Load it onto the device.

        Raises:
            ModelError: incomplete, damaged, or of another kind than text to image.
        """
        from engines.diffusion.backbones._opening import opened
        from engines.diffusion.backbones._stable_diffusion_xl import resident

        return resident(opened(path, device, TEXTS, progress), source, device)
