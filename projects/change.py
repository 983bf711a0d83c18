"""What an edit returns: which parts of the document it touched, and the edit that takes it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from projects.project import Project

Part = Literal[
    "concepts", "images", "captions", "masks", "labels", "regions", "splits", "runs", "settings", "compositions"
]


@dataclass(frozen=True, slots=True)
class Change:
    """The result of one edit.

    Attributes:
        parts: which parts of the project differ now; empty when the edit changed nothing.
        title: the edit in a few words, for the undo menu ("Remove 3 pictures").
        ids: of the concepts, pictures, labels, regions or runs touched; setting keys for settings.
        inverse: the edit that restores exactly what was there before; its own inverse is the redo.
    """

    parts: frozenset[Part]
    title: str
    ids: tuple[str, ...]
    inverse: Edit = field(repr=False)


Edit = Callable[["Project"], Change]
