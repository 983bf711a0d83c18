"""Twin-Merging's two parts: what the adapters share, and of what is each one's own the strongest directions (Lu et al., NeurIPS 2024).

The paper's router, which weighs the parts anew for every input, cannot be put into one file: the parts are added at fixed strengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.diffusion.merging import RULES, rank_setting

if TYPE_CHECKING:
    import torch

    from engines.diffusion.merging._layers import Layer, Merged, Seen, Weighted


@RULES.register("twin")
class Twin(Settings):
    """Its settings."""

    title: ClassVar[str] = "Shared and own"
    sentence: ClassVar[str] = "Keeps what all adapters share once, and of what is each one's own the strongest part."
    tag: ClassVar[str] = ""
    paper: ClassVar[str] = "Twin-Merging: Dynamic Integration of Modular Expertise in Model Merging, NeurIPS 2024"
    needs: ClassVar[tuple[str, ...]] = ()
    exact: ClassVar[bool] = False
    order: ClassVar[int] = 70

    shared: float = setting(
        1.0, "Strength of what is shared", help="Shared is the mean of all changes.", ge=0.0, le=4.0
    )
    own: float = setting(1.0, "Strength of what is each one's own", ge=0.0, le=4.0)
    kept: float = setting(
        0.5,
        "Kept share of each one's own",
        help="Of its directions, the strongest first; the paper keeps a tenth.",
        gt=0.0,
        le=1.0,
    )
    rank: int = rank_setting()

    def merged(self, parts: Sequence[Weighted], seen: Seen | None) -> Merged:  # noqa: ARG002 - the contract's
        """See `Rule`."""
        from engines.diffusion.merging._layers import nearest

        return nearest(parts, self._made, self.rank)

    def _made(self, layer: Layer) -> torch.Tensor:
        from engines.diffusion.merging._layers import pair_of

        changes = layer.changes()
        shared = changes.mean(dim=0)
        whole = self.shared * shared
        directions = sum(pair.rank for pair in layer.pairs)
        for change, pair in zip(changes, layer.pairs, strict=True):
            own = pair_of(change - shared, max(1, round(self.kept * directions)), pair)
            whole = whole + self.own * own.delta()
        return whole
