"""Ways to teach a subject, one file each; a file registers its class with `@METHODS.register(name)`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from engines.core.registry import Registry, configured
from engines.diffusion.contracts import Method

METHODS: Registry[type[Any]] = Registry("way to teach")


@functools.cache
def registry() -> Registry[type[Any]]:
    """All methods; their files are imported once."""
    METHODS.discover(__name__)
    return METHODS


def method_of(name: str, settings: Mapping[str, Any]) -> Method:
    """The method of this name with these settings.

    Raises:
        SettingsError: there is none, or a setting is not right.
    """
    method: Method = configured(registry(), name, settings, group="method")
    return method
