"""Ways to erase a concept, one file each; a file registers its class with `@ERASERS.register(name)`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from engines.api.catalog import MethodEntry
from engines.core.registry import Registry, configured
from engines.diffusion.erasing.contracts import Eraser

ERASERS: Registry[type[Any]] = Registry("way to erase")


@functools.cache
def registry() -> Registry[type[Any]]:
    """All erasers; their files are imported once."""
    ERASERS.discover(__name__)
    return ERASERS


def eraser_of(name: str, settings: Mapping[str, Any]) -> Eraser:
    """The eraser of this name with these settings.

    Raises:
        SettingsError: there is none, or a setting is not right.
    """
    eraser: Eraser = configured(registry(), name, settings, group="method")
    return eraser


def entries() -> tuple[MethodEntry, ...]:
    """All erasers as catalog data."""
    return tuple(
        MethodEntry(
            name=name,
            title=kind.title,
            sentence=kind.sentence,
            tag=kind.tag,
            paper=kind.paper,
            needs=tuple(kind.needs),
            schema_=kind.model_json_schema(),
            learns=kind.learns,
            separable=kind.separable,
            exact_elsewhere=kind.exact_elsewhere,
        )
        for name, kind in registry().items()
    )
