"""Whether a method fits a base model, told in the same words before a run is made (from the family alone, torch-free) and when it begins."""

from __future__ import annotations

from collections.abc import Collection

from engines.api.catalog import lacking
from engines.api.errors import SettingsError
from engines.diffusion.backbones import registry
from engines.diffusion.contracts import Backbone, Method
from engines.launch.family import family_of


def require(backbone: Backbone, method: Method) -> None:
    """Raise SettingsError when the backbone lacks something the method asks for, in plain words."""
    _refuse(method, backbone.abilities, backbone.info.title)


def require_of(base: str, method: Method) -> None:
    """The same of a base as named in a job, before it is opened; one that cannot be told without fetching it is let pass.

    Raises:
        SettingsError: the method asks for what its family does not have.
    """
    name = family_of(base)
    if name in registry():
        family = registry().get(name)
        _refuse(method, family.abilities, family.title)


def _refuse(method: Method, abilities: Collection[str], base: str) -> None:
    what = lacking(method.asks, abilities, base)
    if what:
        title = f"“{method.title}” does not fit this base model"
        raise SettingsError(title, what, "Choose another base model, or fewer parts to teach.")
