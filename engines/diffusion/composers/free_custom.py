"""Concepts from one picture each, without any teaching: the picture being drawn looks at them while it is drawn (FreeCustom, Ding et al., CVPR 2024).

In the later self-attention layers the cells of the picture also see those of the reference pictures, inside their cut-outs. The references are noised as far as the picture is, and
run beside it. The paper multiplies the logits by a mask; its code adds a number to them inside and leaves out everything outside, which is done here.
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


@COMPOSERS.register("free_custom")
class FreeCustom(Settings):
    """Its settings."""

    title: ClassVar[str] = "From one picture each"
    sentence: ClassVar[str] = (
        "Teaches nothing: looks at one cut-out picture of each concept while it draws. Adapters may help along."
    )
    tag: ClassVar[str] = "No teaching"
    paper: ClassVar[str] = (
        "FreeCustom: Tuning-Free Customized Image Generation for Multi-Concept Composition, CVPR 2024"
    )
    needs: ClassVar[tuple[Need, ...]] = ("pictures",)
    order: ClassVar[int] = 40

    strength: float = setting(
        3.0,
        "How closely it copies",
        help="Added to the attention's logits; 3 makes a reference twenty times as likely.",
        ge=0.0,
        le=10.0,
    )

    def staged(self, stage: Stage) -> AbstractContextManager[CourseOf]:
        """See `Composer`."""
        from engines.diffusion.composers._free_custom import referring  # loads torch

        return referring(self.strength, stage)
