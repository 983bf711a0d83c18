"""Tells what an adapter file of a segmentation model is from its header alone, without torch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from engines.api.errors import AdapterError
from engines.launch.adapter_info import AdapterInfo, describe
from engines.launch.tensor_file import read_tensor_file
from projects.files import atomic_path

KIND = "segmentation"
PREFIX = "lorikeet."
_MOST_CLASSES = 1000
_MAX_JSON = 2_000_000
_TITLE = "This adapter cannot be read"


@dataclass(frozen=True)
class SegmentInfo:
    """What such a file says of itself.

    Attributes:
        bytes: the file's size.
        tuner: registered name, with its `settings`.
        classes: names of what it was taught.
        prompts: what it was taught to answer: `clicks`, `automatic` or `both`.
        base: what the model it was made on is called; `base_hash` the sha256 of its file.
        about: further strings for people (title, steps, pictures).
    """

    file: str
    bytes: int
    tuner: str
    settings: Mapping[str, Any]
    classes: tuple[str, ...]
    prompts: str
    base: str
    base_hash: str
    about: Mapping[str, str]

    @property
    def title(self) -> str:
        """What its maker called it, or else the file's name."""
        return self.about.get("title") or Path(self.file).stem

    def as_data(self) -> dict[str, object]:
        """All of it as plain data for a message or JSON."""
        return {**vars(self), "settings": dict(self.settings), "about": dict(self.about), "kind": KIND}


def describe_segment(path: Path) -> SegmentInfo:
    """Read the header of an adapter file of a segmentation model.

    Raises:
        AdapterError: missing, damaged, or of another kind.
    """
    told = read_tensor_file(path).metadata
    if told.get(f"{PREFIX}kind") != KIND:
        raise AdapterError(
            _TITLE, f"“{path.name}” is no adapter of a segmentation model made here.", "Choose another file."
        )
    settings, classes = (_json(path, told, name) for name in ("settings", "classes"))
    if not isinstance(settings, dict) or not _are_names(classes):
        raise AdapterError(_TITLE, f"What “{path.name}” says of itself is not complete.", "Export it again.")
    words = {name: told.get(f"{PREFIX}{name}", "") for name in ("tuner", "prompts", "base_hash")}
    return SegmentInfo(
        file=path.name,
        bytes=path.stat().st_size,
        settings=settings,
        classes=tuple(classes),
        base=told.get(f"{PREFIX}base_title", ""),
        about={name: value for name, value in told.items() if not name.startswith(PREFIX)},
        **words,
    )


def describe_any(path: Path) -> AdapterInfo | SegmentInfo:
    """Read the header of an adapter of whatever kind (or of a folder as peft writes it).

    Raises:
        AdapterError: missing, damaged, or not an adapter.
    """
    if path.is_file() and read_tensor_file(path).metadata.get(f"{PREFIX}kind") == KIND:
        return describe_segment(path)
    return describe(path)


def copy_adapter(source: Path, out: Path, *, overwrite: bool = False) -> None:
    """Write the adapter file itself elsewhere, after a look at it.

    Raises:
        AdapterError: it is damaged or of another kind, or `out` exists and `overwrite` is not set.
    """
    describe_segment(source)
    if out.exists() and not overwrite:
        title = "There is a file of this name"
        raise AdapterError(title, f"{out.name} was not overwritten.", "Choose another name.")
    with atomic_path(out) as temporary:
        shutil.copyfile(source, temporary)


def _json(path: Path, told: Mapping[str, str], name: str) -> object:
    text = told.get(f"{PREFIX}{name}", "")
    try:
        return json.loads(text[:_MAX_JSON])
    except (ValueError, RecursionError) as error:
        what = f"“{path.name}” is damaged: its {name} cannot be read."
        raise AdapterError(_TITLE, what, "Export it again.") from error


def _are_names(found: object) -> TypeGuard[list[str]]:
    return isinstance(found, list) and 0 < len(found) <= _MOST_CLASSES and all(isinstance(name, str) for name in found)
