"""Puts the halves found in a file together and checks each pair."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from engines.api.errors import AdapterError
from engines.diffusion.exchange.adapter import LoraPair

PairParts = dict[str, torch.Tensor]
"""Tensors of one module by `down`, `up`, `alpha`, `dora`."""

_TITLE = "The adapter is damaged"


def pairs_of(found: Mapping[str, PairParts], *, alphas: Mapping[str, float] | None = None) -> dict[str, LoraPair]:
    """Check and join.

    Args:
        found: parts by module name.
        alphas: alpha by module name where the format keeps it elsewhere than among the tensors.

    Raises:
        AdapterError: nothing there, a half missing, shapes that do not meet, values that are not finite.
    """
    if not found:
        raise AdapterError("The file is not an adapter", "It holds no low-rank pairs.", "Choose a LoRA file.")
    return {name: _pair(name, parts, (alphas or {}).get(name)) for name, parts in found.items()}


def _pair(name: str, parts: PairParts, alpha: float | None) -> LoraPair:
    for half in ("down", "up"):
        if half not in parts:
            raise AdapterError(_TITLE, f"“{name}” lacks its {half} half.", "Download or export it again.")
    down, up = parts["down"], parts["up"]
    if down.ndim not in {2, 4} or up.ndim != down.ndim or down.shape[0] == 0 or up.shape[1] != down.shape[0]:
        raise AdapterError(_TITLE, f"The halves of “{name}” do not meet: {tuple(up.shape)} and {tuple(down.shape)}.")
    if up.ndim == 4 and up[0, 0].numel() != 1:
        raise AdapterError("The adapter holds something unknown", f"“{name}” is a convolution of an unusual form.")
    if 0 in up.shape or 0 in down.shape:
        raise AdapterError(_TITLE, f"“{name}” is empty.")
    for tensor in parts.values():
        if not tensor.is_floating_point() or not bool(torch.isfinite(tensor.float()).all()):
            raise AdapterError(
                _TITLE, f"“{name}” holds values that are not numbers.", "It may come from a failed training."
            )
    return LoraPair(down, up, _alpha(name, parts, alpha, int(down.shape[0])), _magnitude(name, parts, int(up.shape[0])))


def _alpha(name: str, parts: PairParts, alpha: float | None, rank: int) -> float:
    if "alpha" in parts:
        if parts["alpha"].numel() != 1:
            raise AdapterError(_TITLE, f"The alpha of “{name}” is not one number.")
        alpha = float(parts["alpha"])
    if alpha is None:
        return float(rank)
    if not math.isfinite(alpha) or alpha <= 0:
        raise AdapterError(_TITLE, f"The alpha of “{name}” is {alpha:g}.")
    return alpha


def _magnitude(name: str, parts: PairParts, outputs: int) -> torch.Tensor | None:
    found = parts.get("dora")
    if found is None:
        return None
    if found.numel() != outputs or (found.ndim == 2 and found.shape[0] == 1 and outputs != 1):
        what = f"The magnitude of “{name}” is kept by input, {tuple(found.shape)}; only the form by output is known."
        raise AdapterError("The adapter is of an unknown kind of DoRA", what)
    return found.float().reshape(-1)
