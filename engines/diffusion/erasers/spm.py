"""SPM: for every concept a membrane of one dimension, which the prompt makes permeable (Lyu et al., CVPR 2024).

Follows the paper where its published code differs: permeability is linear and membranes have no cross terms; anchors near the target are left out by
the absolute value of the cosine. What is ours: the likeness is counted from a floor (`engines.diffusion.transport`), and half the anchors are
words, those to be kept among them, since directions drawn at random say nothing about neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engines.api.settings import Settings, setting
from engines.diffusion.contracts import Ability, Base, LearningRates
from engines.diffusion.erasers import ERASERS, _shared
from engines.diffusion.erasing.contracts import Aim, Wish

if TYPE_CHECKING:
    from engines.diffusion.erasing.membranes import Membranes


@ERASERS.register("spm")
class Spm(Settings):
    """Semi-permeable membranes and their settings."""

    title: ClassVar[str] = "Membrane"
    sentence: ClassVar[str] = (
        "Acts only where the words ask for it; tiny, and several go together without being taught again."
    )
    tag: ClassVar[str] = "Least harm"
    paper: ClassVar[str] = "One-dimensional Adapter to Rule Them All (SPM), CVPR 2024"
    needs: ClassVar[tuple[Ability, ...]] = ("attention_linears", "feed_forward_linears", "projections")
    learns: ClassVar[bool] = True
    exact_elsewhere: ClassVar[bool] = False
    separable: ClassVar[bool] = True
    rate: ClassVar[float] = 2.0

    push: float = _shared.push(2.0)
    hold: float = setting(
        10.0,
        "Hold everything else",
        help="How firmly the model's answers to other words are held while it learns.",
        ge=0.0,
        le=10_000.0,
        zero="off",
    )
    anchors: int = setting(
        2, "Other words a step", help="How many other words are held in every step.", ge=1, le=16, advanced=True
    )
    narrow: float = setting(
        1.0,
        "Leave near words free",
        help="How sharply words near the target are left out of what is held.",
        ge=0.0,
        le=8.0,
        advanced=True,
    )
    sparse: float = _shared.sparse()

    @property
    def asks(self) -> tuple[Ability, ...]:
        """See `Eraser`."""
        return self.needs

    def attach(self, base: Base, rates: LearningRates, wish: Wish) -> Membranes:
        """Place the membranes; raises SettingsError when the base lacks a layer or cannot spell a target."""
        from engines.diffusion.erasing.membranes import Membranes  # these load torch; the settings alone do not need it
        from engines.diffusion.fitting import require
        from engines.diffusion.transport import content_pieces, floor_of
        from engines.launch.eraser_marks import Mark

        require(base, self)
        for one in wish.targets:
            content_pieces(base, one.target)
        marks = [Mark(one.target, one.surrogate, 1, floor_of(base, one.target)) for one in wish.targets]
        sites = [*base.attention_linears(), *base.feed_forward_linears(), *base.projections()]
        aim = Aim(self.push, hold=self.hold, anchors=self.anchors, narrow=self.narrow)
        return Membranes(base, sites, rates, marks, aim, sparse=self.sparse)
