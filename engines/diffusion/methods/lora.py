"""LoRA: low-rank changes of the attention, the standard way to teach a subject (Hu et al. 2021), through peft.

Variants: rank-stabilised scale (rsLoRA, Kalajdzievski 2023), weight decomposition (DoRA, Liu et al. 2024), and first values taken from the weights
(PiSSA, Meng et al. 2024; OLoRA, Büyükakyüz 2024), whose files have twice the rank and are exact in every tool.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from engines.api.errors import SettingsError
from engines.api.job import JobConcept
from engines.api.settings import Settings, setting
from engines.diffusion.contracts import Ability, Backbone, LearningRates, Site
from engines.diffusion.methods import METHODS, _shared

if TYPE_CHECKING:
    from engines.diffusion.injection import LowRankAdapter

_INIT = {"kaiming": True, "gaussian": "gaussian", "pissa": "pissa_niter_16", "olora": "olora"}
_FROM_WEIGHTS = ("pissa", "olora")


@METHODS.register("lora")
class Lora(Settings):
    """LoRA and its settings; the scale of the change is alpha / rank, or alpha / sqrt(rank) when rank-stabilised."""

    title: ClassVar[str] = "LoRA"
    sentence: ClassVar[str] = "The usual way: small, quick, and read by every other tool."
    tag: ClassVar[str] = "Most used"
    paper: ClassVar[str] = "LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022"
    needs: ClassVar[tuple[Ability, ...]] = ("attention_linears",)
    exact_elsewhere: ClassVar[bool] = True

    rank: int = setting(8, "Rank", help="How much the adapter can learn, and how large its file is.", ge=1, le=256)
    alpha: float = _shared.alpha()
    feed_forward: bool = setting(
        False,
        "Also teach the feed-forward layers",
        help="Learns shape and detail faster; the file is about twice as large.",
    )
    words_only: bool = _shared.words_only()
    train_word: bool = _shared.train_word()
    text_encoder: bool = _shared.text_encoder()
    dropout: float = setting(
        0.0, "Dropout", help="Leaves out a share of the change at random; helps against learning by heart.", ge=0.0, lt=1.0,
        advanced=True,
    )  # fmt: skip
    rank_stabilised: bool = setting(
        False,
        "Rank-stabilised scale",
        help="Keeps the strength of the change the same at high ranks (rsLoRA).",
        advanced=True,
    )
    weight_decomposed: bool = setting(
        False,
        "Weight-decomposed",
        help="Learns size and direction of each weight apart (DoRA). Slower, often closer.",
        advanced=True,
    )
    init: Literal["kaiming", "gaussian", "pissa", "olora"] = setting(
        "kaiming",
        "First values",
        help="Where each pair starts: at random, or from the weights it changes, which learns faster; those files are twice as large.",
        advanced=True,
        choices={
            "kaiming": "Kaiming (usual)",
            "gaussian": "Gaussian (diffusers)",
            "pissa": "largest parts of the weights (PiSSA)",
            "olora": "orthonormal parts (OLoRA)",
        },
    )

    def attach(self, backbone: Backbone, rates: LearningRates, subject: JobConcept) -> LowRankAdapter:
        """Place the pairs; raises SettingsError when the backbone lacks what the settings ask for."""
        from engines.diffusion.fitting import require  # these load torch; the settings alone do not need it
        from engines.diffusion.injection import inject
        from engines.diffusion.trained_word import TrainedWord

        require(backbone, self)
        sites, from_weights = self._sites(backbone), self.init in _FROM_WEIGHTS
        if from_weights:
            self._check_start(backbone, sites)
        taught = inject(
            backbone,
            sites,
            rates,
            from_weights=from_weights,
            r=self.rank,
            lora_alpha=self.alpha or self.rank,
            lora_dropout=self.dropout,
            use_rslora=self.rank_stabilised,
            use_dora=self.weight_decomposed,
            init_lora_weights=_INIT[self.init],
        )
        if self.train_word:
            taught.word = TrainedWord(backbone, subject.trigger.strip())
        return taught

    @property
    def asks(self) -> tuple[Ability, ...]:
        """See `Method`."""
        extra: tuple[tuple[bool, Ability], ...] = (
            (self.words_only, "context_linears"),
            (self.feed_forward, "feed_forward_linears"),
            (self.text_encoder, "text_linears"),
            (self.train_word, "word_vectors"),
        )
        return _shared.asked(self.needs, *extra)

    def _check_start(self, backbone: Backbone, sites: Sequence[Site]) -> None:
        """Raise SettingsError where the weights cannot be begun with."""
        title = "These first values cannot be taken from the weights"
        if self.weight_decomposed:
            raise SettingsError(
                title, "Weight decomposition (DoRA) begins with them already.", "Switch one of the two off."
            )
        networks = backbone.networks()
        layers: list[Any] = [networks[site.network].get_submodule(site.path) for site in sites]
        narrowest = min(min(layer.in_features, layer.out_features) for layer in layers)
        if self.rank > narrowest:
            what = f"The narrowest layer has {narrowest} directions, and the rank is {self.rank}."
            raise SettingsError(title, what, f"Choose a rank of {narrowest} or less.")

    def _sites(self, backbone: Backbone) -> list[Site]:
        sites = list(backbone.context_linears() if self.words_only else backbone.attention_linears())
        if self.feed_forward:
            sites += backbone.feed_forward_linears()
        if self.text_encoder:
            sites += backbone.text_linears()
        return sites
