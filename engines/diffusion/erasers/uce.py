"""UCE: the layers that read words are solved anew so that a target's word reads as its surrogate's (Gandikota et al., WACV 2024); nothing is learned.

As an exact adapter: the change is of the rank of what is edited (`engines.diffusion.erasing.closed_form`), so it has a strength, adds up with
others and is read by every tool. What is kept is kept at all places of its captions, not at the last word alone, and the layers are held a hundred times
as firmly as in the paper: on the starter other captions then read two thirds as wrongly, and targets as much like their surrogate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engines.api.prompts import with_article
from engines.api.settings import Settings, setting
from engines.diffusion.contracts import Ability, Base, LearningRates
from engines.diffusion.erasers import ERASERS
from engines.diffusion.erasing.contracts import Wish

if TYPE_CHECKING:
    from engines.diffusion.erasing.closed_form import Solved


@ERASERS.register("uce")
class Uce(Settings):
    """Unified concept editing and its settings."""

    title: ClassVar[str] = "Rewriting"
    sentence: ClassVar[str] = "There in seconds, for many concepts at once, without learning; works in every tool."
    tag: ClassVar[str] = "Quickest"
    paper: ClassVar[str] = "Unified Concept Editing in Diffusion Models (UCE), WACV 2024"
    needs: ClassVar[tuple[Ability, ...]] = ("context_linears",)
    learns: ClassVar[bool] = False
    exact_elsewhere: ClassVar[bool] = True
    separable: ClassVar[bool] = False
    rate: ClassVar[float] = 1.0

    sayings: bool = setting(
        True,
        "Several sayings",
        help="Solves for the word in several plain sentences, not alone: firmer, and five times the file.",
    )
    strength: float = setting(
        1.0, "Weight of what goes", help="How much targets count beside what is kept.", gt=0.0, le=100.0, advanced=True
    )
    steadiness: float = setting(
        50.0,
        "Steadiness",
        help="How firmly the layers as a whole stay what they were: the paper's lambda, which is 0.5 there.",
        gt=0.0,
        le=1e4,
        advanced=True,
    )

    @property
    def asks(self) -> tuple[Ability, ...]:
        """See `Eraser`."""
        return self.needs

    def attach(self, base: Base, rates: LearningRates, wish: Wish) -> Solved:  # noqa: ARG002 - the contract's
        """Solve it; raises SettingsError when the base lacks such layers or cannot spell a target."""
        # these load torch; the settings alone do not need it
        from engines.diffusion.erasing.closed_form import Solved, caption_states, edit, word_states
        from engines.diffusion.fitting import require
        from engines.diffusion.transport import EVERYDAY, content_pieces
        from engines.launch.eraser_marks import Mark, pack

        require(base, self)
        for one in wish.targets:
            content_pieces(base, one.target)
        edited = [words for one in wish.targets for words in self._said(one.target)]
        guides = [words for one in wish.targets for words in self._said(one.surrogate)]
        named = {one.target.casefold() for one in wish.targets}
        plain = [words for words in EVERYDAY if not words or words.startswith("a photo")]
        kept = [f"a photo of {with_article(one)}" for one in wish.keep]
        kept += [words for words in plain if not named.intersection(words.split())]
        modules = edit(
            base,
            word_states(base, edited),
            word_states(base, guides),
            caption_states(base, kept),
            lam=self.steadiness,
            strength=self.strength,
        )
        marks = [Mark(one.target, one.surrogate, len(self._said(one.target))) for one in wish.targets]
        return Solved(modules, pack(marks))

    def _said(self, words: str) -> list[str]:
        """The words alone and in plain sentences that end in them; nothing stays nothing."""
        if not self.sayings:
            return [words]
        plain = (
            words,
            with_article(words),
            f"a photo of {with_article(words)}",
            f"a picture of {words}",
            f"one {words}",
        )
        return list(plain) if words else [""] * len(plain)
