"""Whether a method fits a base model, told in the same words before a run is made (from the family alone, torch-free) and when it begins."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Protocol

from engines.api.catalog import lacking
from engines.api.errors import SettingsError
from engines.diffusion.backbones import registry
from engines.diffusion.contracts import Ability, Backbone
from engines.launch.family import family_of


class Asking(Protocol):
    """A method, or a way to erase, with its settings."""

    title: ClassVar[str]

    @property
    def asks(self) -> tuple[Ability, ...]:
        """Everything that it asks of a base."""
        ...


def require(backbone: Backbone, method: Asking) -> None:
    """Raise SettingsError when the backbone lacks something the method asks for, in plain words."""
    _refuse(method, backbone.abilities, backbone.info.title)


def require_of(base: str, method: Asking) -> None:
    """The same of a base as named in a job, before it is opened; one that cannot be told without fetching it is let pass.

    Raises:
        SettingsError: the method asks for what its family does not have.
    """
    name = family_of(base)
    if name in registry():
        family = registry().get(name)
        _refuse(method, family.abilities, family.title)


def _refuse(method: Asking, abilities: Collection[str], base: str) -> None:
    what = lacking(method.asks, abilities, base)
    if what:
        title = f"“{method.title}” does not fit this base model"
        raise SettingsError(title, what, "Choose another base model, or fewer parts to teach.")
