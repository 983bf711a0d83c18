"""Only the mask decoder learns, on embeddings that are computed once: minutes on a processor.

The encoder stays as it is, so every picture is encoded a single time and the files run beside the stock encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from engines.api.settings import Settings, setting
from engines.segmentation.contracts import Segmenter
from engines.segmentation.tuners import TUNERS

if TYPE_CHECKING:
    from engines.segmentation.tuning import Tuning

_LIGHT = ("output_hypernetworks_mlps", "output_upscaling", "mask_tokens", "iou_token", "iou_prediction_head")


@TUNERS.register("decoder")
class Decoder(Settings):
    """Decoder-only adaptation and its settings."""

    title: ClassVar[str] = "Decoder"
    sentence: ClassVar[str] = "Teaches only how masks are drawn. Done in minutes without a graphics card."
    tag: ClassVar[str] = "Fastest"
    paper: ClassVar[str] = "Segment Anything, ICCV 2023 (its decoder, retrained)"
    rate: ClassVar[float] = 1e-4
    merges: ClassVar[bool] = True

    parts: Literal["all", "light"] = setting(
        "all",
        "What learns",
        help="“light” leaves the decoder's attention alone: a sixth of the weights.",
        advanced=True,
    )
    prompts: bool = setting(
        False, "Also teach how clicks are read", help="Trains the prompt encoder too.", advanced=True
    )

    def attach(self, model: Segmenter, *, rate: float = 0.0) -> Tuning:
        """Unfreeze the decoder."""
        from engines.segmentation.tuning import Tuning

        tuning = Tuning(model, rate or self.rate, merges=True)
        if self.parts == "all":
            tuning.unfreeze("mask_decoder", model.decoder)
        else:
            for part in _LIGHT:
                tuning.unfreeze(f"mask_decoder.{part}", getattr(model.decoder, part))
        if self.prompts:
            tuning.unfreeze("prompt_encoder", model.prompter)
        return tuning
