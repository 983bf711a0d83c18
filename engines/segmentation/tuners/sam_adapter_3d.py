"""3DSAM-adapter (Gong et al. 2024), its encoder: before each block a narrow layer that looks from slice to slice of a volume.

Of the paper's parts these are the depth-wise layers, the places in depth, the norms and the neck, in their counted sizes. A slice is encoded
with its neighbours instead of whole cubes, and SAM's own decoder stays: an object is followed through the volume, slice by slice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.segmentation.contracts import Segmenter
from engines.segmentation.tuners import TUNERS, _shared

if TYPE_CHECKING:
    from engines.segmentation.tuning import Tuning


@TUNERS.register("3dsam-adapter")
class SamAdapter3D(Settings):
    """3DSAM-adapter and its settings."""

    title: ClassVar[str] = "Volumes"
    sentence: ClassVar[str] = "Looks from slice to slice, and follows an object through a volume. For scans in 3D."
    tag: ClassVar[str] = "3D"
    paper: ClassVar[str] = "3DSAM-adapter: Holistic adaptation of SAM from 2D to 3D, Medical Image Analysis 2024"
    rate: ClassVar[float] = 4e-4
    merges: ClassVar[bool] = False

    reach: int = setting(
        1,
        "Neighbours",
        help="Slices on either side that are looked at too. Each takes as much time and memory as the slice itself.",
        ge=1,
        le=4,
    )
    reduction: int = setting(
        2, "Reduction", help="The layers are this many times narrower than the model.", ge=1, le=64, advanced=True
    )
    norms: bool = setting(True, "Also teach the norms and the neck", advanced=True)
    late: float = _shared.late_blocks()
    decoder: bool = _shared.decoder()

    def attach(self, model: Segmenter, *, rate: float = 0.0) -> Tuning:
        """Put a layer before each block, and what tells slices apart before the first."""
        from engines.segmentation.layers_depth import DepthPlaces, DepthSide
        from engines.segmentation.tuning import Tuning

        tuning = Tuning(model, rate or self.rate, merges=False)
        tuning.encoder_changes, tuning.reach = True, self.reach
        changed = dict(_shared.blocks(model, self.late))
        places = DepthPlaces(model, self.reach)
        tuning.learn_all("image_encoder.depth", places)
        tuning.hook(next(iter(changed.values())).register_forward_pre_hook(places.before))
        for number, block in changed.items():
            side = DepthSide(model, max(1, model.info.sizes.embed_dim // self.reduction))
            tuning.learn_all(f"image_encoder.blocks.{number}.depth", side)
            tuning.hook(block.register_forward_pre_hook(side.before))
            if self.norms:
                tuning.unfreeze(f"image_encoder.blocks.{number}.norm1", block.norm1)
                tuning.unfreeze(f"image_encoder.blocks.{number}.norm2", block.norm2)
        if self.norms:
            tuning.unfreeze("image_encoder.neck", model.encoder.neck)
        return _shared.with_decoder(tuning, model, wanted=self.decoder)
