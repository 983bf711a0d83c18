"""Token-aware LoRA (TARA): an adapter that acts on its own trigger word and leaves every other word alone.

A LoRA on the attention. On the keys and values of the cross-attention its change reaches only the places of the trigger word; an alignment
error draws the key of the trigger towards the base model's key of the class word, so that both look at the same part of the picture
(TARA, Peng et al., AAAI 2026; definitions from its published code, corrected: one scale for teaching and use, mean over the pieces of
a word, rows of a batch masked each by its own words).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engines.api.errors import SettingsError
from engines.api.job import JobConcept
from engines.api.settings import Settings, setting
from engines.diffusion.contracts import Ability, Backbone, LearningRates
from engines.diffusion.methods import METHODS, _shared

if TYPE_CHECKING:
    from engines.diffusion.injection import LowRankAdapter


@METHODS.register("tara")
class TokenAware(Settings):
    """Token-aware LoRA and its settings."""

    title: ClassVar[str] = "Token-aware"
    sentence: ClassVar[str] = "Acts on its own trigger word only, so that several subjects can share a picture."
    tag: ClassVar[str] = "Can be composed"
    paper: ClassVar[str] = "TARA: Token-Aware LoRA for Composable Personalization in Diffusion Models, AAAI 2026"
    needs: ClassVar[tuple[Ability, ...]] = ("attention_linears", "context_linears")
    exact_elsewhere: ClassVar[bool] = False

    rank: int = setting(8, "Rank", help="How much the adapter can learn, and how large its file is.", ge=1, le=256)
    alpha: float = _shared.alpha()
    train_word: bool = _shared.train_word()
    words_only: bool = _shared.words_only()
    alignment: float = setting(
        1.0,
        "Alignment with the class word",
        help="How firmly the trigger word looks where the class word would; 0 turns it off.",
        ge=0.0,
        le=100.0,
        advanced=True,
        zero="off",
    )

    @property
    def asks(self) -> tuple[Ability, ...]:
        """See `Method`."""
        return _shared.asked(self.needs, (self.train_word, "word_vectors"))

    def attach(self, backbone: Backbone, rates: LearningRates, subject: JobConcept) -> LowRankAdapter:
        """Place the pairs; raises SettingsError when the subject has no trigger word or the backbone lacks what is asked for."""
        # these load torch; the settings alone do not need it
        from engines.diffusion.fitting import require
        from engines.diffusion.focus import FOCUS, Alignment, Focus
        from engines.diffusion.injection import SLOT, inject
        from engines.diffusion.trained_word import TrainedWord

        require(backbone, self)
        trigger = subject.trigger.strip()
        if not trigger:
            title = f"“{self.title}” needs a trigger word"
            raise SettingsError(
                title, "It acts on that word alone.", "Give the subject a trigger word, such as “tobi”."
            )
        context = backbone.context_linears()
        sites = context if self.words_only else backbone.attention_linears()
        taught = inject(
            backbone,
            sites,
            rates,
            metadata={FOCUS: trigger},
            r=self.rank,
            lora_alpha=self.alpha or self.rank,
        )
        if self.train_word:
            taught.word = TrainedWord(backbone, trigger)
        focus = Focus(backbone, trigger)
        for site in context:
            taught.layer(site).lora_B[SLOT].register_forward_hook(focus.masked)
        if self.alignment:
            keys = [taught.layer(site) for site in context if site.path.endswith("to_k")]
            taught.penalties.append(Alignment(backbone, keys, trigger, subject.class_noun.strip(), self.alignment))
        return taught
