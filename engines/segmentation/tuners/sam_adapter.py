"""SAM-Adapter (Chen et al. 2023): what is fine in the picture, and its patches, are turned into small additions to every block's input.

As published, but the last layer starts from zero, so that before the first step the model answers as it did; the published one starts
at random. Nothing of SAM's prompt encoder starts at random either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.segmentation.contracts import Segmenter
from engines.segmentation.tuners import TUNERS, _shared

if TYPE_CHECKING:
    from engines.segmentation.tuning import Tuning


@TUNERS.register("sam-adapter")
class SamAdapter(Settings):
    """SAM-Adapter and its settings."""

    title: ClassVar[str] = "Fine detail"
    sentence: ClassVar[str] = "Shows the model what is fine in the picture. Good for camouflage and shadows."
    tag: ClassVar[str] = "Camouflage"
    paper: ClassVar[str] = "SAM Fails to Segment Anything? SAM-Adapter, ICCV workshops 2023"
    rate: ClassVar[float] = 1e-3
    merges: ClassVar[bool] = False

    reduction: int = setting(
        32, "Reduction", help="The additions are this many times narrower than the model.", ge=1, le=128, advanced=True
    )
    frequencies: float = setting(
        0.25, "Coarse share", help="Share of the coarse frequencies that is left out.", ge=0.01, le=0.95, advanced=True
    )
    decoder: bool = _shared.decoder()

    def attach(self, model: Segmenter, *, rate: float = 0.0) -> Tuning:
        """Add to the input of every block."""
        from engines.segmentation.layers import FinePrompts
        from engines.segmentation.tuning import Tuning

        sizes = model.info.sizes
        tuning = Tuning(model, rate or self.rate, merges=False)
        tuning.encoder_changes = True
        width = max(1, sizes.embed_dim // self.reduction)
        prompts = FinePrompts(sizes.embed_dim, width, sizes.depth, sizes.patch, self.frequencies)
        tuning.learn_all("image_encoder.fine", prompts)
        tuning.hook(model.encoder.patch_embed.register_forward_hook(prompts.look))
        for number, block in enumerate(model.encoder.blocks):
            tuning.hook(block.register_forward_pre_hook(prompts.adding(number)))
        if self.decoder:
            tuning.unfreeze("prompt_encoder.no_mask_embed", model.prompter.no_mask_embed)
        return _shared.with_decoder(tuning, model, wanted=self.decoder)
