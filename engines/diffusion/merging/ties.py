"""TIES: trim each change to its largest values, elect a sign for every weight, average those that agree (Yadav et al., NeurIPS 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.diffusion.merging import RULES, rank_setting

if TYPE_CHECKING:
    import torch

    from engines.diffusion.merging._layers import Merged, Seen, Weighted


@RULES.register("ties")
class Ties(Settings):
    """Its settings."""

    title: ClassVar[str] = "Settle signs"
    sentence: ClassVar[str] = "Keeps the largest changes, and where adapters pull apart, the side with more weight."
    tag: ClassVar[str] = ""
    paper: ClassVar[str] = "TIES-Merging: Resolving Interference When Merging Models, NeurIPS 2023"
    needs: ClassVar[tuple[str, ...]] = ()
    exact: ClassVar[bool] = False
    order: ClassVar[int] = 40

    density: float = setting(0.3, "Kept share", help="Of each adapter's changes, the largest first.", gt=0.0, le=1.0)
    mean: bool = setting(
        True, "Average those that agree", help="Off adds them up, which is stronger and closer to a sum.", advanced=True
    )
    rank: int = rank_setting()

    def merged(self, parts: Sequence[Weighted], seen: Seen | None) -> Merged:  # noqa: ARG002 - the contract's
        """See `Rule`."""
        from engines.diffusion.merging._layers import nearest

        return nearest(parts, lambda layer: elected(trimmed(layer.changes(), self.density), mean=self.mean), self.rank)


def trimmed(changes: torch.Tensor, density: float) -> torch.Tensor:
    """Each of the changes (n, out, in) with all but its largest values zeroed, by share."""
    flat = changes.flatten(1)
    kept = max(1, round(density * flat.shape[1]))
    least = flat.abs().kthvalue(flat.shape[1] - kept + 1, dim=1, keepdim=True).values
    return flat.where(flat.abs() >= least, flat.new_zeros(())).view_as(changes)


def elected(changes: torch.Tensor, *, mean: bool) -> torch.Tensor:
    """For every weight the mean (or sum) of those changes (n, out, in) that have the sign of their sum: (out, in)."""
    agreeing = (changes.sign() == changes.sum(dim=0).sign()) & (changes != 0)
    total = (changes * agreeing).sum(dim=0)
    return total / agreeing.sum(dim=0).clamp_min(1) if mean else total
