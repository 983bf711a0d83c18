"""SALT (Elsharawy et al. 2025): scales and shifts the leading singular values of the attention's weights and adds low rank to the rest.

The published form puts a ReLU over the whole matrix of singular values, which stops the low-rank part from learning (every entry off the
diagonal starts at exactly 0); here it lies on the diagonal alone. Signs of singular vectors are fixed, so that equal weights always give
equal files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.segmentation.contracts import Segmenter
from engines.segmentation.tuners import TUNERS, _shared

if TYPE_CHECKING:
    from engines.segmentation.tuning import Tuning


@TUNERS.register("salt")
class Salt(Settings):
    """SALT and its settings."""

    title: ClassVar[str] = "Singular values"
    sentence: ClassVar[str] = "Re-weighs what the model already knows. Very small, and can be merged into the model."
    tag: ClassVar[str] = "Smallest"
    paper: ClassVar[str] = "SALT: Singular Value Adaptation with Low-Rank Transformation, BMVC 2025"
    rate: ClassVar[float] = 1e-3
    merges: ClassVar[bool] = True

    leading: float = setting(
        0.5,
        "Leading share",
        help="Share of the singular values that are scaled and shifted.",
        ge=0.01,
        le=1.0,
        advanced=True,
    )
    rank: int = setting(4, "Rank of the rest", ge=0, le=256, advanced=True, zero="none")
    feed_forward: bool = setting(False, "Also in the feed-forward layers", advanced=True)
    norms: bool = setting(True, "Also teach the norms", advanced=True)
    late: float = _shared.late_blocks()
    decoder: bool = _shared.decoder()

    def attach(self, model: Segmenter, *, rate: float = 0.0) -> Tuning:
        """Take the chosen weights apart and put the learned form in their place."""
        from engines.segmentation.layers import SingularLinear
        from engines.segmentation.tuning import Tuning

        tuning = Tuning(model, rate or self.rate, merges=True)
        tuning.encoder_changes = True
        for number, block in _shared.blocks(model, self.late):
            start = f"image_encoder.blocks.{number}"
            places = [(block.attn, "attn", "qkv"), (block.attn, "attn", "proj")]
            if self.feed_forward:
                places += [(block.mlp, "mlp", "lin1"), (block.mlp, "mlp", "lin2")]
            for parent, group, name in places:
                layer = SingularLinear(getattr(parent, name), self.leading, self.rank)
                tuning.learn_all(f"{start}.{group}.{name}", layer.values)
                tuning.replace(parent, name, layer)
                tuning.when_merged(layer.merge)
            if self.norms:
                tuning.unfreeze(f"{start}.norm1", block.norm1)
                tuning.unfreeze(f"{start}.norm2", block.norm2)
        return _shared.with_decoder(tuning, model, wanted=self.decoder)
