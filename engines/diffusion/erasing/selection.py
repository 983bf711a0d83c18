"""Group-sparse selection: only the layers that matter for forgetting change, the others are left out of the file (GS-LoRA, Zhao et al. 2024).

A group is the pair of one layer. The penalty is the sum of the groups' norms, which draws whole pairs to nothing, unlike squares, which only make all
of them smaller. Weight decay in the optimiser does the rest; what is left below a share of the largest is taken for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from engines.diffusion.exchange.adapter import LoraPair

SMALLEST = 0.05
"""Pairs whose change is below this share of the largest are left out."""
_TINY = 1e-12


def group_penalty(pairs: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """Sum over layers of the norm of what each pair learns, mean over the layers; halves (r, ...) and (out, ...)."""
    norms = [(up.square().sum() + _TINY).sqrt() for _down, up in pairs]
    return torch.stack(norms).mean()


def chosen(modules: Mapping[str, LoraPair]) -> dict[str, LoraPair]:
    """The pairs that change anything to speak of; all of them when nothing was learned yet."""
    sizes = {name: float(pair.delta().norm()) for name, pair in modules.items()}
    largest = max(sizes.values(), default=0.0)
    return {name: pair for name, pair in modules.items() if sizes[name] >= SMALLEST * largest}
