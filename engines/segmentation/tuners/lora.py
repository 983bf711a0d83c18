"""LoRA on the encoder's attention (SAMed, Zhang and Liu 2023): low-rank changes of queries and values, from zero.

The encoder computes queries, keys and values with one layer; the change of each is added to its third of the output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from engines.api.settings import Settings, setting
from engines.segmentation.contracts import Segmenter
from engines.segmentation.tuners import TUNERS, _shared

if TYPE_CHECKING:
    from engines.segmentation.tuning import Tuning


@TUNERS.register("lora")
class Lora(Settings):
    """LoRA on the attention and its settings."""

    title: ClassVar[str] = "LoRA"
    sentence: ClassVar[str] = "Teaches the model to see your kind of picture. Small, and can be merged into the model."
    tag: ClassVar[str] = "Most used"
    paper: ClassVar[str] = "Customized Segment Anything Model for Medical Image Segmentation (SAMed), 2023"
    rate: ClassVar[float] = 1e-4
    merges: ClassVar[bool] = True

    rank: int = setting(8, "Rank", help="How much the adapter can learn, and how large its file is.", ge=1, le=256)
    alpha: float = setting(
        0.0,
        "Alpha",
        help="Strength of the change for its rank; 0 takes the rank itself.",
        ge=0.0,
        le=512.0,
        advanced=True,
    )
    places: Literal["q v", "q k v", "q k v o"] = setting(
        "q v", "Where", help="Queries, keys, values and outputs of the attention.", advanced=True
    )
    late: float = _shared.late_blocks()
    decoder: bool = _shared.decoder()

    def attach(self, model: Segmenter, *, rate: float = 0.0) -> Tuning:
        """Put a pair beside each of the chosen projections."""
        from engines.segmentation.layers import LowRankLinear
        from engines.segmentation.tuning import Tuning

        tuning = Tuning(model, rate or self.rate, merges=True)
        tuning.encoder_changes = True
        scale = (self.alpha or self.rank) / self.rank
        thirds = [number for number, place in enumerate("qkv") if place in self.places.split()]
        for number, block in _shared.blocks(model, self.late):
            wanted = [("qkv", thirds), *([("proj", [0])] if "o" in self.places.split() else [])]
            for name, parts in wanted:
                layer = LowRankLinear(getattr(block.attn, name), self.rank, scale, parts, of=3 if name == "qkv" else 1)
                tuning.learn_all(f"image_encoder.blocks.{number}.attn.{name}", layer.pairs)
                tuning.replace(block.attn, name, layer)
                tuning.when_merged(layer.merge)
        return _shared.with_decoder(tuning, model, wanted=self.decoder)
