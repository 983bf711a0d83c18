"""Adapters' answers blended by attention: where the words of a concept are looked at, its adapter acts (the rule of MIP-Adapter, Huang et al., AAAI 2025).

The paper weighs image adapters at every cell by the attention to each object's noun, normalised over objects, with a gate that is learned. The rule needs no learning and
no boxes: here it weighs whole adapters, everywhere in the denoiser, by the attention that the base itself pays to each concept's words.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ClassVar

from engines.api.compose import Need
from engines.api.settings import Settings, setting
from engines.diffusion.composers import COMPOSERS

if TYPE_CHECKING:
    from engines.diffusion.sampling import CourseOf
    from engines.diffusion.stage import Stage


@COMPOSERS.register("blend")
class Blend(Settings):
    """Its settings."""

    title: ClassVar[str] = "Where its words are looked at"
    sentence: ClassVar[str] = (
        "Finds by itself where each concept is being drawn, and lets its adapter act there. Needs no boxes."
    )
    tag: ClassVar[str] = "No boxes"
    paper: ClassVar[str] = (
        "Resolving Multi-Condition Confusion for Finetuning-Free Personalized Image Generation, AAAI 2025"
    )
    needs: ClassVar[tuple[Need, ...]] = ("adapters", "words")
    order: ClassVar[int] = 30

    sharpness: float = setting(
        2.0, "Sharpness", help="How clearly one concept wins over the others at each place.", gt=0.0, le=20.0
    )

    def staged(self, stage: Stage) -> AbstractContextManager[CourseOf]:
        """See `Composer`."""
        from engines.diffusion.composers._blend import blended  # loads torch

        return blended(self.sharpness, stage)
