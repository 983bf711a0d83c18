"""Earth-Adapter (Hu et al. 2025): after each block a small mixture of experts for the picture, its coarse and its fine frequencies.

Artefacts of satellite pictures lie in some frequencies and not in others, so a router chooses, token by token, whom to believe. The experts start
from zero here, so that before the first step the model answers as it did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.segmentation.contracts import Segmenter
from engines.segmentation.tuners import TUNERS, _shared

if TYPE_CHECKING:
    from engines.segmentation.tuning import Tuning


@TUNERS.register("earth-adapter")
class EarthAdapter(Settings):
    """Earth-Adapter and its settings."""

    title: ClassVar[str] = "Frequencies"
    sentence: ClassVar[str] = "Weighs coarse and fine structure apart. Made for satellite pictures with artefacts."
    tag: ClassVar[str] = "Satellite"
    paper: ClassVar[str] = "Earth-Adapter: Bridge the Geospatial Domain Gaps with Mixture of Frequency Adaptation, 2025"
    rate: ClassVar[float] = 1e-3
    merges: ClassVar[bool] = False

    width: int = setting(16, "Width of an expert", ge=1, le=256)
    cut: float = setting(
        0.3,
        "Coarse share",
        help="Share of each side of the spectrum that counts as coarse.",
        ge=0.05,
        le=0.95,
        advanced=True,
    )
    mixed: float = setting(
        0.25,
        "Share of blocks with a mixture",
        help="The last ones; the others get one expert.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    scale: float = setting(0.1, "Scale to begin with", ge=0.001, le=10.0, advanced=True)
    late: float = _shared.late_blocks()
    decoder: bool = _shared.decoder()

    def attach(self, model: Segmenter, *, rate: float = 0.0) -> Tuning:
        """Add experts after the chosen blocks."""
        from engines.segmentation.layers_after import FrequencyExperts, SingleExpert
        from engines.segmentation.tuning import Tuning

        sizes = model.info.sizes
        tuning = Tuning(model, rate or self.rate, merges=False)
        tuning.encoder_changes = True
        first_mixed = sizes.depth - round(sizes.depth * self.mixed)
        for number, block in _shared.blocks(model, self.late):
            if number >= first_mixed:
                experts = FrequencyExperts(sizes.embed_dim, self.width, self.cut, self.scale)
                tuning.learn_all(f"image_encoder.blocks.{number}.experts", experts)
                tuning.hook(block.register_forward_hook(experts.after))
            else:
                single = SingleExpert(sizes.embed_dim, self.width, self.scale)
                tuning.learn_all(f"image_encoder.blocks.{number}.experts", single)
                tuning.hook(block.register_forward_hook(single.after))
        return _shared.with_decoder(tuning, model, wanted=self.decoder)
