"""Model Breadcrumbs: of each layer's change drop the smallest values and the few largest, then add up (Davari and Belilovsky, ECCV 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.diffusion.merging import RULES, rank_setting

if TYPE_CHECKING:
    import torch

    from engines.diffusion.merging._layers import Merged, Seen, Weighted


@RULES.register("breadcrumbs")
class Breadcrumbs(Settings):
    """Its settings; the defaults are the paper's, but for the strength, which belongs to the adapters here."""

    title: ClassVar[str] = "Leave out the extremes"
    sentence: ClassVar[str] = "Drops what hardly changes and the few values that change too much, then adds up."
    tag: ClassVar[str] = ""
    paper: ClassVar[str] = "Model Breadcrumbs: Scaling Multi-Task Model Merging with Sparse Masks, ECCV 2024"
    needs: ClassVar[tuple[str, ...]] = ()
    exact: ClassVar[bool] = False
    order: ClassVar[int] = 60

    smallest: float = setting(0.85, "Smallest left out", help="Share of each layer's values.", ge=0.0, lt=1.0)
    largest: float = setting(0.007, "Largest left out", help="Share of each layer's values.", ge=0.0, lt=0.5)
    rank: int = rank_setting()

    def merged(self, parts: Sequence[Weighted], seen: Seen | None) -> Merged:  # noqa: ARG002 - the contract's
        """See `Rule`."""
        from engines.diffusion.merging._layers import nearest

        return nearest(parts, lambda layer: between(layer.changes(), self.smallest, self.largest).sum(dim=0), self.rank)


def between(changes: torch.Tensor, smallest: float, largest: float) -> torch.Tensor:
    """Each of the changes (n, out, in) without its smallest and its largest values, by share."""
    sizes = changes.flatten(1).abs()
    ranks = sizes.argsort(dim=1).argsort(dim=1)
    count = sizes.shape[1]
    kept = (ranks >= round(smallest * count)) & (ranks < count - round(largest * count))
    return (changes.flatten(1) * kept).view_as(changes)
