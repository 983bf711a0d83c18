"""AdaptFormer (Chen et al. 2022): a narrow layer beside each block's feed-forward, from zero. With MoSA's split training (Zhang et al. 2023).

It reads what the feed-forward reads (after the norm), which suits SAM's large residual stream; the published code reads it before the norm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.segmentation.contracts import Segmenter
from engines.segmentation.tuners import TUNERS, _shared

if TYPE_CHECKING:
    from engines.segmentation.tuning import Tuning


@TUNERS.register("adaptformer")
class AdaptFormer(Settings):
    """AdaptFormer and its settings."""

    title: ClassVar[str] = "Side layers"
    sentence: ClassVar[str] = "Adds a narrow layer to every block. Learns more than LoRA, needs its own runtime files."
    tag: ClassVar[str] = "Learns most"
    paper: ClassVar[str] = "AdaptFormer, NeurIPS 2022; split training: MoSA, 2023"
    rate: ClassVar[float] = 1e-3
    merges: ClassVar[bool] = False

    width: int = setting(64, "Width", help="How much the adapter can learn, and how large its file is.", ge=1, le=1024)
    scale: float = setting(0.1, "Scale", ge=0.001, le=10.0, advanced=True)
    scale_trains: bool = setting(False, "Learn the scale too", advanced=True)
    dropout: float = setting(0.1, "Dropout", ge=0.0, le=0.9, advanced=True)
    experts: int = setting(
        0,
        "Split training",
        help="Each step trains one of so many random parts, twice, and draws both answers together. Takes twice as long.",
        ge=0,
        le=16,
        advanced=True,
        zero="off",
    )
    late: float = _shared.late_blocks()
    decoder: bool = _shared.decoder()

    def attach(self, model: Segmenter, *, rate: float = 0.0) -> Tuning:
        """Put a narrow layer beside each feed-forward."""
        from engines.segmentation.layers import Beside, SideLayer
        from engines.segmentation.tuning import Tuning

        tuning = Tuning(model, rate or self.rate, merges=False)
        tuning.encoder_changes = True
        tuning.passes = 2 if self.experts > 1 else 1
        for number, block in _shared.blocks(model, self.late):
            side = SideLayer(
                model.info.sizes.embed_dim,
                self.width,
                scale=self.scale,
                scale_trains=self.scale_trains,
                dropout=self.dropout,
                experts=self.experts,
            )
            tuning.learn_all(f"image_encoder.blocks.{number}.side", side)
            tuning.replace(block, "mlp", Beside(block.mlp, side))
        return _shared.with_decoder(tuning, model, wanted=self.decoder)
