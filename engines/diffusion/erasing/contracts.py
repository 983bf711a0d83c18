"""What an eraser is, and what it is told. Torch is not loaded by this file.

Eraser    settings of one way to erase; `attach` returns the running half, an `Erasing`
Wish      the words: what goes, what comes instead, what stays
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from engines.api.erase_job import Erasure
from engines.core.contracts import Trainable
from engines.diffusion.contracts import Ability, Base, LearningRates

if TYPE_CHECKING:
    import torch

    from engines.diffusion.exchange.adapter import Adapter


@dataclass(frozen=True)
class Wish:
    """What is to be erased and what is to stay, in words."""

    targets: tuple[Erasure, ...]
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class Aim:
    """What the erased model should say of the target t: from - push (base(t) - base(reference)).

    Attributes:
        push: how far beyond the surrogate, eta; at 0 the answer is simply the surrogate's.
        against_nothing: whether the reference is the empty prompt (ESD) instead of the surrogate (SPM).
        hold: weight of the anchors, lambda; 0 for none.
        anchors: how many a picture.
        narrow: how sharply anchors near the target are left out, the exponent a of (1 - |cosine|)^a.
    """

    push: float
    against_nothing: bool = False
    hold: float = 0.0
    anchors: int = 0
    narrow: float = 1.0


class Erasing(Trainable, Protocol):
    """A running eraser. One that learns nothing has no parameter groups and its adapter from the start."""

    @property
    def aim(self) -> Aim:
        """What it learns towards."""
        ...

    def adapter(self) -> Adapter:
        """The eraser as it stands, fp32 on the CPU, with its marks (`engines.launch.eraser_marks`)."""
        ...

    def start_from(self, adapter: Adapter) -> None:
        """Begin with what another eraser of the same concepts learned; raises AdapterError when it does not fit."""
        ...

    def switched_off(self) -> AbstractContextManager[None]:
        """The networks answer as the base does inside."""
        ...

    def acting(self, targets: Sequence[int]) -> AbstractContextManager[None]:
        """Inside, each row of what the denoiser is asked is erased by the target of this number; -1 for a row that nothing acts on."""
        ...

    def in_use(self, base: Base) -> AbstractContextManager[None]:
        """Inside, it acts as its file will when it is used."""
        ...

    def penalty(self) -> torch.Tensor | None:
        """What it adds to the training error, a scalar; None for nothing."""
        ...


class Eraser(Protocol):
    """One way to erase: a frozen `Settings` class whose fields are its settings.

    An eraser is one file in `engines.diffusion.erasers` that registers one class. `learns` tells whether it is taught in steps or solved at once,
    `exact_elsewhere` whether other tools get the same pictures from its file, `separable` whether concepts of one file can be switched off one by
    one, `rate` how its learning rate relates to what suits adapters of the base.
    """

    title: ClassVar[str]
    sentence: ClassVar[str]
    tag: ClassVar[str]
    paper: ClassVar[str]
    needs: ClassVar[tuple[Ability, ...]]
    learns: ClassVar[bool]
    exact_elsewhere: ClassVar[bool]
    separable: ClassVar[bool]
    rate: ClassVar[float]

    @property
    def asks(self) -> tuple[Ability, ...]:
        """Everything that these settings ask of a base."""
        ...

    def model_dump(self) -> dict[str, Any]:
        """All settings as plain data."""
        ...

    def attach(self, base: Base, rates: LearningRates, wish: Wish) -> Erasing:
        """Place the eraser in the base's networks and return its running half.

        Raises:
            SettingsError: the base lacks what these settings ask for, or cannot spell a target.
        """
        ...
