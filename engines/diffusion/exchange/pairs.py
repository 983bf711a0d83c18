"""Puts the halves found in a file together and checks each pair."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from engines.api.errors import AdapterError
from engines.diffusion.exchange.adapter import LoraPair
from engines.launch.adapter_info import check_halves

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
    check_halves(name, {half: tuple(parts[half].shape) for half in ("down", "up") if half in parts})
    down, up = parts["down"], parts["up"]
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
