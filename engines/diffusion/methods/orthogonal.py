"""Orthogonal Adaptation: each adapter changes the model along directions of its own, so that several can be added up (Po et al. 2024).

The input side of every pair is a fixed slice of a basis that everybody shares (`engines.diffusion.basis`); only the output side is learned,
from zero. Two adapters of different slots have changes dW_i, dW_j with dW_i dW_j^T = 0, whatever was learned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from engines.api.errors import SettingsError
from engines.api.job import JobConcept
from engines.api.settings import Settings, setting
from engines.diffusion.contracts import Ability, Backbone, LearningRates, Site
from engines.diffusion.methods import METHODS, _shared
from engines.launch.lanes import capacity, lane, slot_of

if TYPE_CHECKING:
    from engines.diffusion.injection import LowRankAdapter


@METHODS.register("orthogonal")
class Orthogonal(Settings):
    """Orthogonal Adaptation and its settings."""

    title: ClassVar[str] = "Orthogonal"
    sentence: ClassVar[str] = (
        "Keeps to directions of its own, so that adapters can be added up. Half the weights of a LoRA."
    )
    tag: ClassVar[str] = "Can be added"
    paper: ClassVar[str] = "Orthogonal Adaptation for Modular Customization of Diffusion Models, CVPR 2024"
    needs: ClassVar[tuple[Ability, ...]] = ("attention_linears",)
    exact_elsewhere: ClassVar[bool] = True

    rank: int = setting(
        16,
        "Rank",
        help="How many directions it takes: the more, the more it can learn, and the fewer adapters go together.",
        ge=1,
        le=128,
    )
    slot: int = setting(
        0,
        "Slot",
        help="Which directions it takes. Adapters of different slots leave each other alone; 0 takes a free one.",
        ge=0,
        le=4096,
        advanced=True,
        zero="a free one",
    )
    words_only: bool = _shared.words_only()
    train_word: bool = _shared.train_word()
    text_encoder: bool = _shared.text_encoder()

    @property
    def asks(self) -> tuple[Ability, ...]:
        """See `Method`."""
        options: tuple[tuple[bool, Ability], ...] = (
            (self.words_only, "context_linears"),
            (self.text_encoder, "text_linears"),
            (self.train_word, "word_vectors"),
        )
        return _shared.asked(self.needs, *options)

    def attach(self, backbone: Backbone, rates: LearningRates, subject: JobConcept) -> LowRankAdapter:
        """Place the pairs; raises SettingsError when there is no such slot or the backbone lacks what is asked for."""
        from engines.diffusion import basis  # these load torch; the settings alone do not need it
        from engines.diffusion.fitting import require
        from engines.diffusion.injection import inject
        from engines.diffusion.trained_word import TrainedWord

        require(backbone, self)
        sites = list(backbone.context_linears() if self.words_only else backbone.attention_linears())
        sites += backbone.text_linears() if self.text_encoder else ()
        widths = _widths(backbone, sites)
        slot = self.slot or slot_of(subject.trigger or subject.name, width=min(widths), rank=self.rank)
        slots = capacity(min(widths), self.rank)
        if slot > slots:
            title = f"There is no slot {slot} at rank {self.rank}"
            what = f"The narrowest layer of “{backbone.info.title}” has {min(widths)} directions, enough for {slots} slots."
            raise SettingsError(title, what, "Choose another slot, or a lower rank.")
        own = lane(slot, self.rank)
        taught = inject(
            backbone,
            sites,
            rates,
            fixed_down={width: basis.directions(width, own) for width in widths},
            metadata={"lorikeet.basis": basis.NAME, "lorikeet.directions": f"{own.first}-{own.end - 1}"},
            r=self.rank,
            lora_alpha=self.rank,
        )
        if self.train_word:
            taught.word = TrainedWord(backbone, subject.trigger.strip())
        return taught


def _widths(backbone: Backbone, sites: list[Site]) -> set[int]:
    networks = backbone.networks()
    layers: list[Any] = [networks[site.network].get_submodule(site.path) for site in sites]
    return {int(layer.in_features) for layer in layers}
