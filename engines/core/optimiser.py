"""The optimiser of a run: AdamW in one kernel, or with its memory in 8 bits where the library for it and a card are at hand."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import torch

from engines.api.recipe import LoopSettings
from engines.core.contracts import ParameterGroup
from engines.core.devices import Device

_LIBRARY = "bitsandbytes"


def make(groups: Sequence[ParameterGroup], settings: LoopSettings, device: Device) -> tuple[torch.optim.Optimizer, str]:
    """The optimiser for groups of parameters on a device.

    8 bits are those of Dettmers et al. 2022. Its kernels wait for the card at every parameter, so it costs time; it is never brought along.

    Returns:
        It, and why it is not the one that was asked for, in plain words; empty when it is.
    """
    options = [{"params": group.parameters, "lr": group.learning_rate} for group in groups]
    why_not = _why_not(device) if settings.optimiser == "adamw-8bit" else ""
    if settings.optimiser == "adamw-8bit" and not why_not:
        library = importlib.import_module(_LIBRARY)
        small: torch.optim.Optimizer = library.optim.AdamW8bit(options, weight_decay=settings.weight_decay)
        return small, ""
    return torch.optim.AdamW(options, weight_decay=settings.weight_decay, fused=True), why_not


def _why_not(device: Device) -> str:
    if device.kind != "cuda":
        return "The optimiser in 8 bits needs an NVIDIA card; the usual one is used."
    if importlib.util.find_spec(_LIBRARY) is None:
        return f"The optimiser in 8 bits needs the library {_LIBRARY}, which is not installed; the usual one is used."
    return ""
