"""I-MedSAM (Wei et al. 2024): the encoder also looks at the picture's frequencies, and masks are drawn at any resolution.

Gated low-rank changes and a branch for the spectrum in the encoder; after the decoder a small network of places, which looks again where it
is least sure. Everything starts from zero here, so that before the first step the model answers as it did; published, the new decoder
replaces SAM's masks and starts at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.segmentation.contracts import Segmenter
from engines.segmentation.tuners import TUNERS, _shared

if TYPE_CHECKING:
    from engines.segmentation.tuning import Tuning

_ELSE = 0.1
"""What was there before learns so many times slower than what is new."""


@TUNERS.register("i-medsam")
class IMedSam(Settings):
    """I-MedSAM and its settings."""

    title: ClassVar[str] = "Fine borders"
    sentence: ClassVar[str] = "Draws borders finer than the model can, at any resolution. Made for medical pictures."
    tag: ClassVar[str] = "Any resolution"
    paper: ClassVar[str] = "I-MedSAM: Implicit Medical Image Segmentation with Segment Anything, ECCV 2024"
    rate: ClassVar[float] = 1e-3
    merges: ClassVar[bool] = False

    finer: int = setting(
        2,
        "Finer by",
        help="Masks are so many times finer than the model's own. Can be chosen again whenever masks are made.",
        ge=1,
        le=8,
    )
    rank: int = setting(4, "Rank", help="Of the changes in the encoder.", ge=1, le=128, advanced=True)
    narrow: int = setting(4, "Width of the frequency layers", ge=1, le=128, advanced=True)
    width: int = setting(64, "Width of the drawing network", ge=8, le=1024, advanced=True)
    octaves: int = setting(
        4,
        "Octaves",
        help="How finely the drawing network knows where it is. More can learn single pictures by heart.",
        ge=1,
        le=10,
        advanced=True,
    )
    unsure: float = setting(
        0.125,
        "Share looked at again",
        help="Of the mask's places, those where it is least sure.",
        ge=0.01,
        le=1.0,
        advanced=True,
    )
    dropout: float = setting(0.1, "Dropout", ge=0.0, le=0.9, advanced=True)
    late: float = _shared.late_blocks()
    decoder: bool = _shared.decoder()

    def attach(self, model: Segmenter, *, rate: float = 0.0) -> Tuning:
        """Change the attention, add the spectrum after each block, and draw what the decoder gives."""
        from engines.segmentation.drawing import ImplicitDrawing
        from engines.segmentation.layers_spectrum import GatedLowRankLinear, SpectrumBranch
        from engines.segmentation.tuning import Tuning

        sizes, rate = model.info.sizes, rate or self.rate
        tuning = Tuning(model, rate, merges=False)
        tuning.encoder_changes = True
        changed = dict(_shared.blocks(model, self.late))
        branch = SpectrumBranch(sizes.embed_dim, self.narrow, list(changed))
        tuning.learn_all("image_encoder.spectrum", branch)
        tuning.hook(model.encoder.register_forward_pre_hook(branch.look))
        for number, block in changed.items():
            layer = GatedLowRankLinear(block.attn.qkv, self.rank, (0, 2), of=3)
            tuning.learn_all(f"image_encoder.blocks.{number}.attn.qkv", layer.pairs, rate=_ELSE * rate)
            tuning.replace(block.attn, "qkv", layer)
            tuning.hook(block.register_forward_hook(branch.adding(number)))
        drawing = ImplicitDrawing(
            sizes.out_chans // 8,
            self.width,
            octaves=self.octaves,
            unsure=self.unsure,
            dropout=self.dropout,
            finer=self.finer,
        )
        tuning.learn_all("drawing", drawing)
        tuning.replace(model, "drawing", drawing)
        if self.decoder:
            tuning.unfreeze("mask_decoder", model.decoder, rate=_ELSE * rate)
        else:  # as published, what the drawing looks at learns anyway
            tuning.unfreeze("mask_decoder.output_upscaling", model.decoder.output_upscaling, rate=_ELSE * rate)
        return tuning
