"""Ways to adapt a segmentation model, one file each; a file registers its class with `@TUNERS.register(name)`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from engines.core.registry import Registry, configured
from engines.segmentation.contracts import Tuner

TUNERS: Registry[type[Any]] = Registry("way to adapt")


@functools.cache
def registry() -> Registry[type[Any]]:
    """All tuners; their files are imported once."""
    TUNERS.discover(__name__)
    return TUNERS


def tuner_of(name: str, settings: Mapping[str, Any]) -> Tuner:
    """The tuner of this name with these settings.

    Raises:
        SettingsError: there is none, or a setting is not right.
    """
    tuner: Tuner = configured(registry(), name, settings, group="method")
    return tuner
