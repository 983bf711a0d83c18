"""A strength of its own for every layer and adapter, fitted (aTLAS, Zhang et al., NeurIPS 2024).

The paper learns these scalars by gradient steps on a task's data. Here they are fitted, layer by layer, to what each adapter does alone: the least squares of
sum_i |sum_j l_j dW_j X_i - dW_i X_i|^2 over what the layer was asked while adapter i was at work. That is a system of as many equations as adapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.diffusion.merging import RULES

if TYPE_CHECKING:
    import torch

    from engines.diffusion.merging._layers import Layer, Merged, Seen, Weighted


@RULES.register("learned")
class Learned(Settings):
    """Its settings."""

    title: ClassVar[str] = "Fitted strengths"
    sentence: ClassVar[str] = (
        "Finds for every layer how strongly each adapter should act, so that the others disturb it least. Needs the base model."
    )
    tag: ClassVar[str] = ""
    paper: ClassVar[str] = "Knowledge Composition using Task Vectors with Learned Anisotropic Scaling, NeurIPS 2024"
    needs: ClassVar[tuple[str, ...]] = ("base",)
    exact: ClassVar[bool] = True
    order: ClassVar[int] = 30

    ridge: float = setting(0.01, "Restraint", help="Draws strengths towards 1.", ge=0.0, le=10.0, advanced=True)

    def merged(self, parts: Sequence[Weighted], seen: Seen | None) -> Merged:
        """See `Rule`."""
        from engines.diffusion.merging._layers import exactly

        asked = seen or ()

        def scaled(layer: Layer) -> list[torch.Tensor]:
            rows = [asked[part][layer.name] for part in layer.parts]
            scales = strengths(layer, rows, self.ridge)
            return [
                float(scale) * pair.down.float().flatten(1) for scale, pair in zip(scales, layer.pairs, strict=True)
            ]

        return exactly(parts, scaled)


def strengths(layer: Layer, asked: Sequence[torch.Tensor], ridge: float) -> torch.Tensor:
    """The strength of each adapter in a layer, (n,), for rows (n_i, in) that it was asked with each."""
    import torch

    changes = layer.changes().double()
    answers = [torch.einsum("noi,mi->nmo", changes, rows.double()) / len(rows) ** 0.5 for rows in asked]
    products = [torch.einsum("amo,bmo->ab", one, one) for one in answers]
    left = torch.stack(products).sum(dim=0)
    right = torch.stack([product[:, number] for number, product in enumerate(products)]).sum(dim=0)
    hold = ridge * left.diagonal().mean() + torch.finfo(left.dtype).tiny
    found: torch.Tensor = torch.linalg.solve(left + hold * torch.eye(len(left), dtype=left.dtype), right + hold)
    return found
