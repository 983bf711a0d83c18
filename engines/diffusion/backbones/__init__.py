"""Families of base models, one file each, and `open_base`, which opens any of them.

A family's file loads no torch; its running half, which does, lies beside it under the same name with an underscore in front.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engines.api.errors import ModelError
from engines.api.places import starter
from engines.core.contracts import ProgressHook
from engines.core.registry import Registry
from engines.diffusion.contracts import Ability, Base

if TYPE_CHECKING:
    from engines.core.devices import Device


class BaseFamily(Protocol):
    """One family: what it is called, what it can do, what it recognises, and how it opens."""

    title: str
    abilities: tuple[Ability, ...]

    @staticmethod
    def accepts(path: Path) -> bool:
        """Whether this family opens the folder or file; raises ModelError when the file is damaged."""
        ...

    @staticmethod
    def open_model(path: Path, source: str, device: Device, *, progress: ProgressHook) -> Base:
        """Load it onto the device; raises ModelError."""
        ...


BACKBONES: Registry[type[BaseFamily]] = Registry("family of base models")


@functools.cache
def registry() -> Registry[type[BaseFamily]]:
    """All families; their files are imported once."""
    BACKBONES.discover(__name__)
    return BACKBONES


def quiet(phase: str, text: str, done: int, total: int) -> None:
    """A progress hook for those who do not want to hear."""


def place_of(base: str, *, progress: ProgressHook = quiet) -> Path:
    """Folder or file of a base model named as in `Job.base`, fetched first when it comes from a hub.

    Raises:
        ModelError: it is not there; DownloadError: it could not be fetched.
    """
    kind, _, rest = base.partition(":")
    if base == "starter":
        path = starter("diffusion")
        if not (path / "model_index.json").is_file():
            title = "The starter model is not here"
            raise ModelError(title, "resources/starter/diffusion is empty.", "Install Lorikeet again.")
        return path
    if kind == "hub" and rest:
        from engines.diffusion.hub import fetch

        return fetch(rest, progress=progress)
    if kind != "file" or not rest:
        title = "The base model is named in an unknown way"
        raise ModelError(title, f"“{base}”.", "Known: starter, hub:owner/name, file:/path/to/it.")
    path = Path(rest)
    if not path.exists():
        title = "The base model is not here"
        raise ModelError(title, f"There is nothing at {path}.", "Choose it again; it may have been moved.")
    return path


def open_base(base: str, device: Device, *, progress: ProgressHook = quiet) -> Base:
    """Load a base model onto a device.

    Args:
        base: `starter`, `hub:owner/name[@revision]` or `file:/absolute/path`.
        device: as `engines.core.devices.pick` gives it.
        progress: hears about loading and downloads.

    Raises:
        ModelError: missing, damaged, or of a kind that is not known.
    """
    from engines.diffusion.hub import at_commit

    path = place_of(base, progress=progress)
    source = at_commit(base, path)
    for _, family in registry().items():  # noqa: PERF102 - a registry, not a dict
        if family.accepts(path):
            return family.open_model(path, source, device, progress=progress)
    title = "This kind of base model is not known"
    raise ModelError(title, f"“{path.name}” is none of: {', '.join(f.title for _, f in registry().items())}.")
