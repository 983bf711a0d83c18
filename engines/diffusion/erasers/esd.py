"""ESD: the model is taught to answer to the concept's words with what lies on the other side of nothing (Gandikota et al., ICCV 2023), as an adapter.

The baseline people know. Of the paper's groups of layers there are the cross-attention alone (ESD-x), everything else (ESD-u), and both; it acts on
every prompt, and nothing is held. With a surrogate the aim starts from there, as in its published code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from engines.api.settings import Settings, setting
from engines.diffusion.contracts import Ability, Base, LearningRates, Site
from engines.diffusion.erasers import ERASERS, _shared
from engines.diffusion.erasing.contracts import Aim, Wish

if TYPE_CHECKING:
    from engines.diffusion.erasing.learned import LearnedEraser

_CROSS = ".attn2."


@ERASERS.register("esd")
class Esd(Settings):
    """ESD and its settings."""

    title: ClassVar[str] = "Unlearning"
    sentence: ClassVar[str] = (
        "Turns the model itself away from the concept; works in every tool, and changes its neighbours too."
    )
    tag: ClassVar[str] = "Well known"
    paper: ClassVar[str] = "Erasing Concepts from Diffusion Models (ESD), ICCV 2023"
    needs: ClassVar[tuple[Ability, ...]] = ("attention_linears",)
    learns: ClassVar[bool] = True
    exact_elsewhere: ClassVar[bool] = True
    separable: ClassVar[bool] = False
    rate: ClassVar[float] = 0.5

    push: float = _shared.push(1.0)
    rank: int = setting(4, "Rank", help="How much it can change, and how large its file is.", ge=1, le=128)
    layers: Literal["cross", "others", "all"] = setting(
        "cross",
        "Layers",
        help="Those that read the words keep the change to them; the others suit what no word names.",
        choices={"cross": "Those that read the words (ESD-x)", "others": "All others (ESD-u)", "all": "All"},
    )
    sparse: float = _shared.sparse()

    @property
    def asks(self) -> tuple[Ability, ...]:
        """See `Eraser`."""
        return (*self.needs, *(() if self.layers == "cross" else ("feed_forward_linears",)))

    def attach(self, base: Base, rates: LearningRates, wish: Wish) -> LearnedEraser:
        """Place the pairs; raises SettingsError when the base lacks a layer or cannot spell a target."""
        # these load torch; the settings alone do not need it
        from engines.diffusion.erasing.learned import LearnedEraser
        from engines.diffusion.fitting import require
        from engines.diffusion.injection import inject
        from engines.diffusion.transport import content_pieces
        from engines.launch.eraser_marks import Mark, pack

        require(base, self)
        for one in wish.targets:
            content_pieces(base, one.target)
        marks = [Mark(one.target, one.surrogate) for one in wish.targets]
        pairs = inject(base, self._sites(base), rates, metadata=pack(marks), r=self.rank, lora_alpha=self.rank)
        return LearnedEraser(pairs, Aim(self.push, against_nothing=True), sparse=self.sparse)

    def _sites(self, base: Base) -> list[Site]:
        attention = base.attention_linears()
        if self.layers == "cross":
            return [site for site in attention if _CROSS in site.path]
        others = [site for site in attention if self.layers == "all" or _CROSS not in site.path]
        return [*others, *base.feed_forward_linears()]
