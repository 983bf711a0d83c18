"""Every concept in its own region: its own words, its own adapter, and no looking across to the others (LoRA-Composer, Yang et al. 2024).

The light form. The paper keeps a whole pipeline for every concept and changes the latents by gradients in every step; here one base serves all. Each
region's cells ask the words of their own concept, read by its adapter; what the adapter changes elsewhere in the denoiser is added in its own region
only; concepts do not see each other in the self-attention; and the noise is arranged so that each region begins with what suits its concept. The
enhancement of the concept's words is added to the attention's logits instead of being followed as a gradient, so no step costs a backward pass.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ClassVar, Literal

from engines.api.compose import Need
from engines.api.settings import Settings, setting
from engines.diffusion.composers import COMPOSERS

if TYPE_CHECKING:
    from engines.diffusion.sampling import CourseOf
    from engines.diffusion.stage import Stage


@COMPOSERS.register("regions")
class Regions(Settings):
    """Its settings."""

    title: ClassVar[str] = "Each in its own place"
    sentence: ClassVar[str] = (
        "Every concept has its box, its own words and its own adapter there. Works with any adapters."
    )
    tag: ClassVar[str] = "Boxes"
    paper: ClassVar[str] = "LoRA-Composer: Leveraging Low-Rank Adaptation for Multi-Concept Customization, 2024"
    needs: ClassVar[tuple[Need, ...]] = ("adapters", "boxes")
    order: ClassVar[int] = 10

    adapter: Literal["whole", "words"] = setting(
        "whole",
        "What of the adapters acts",
        help="All of each adapter in its region, or only what it does to the words, as the paper has it.",
        choices={"whole": "All of it", "words": "Only what it does to the words"},
    )
    told: Literal["scene", "own"] = setting(
        "scene",
        "What each region is told",
        help="The whole sentence with its own concept in every other one's stead, so that the layout holds; or a sentence about nothing else, as the paper "
        "has it. Concepts with words of their own are always told these.",
        choices={"scene": "The sentence with itself in every place", "own": "A sentence about nothing else"},
    )
    isolation: bool = setting(
        True, "Keep concepts from looking at each other", help="Stops colours and shapes from bleeding across."
    )
    enhancement: float = setting(
        1.0,
        "Emphasis of the concepts",
        help="Draws each region's middle towards its concept's words; 0 turns it off.",
        ge=0.0,
        le=10.0,
        zero="off",
    )
    rearrange: bool = setting(
        False,
        "Arrange the noise",
        help="Begins each region with the patch of noise that suits its concept best. Costs one more step.",
        advanced=True,
    )

    def staged(self, stage: Stage) -> AbstractContextManager[CourseOf]:
        """See `Composer`."""
        from engines.diffusion.composers._regions import regional  # loads torch

        return regional(self, stage)
