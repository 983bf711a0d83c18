"""Families of Segment Anything models, one file each, and `open_segmenter`, which opens any of them.

A family's file loads no torch; its running half, which does, lies beside it under the same name with an underscore in front.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engines.api.errors import ModelError
from engines.api.places import starter
from engines.core.registry import Registry
from engines.segmentation.contracts import Segmenter

if TYPE_CHECKING:
    from engines.core.devices import Device

STARTER = "sam"
CHECKPOINT = "sam.safetensors"


class SegmenterFamily(Protocol):
    """One family: what it is called, what it recognises, and how it opens."""

    title: str

    @staticmethod
    def accepts(path: Path) -> bool:
        """Whether this family opens the file."""
        ...

    @staticmethod
    def open_model(path: Path, source: str, device: Device) -> Segmenter:
        """Load it onto the device; raises ModelError."""
        ...


SEGMENTERS: Registry[type[SegmenterFamily]] = Registry("family of segmentation models")


@functools.cache
def registry() -> Registry[type[SegmenterFamily]]:
    """All families; their files are imported once."""
    SEGMENTERS.discover(__name__)
    return SEGMENTERS


def place_of(base: str) -> Path:
    """File of a model named as in a job's `base`: `starter` or `file:/absolute/path`.

    Raises:
        ModelError: it is not there, or named in another way.
    """
    kind, _, rest = base.partition(":")
    path = starter(STARTER) / CHECKPOINT if base == "starter" else Path(rest)
    if base != "starter" and (kind != "file" or not rest):
        title = "The model is named in an unknown way"
        raise ModelError(title, f"“{base}”.", "Known: starter, file:/path/to/sam_vit_b_01ec64.pth.")
    if not path.is_file():
        title = "The model is not here"
        raise ModelError(title, f"There is no file at {path}.", "Choose it again; it may have been moved.")
    return path


def open_segmenter(base: str, device: Device) -> Segmenter:
    """Load a model onto a device.

    Raises:
        ModelError: missing, damaged, truncated, or of a kind that is not known.
    """
    path = place_of(base)
    for _, family in registry().items():  # noqa: PERF102 - a registry, not a dict
        if family.accepts(path):
            return family.open_model(path, base, device)
    title = "This kind of model is not known"
    raise ModelError(title, f"“{path.name}” is none of: {', '.join(f.title for _, f in registry().items())}.")
