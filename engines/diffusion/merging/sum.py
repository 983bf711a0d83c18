"""Task arithmetic, exactly: the sum of all changes, written side by side (Ilharco et al., ICLR 2023). Factors are never averaged: that adds cross terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings
from engines.diffusion.merging import RULES

if TYPE_CHECKING:
    from engines.diffusion.merging._layers import Merged, Seen, Weighted


@RULES.register("sum")
class Sum(Settings):
    """The sum, without settings."""

    title: ClassVar[str] = "Add up"
    sentence: ClassVar[str] = "The exact sum. Best for Mergeable adapters of different slots."
    tag: ClassVar[str] = "Exact"
    paper: ClassVar[str] = "Editing Models with Task Arithmetic, ICLR 2023"
    needs: ClassVar[tuple[str, ...]] = ()
    exact: ClassVar[bool] = True
    order: ClassVar[int] = 10

    def merged(self, parts: Sequence[Weighted], seen: Seen | None) -> Merged:  # noqa: ARG002 - the contract's
        """See `Rule`."""
        from engines.diffusion.merging._layers import exactly

        return exactly(parts)
