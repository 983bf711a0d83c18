"""Gradient fusion solved directly: the change that answers, for what each concept asks of a layer, as that concept's adapter would.

Mix-of-Show (Gu et al., NeurIPS 2023) minimises sum_i |W X_i - (W_0 + dW_i) X_i|^2 by L-BFGS over stored activations X_i. That is linear least
squares: dW = (sum_i dW_i G_i) (sum_i G_i + ridge)^-1 with G_i = X_i X_i^T. It stays in the span of the adapters' own outputs, so the result is an exact
pair whose upper half is theirs and whose lower half is solved for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.diffusion.merging import RULES

if TYPE_CHECKING:
    import torch

    from engines.diffusion.merging._layers import Layer, Merged, Seen, Weighted


@RULES.register("fusion")
class Fusion(Settings):
    """Its settings."""

    title: ClassVar[str] = "Fit to what each concept sees"
    sentence: ClassVar[str] = (
        "Looks at what every adapter meets in its own pictures, and answers there as it would. Needs the base model."
    )
    tag: ClassVar[str] = "Ordinary adapters"
    paper: ClassVar[str] = (
        "Mix-of-Show: Decentralized Low-Rank Adaptation for Multi-Concept Customization, NeurIPS 2023"
    )
    needs: ClassVar[tuple[str, ...]] = ("base",)
    exact: ClassVar[bool] = True
    order: ClassVar[int] = 20

    ridge: float = setting(
        0.01,
        "Restraint",
        help="Holds the model to what it was where no concept was looked at; a share of the mean energy.",
        gt=0.0,
        le=10.0,
        advanced=True,
    )

    def merged(self, parts: Sequence[Weighted], seen: Seen | None) -> Merged:
        """See `Rule`."""
        from engines.diffusion.merging._layers import exactly

        asked = seen or ()
        return exactly(
            parts, lambda layer: solved(layer, [asked[part][layer.name] for part in layer.parts], self.ridge)
        )


def solved(layer: Layer, asked: Sequence[torch.Tensor], ridge: float) -> list[torch.Tensor]:
    """The lower halves (r_i, in) of the least squares' answer, for rows (n_i, in) that the layer was asked with each adapter."""
    import torch

    grams = [rows.T @ rows / len(rows) for rows in (one.double() for one in asked)]
    whole = torch.stack(grams).sum(dim=0)
    whole += ridge * whole.diagonal().mean() * torch.eye(len(whole), dtype=whole.dtype)
    found = [
        torch.linalg.solve(whole, gram @ pair.down.double().flatten(1).T).T
        for gram, pair in zip(grams, layer.pairs, strict=True)
    ]
    return [one.float() for one in found]
