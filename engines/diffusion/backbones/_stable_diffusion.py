"""The running half of Stable Diffusion 1.x and 2.x: its networks, opened. What the family is, without torch: `stable_diffusion.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from engines.core.devices import Device
from engines.diffusion.backbones.stable_diffusion import ABILITIES, NAME
from engines.diffusion.base_info import info_of
from engines.diffusion.contracts import Base, TextStates
from engines.diffusion.folders import Opened
from engines.diffusion.resident import Resident
from engines.diffusion.sites import Sites

_USUAL_SIZE = 860e6


def resident(opened: Opened, source: str, device: Device) -> Base:
    """What was opened, ready to be asked; raises ModelError when it is of another kind than text to image."""
    predicts_velocity = opened.scheduler_config.get("prediction_type") == "v_prediction"
    second = opened.unet.config.cross_attention_dim == 1024
    version = ("sd_v2_v" if predicts_velocity else "sd_v2") if second else "sd_v1"
    info = info_of(opened, source, family=NAME, version=version, guidance=7.5, usual_size=_USUAL_SIZE)
    sites = Sites.of(opened.unet, opened.texts)
    return Resident(opened, info, sites, _Words(), device, abilities=ABILITIES)


class _Words:
    """The denoiser is told the text encoder's last states and nothing else."""

    def states(self, encoders: Sequence[Any], tokens: Sequence[torch.Tensor]) -> TextStates:
        """See `Dialect`."""
        (encoder,), (numbers,) = encoders, tokens
        return {"hidden": encoder(numbers, return_dict=False)[0]}

    def conditions(self, noisy: torch.Tensor, text: TextStates) -> Mapping[str, Any]:  # noqa: ARG002 - the contract's
        """See `Dialect`."""
        return {}
