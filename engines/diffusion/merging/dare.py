"""DARE: drop most of each change at random and enlarge the rest, then add up (Yu et al., ICML 2024)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.diffusion.merging import RULES, rank_setting

if TYPE_CHECKING:
    import torch

    from engines.diffusion.merging._layers import Layer, Merged, Seen, Weighted


@RULES.register("dare")
class Dare(Settings):
    """Its settings."""

    title: ClassVar[str] = "Drop and enlarge"
    sentence: ClassVar[str] = (
        "Keeps a random part of each change, enlarged to make up for the rest, so that fewer collide."
    )
    tag: ClassVar[str] = ""
    paper: ClassVar[str] = (
        "Language Models are Super Mario: Absorbing Abilities from Homologous Models as a Free Lunch, ICML 2024"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    exact: ClassVar[bool] = False
    order: ClassVar[int] = 50

    density: float = setting(0.5, "Kept share", help="Of each adapter's changes, chosen at random.", gt=0.0, le=1.0)
    elect: bool = setting(False, "Also settle signs", help="As “Settle signs” does, on what was kept.", advanced=True)
    seed: int = setting(0, "Seed", help="Of the choice.", ge=0, le=2**31, advanced=True)
    rank: int = rank_setting()

    def merged(self, parts: Sequence[Weighted], seen: Seen | None) -> Merged:  # noqa: ARG002 - the contract's
        """See `Rule`."""
        from engines.diffusion.merging._layers import nearest

        return nearest(parts, self._made, self.rank)

    def _made(self, layer: Layer) -> torch.Tensor:
        import torch

        from engines.diffusion.merging.ties import elected

        changes = layer.changes()
        draws = torch.Generator().manual_seed(self.seed + zlib.crc32(layer.name.encode()))
        kept = torch.rand(changes.shape, generator=draws) < self.density
        left = changes * kept / self.density
        return elected(left, mean=False) if self.elect else left.sum(dim=0)
