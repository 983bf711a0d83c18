"""Where things lie: shipped resources, the user's models, caches and state."""

from __future__ import annotations

import os
from pathlib import Path

from projects.places import APP, cache_home

__all__ = ["APP", "cache_home", "data_home", "resources", "samples", "starter", "state_home"]


def resources() -> Path:
    """Folder of the data shipped with the application."""
    return Path(__file__).resolve().parents[2] / "resources"


def starter(name: str) -> Path:
    """Folder of one embedded starter model: `diffusion`, `clip` or `sam`."""
    return resources() / "starter" / name


def samples() -> Path:
    """Folder with the sample subjects."""
    return resources() / "samples"


def data_home() -> Path:
    """The user's lasting data (models, default place of new projects); `LORIKEET_HOME` overrides it."""
    override = os.environ.get("LORIKEET_HOME")
    if override:
        return Path(override)
    import platformdirs

    return Path(platformdirs.user_data_dir(APP, appauthor=False))


def state_home() -> Path:
    """Window state, recent projects, crash reports."""
    override = os.environ.get("LORIKEET_HOME")
    if override:
        return Path(override) / "state"
    import platformdirs

    return Path(platformdirs.user_state_dir(APP, appauthor=False))
