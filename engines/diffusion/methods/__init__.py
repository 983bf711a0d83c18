"""Ways to teach a subject, one file each; a file registers its class with `@METHODS.register(name)`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from engines.api.errors import SettingsError
from engines.core.registry import Registry
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
    kind = registry().get(name)
    try:
        method: Method = kind(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        title = "A setting is not right"
        raise SettingsError(
            title, f"{kind.title}, “{place}”: {first['msg']}.", "Correct it and start again."
        ) from error
    return method
