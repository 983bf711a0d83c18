"""Cloud-Adapter (Zou et al. 2025): a small convolutional network looks at the picture beside the encoder, and every block may ask it.

After each block the tokens attend to that network's map through low-rank projections. The last projection starts from zero, so that before the
first step the model answers as it did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.segmentation.contracts import Segmenter
from engines.segmentation.tuners import TUNERS, _shared

if TYPE_CHECKING:
    from engines.segmentation.tuning import Tuning


@TUNERS.register("cloud-adapter")
class CloudAdapter(Settings):
    """Cloud-Adapter and its settings."""

    title: ClassVar[str] = "Second look"
    sentence: ClassVar[str] = "A small network looks at the picture too, and the model may ask it. Made for clouds."
    tag: ClassVar[str] = "Clouds"
    paper: ClassVar[str] = "Cloud-Adapter: Adapting Vision Foundation Models for Robust Cloud Segmentation, TGRS 2025"
    rate: ClassVar[float] = 1e-3
    merges: ClassVar[bool] = False

    rank: int = setting(16, "Rank", help="Of the projections, and so how much can be learned.", ge=1, le=128)
    context: int = setting(64, "Width of the small network", ge=8, le=256, advanced=True)
    heads: int = setting(4, "Heads", ge=1, le=16, advanced=True)
    grid: int = setting(
        16,
        "Grid of the small network",
        help="Side of the map that is asked; finer takes longer.",
        ge=4,
        le=64,
        advanced=True,
    )
    late: float = _shared.late_blocks()
    decoder: bool = _shared.decoder()

    def attach(self, model: Segmenter, *, rate: float = 0.0) -> Tuning:
        """Put the small network beside the encoder, and a question after each block."""
        from engines.segmentation.layers_after import ContextQuestion, ContextStem
        from engines.segmentation.tuning import Tuning

        sizes = model.info.sizes
        tuning = Tuning(model, rate or self.rate, merges=False)
        tuning.encoder_changes = True
        stem = ContextStem(self.context, min(self.grid, sizes.token_side))
        tuning.learn_all("image_encoder.context", stem)
        tuning.hook(model.encoder.register_forward_pre_hook(stem.look))
        for number, block in _shared.blocks(model, self.late):
            question = ContextQuestion(sizes.embed_dim, self.context, self.rank, self.heads, stem)
            tuning.learn_all(f"image_encoder.blocks.{number}.question", question)
            tuning.hook(block.register_forward_hook(question.after))
        return _shared.with_decoder(tuning, model, wanted=self.decoder)
