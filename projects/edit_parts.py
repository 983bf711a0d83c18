"""What the edits share: picking rows, checking words, putting things in order."""

from __future__ import annotations

import secrets
from collections.abc import Sequence, Sized

from projects import queries
from projects.errors import ProjectError
from projects.files import readable_text
from projects.project import Project
from projects.records import Image

LONGEST_NAME = 200


def new_id() -> str:
    """Return a fresh id for a concept, a picture, a label or a region: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def pick(project: Project, image_ids: Sequence[str]) -> list[Image]:
    """The pictures of these ids, each once.

    Raises:
        ProjectError: one of them is not there.
    """
    wanted = dict.fromkeys(image_ids)
    if len(wanted) > 8:
        every = {item.id: item for item in queries.images(project)}
        missing = [key for key in wanted if key not in every]
        if missing:
            queries.image(project, missing[0])
        return [every[key] for key in wanted]
    return [queries.image(project, image_id) for image_id in wanted]


def reordered(current: Sequence[str], wanted: Sequence[str], what: str) -> list[str]:
    """The ids `current` with those in `wanted` in that order, in the places that they hold together.

    Raises:
        ProjectError: one of `wanted` is not in `current`; `what` is the word for it.
    """
    moving = list(dict.fromkeys(wanted))
    if not set(moving) <= set(current):
        raise ProjectError(f"The {what} is no longer there", "Only what is on the same page can be put in order.")
    supply = iter(moving)
    chosen = set(moving)
    return [next(supply) if key in chosen else key for key in current]


def words(text: str, what: str, *, empty: bool = False) -> str:
    """One line of text fit for a name.

    Raises:
        ProjectError: it is empty though it may not be, or too long; `what` begins the sentence.
    """
    line = " ".join(readable_text(text).split())
    if not line and not empty:
        raise ProjectError(f"{what} is empty", "Write at least one letter.")
    if len(line) > LONGEST_NAME:
        raise ProjectError(f"{what} is too long", f"Up to {LONGEST_NAME} characters fit.")
    return line


def counted(items: Sized, word: str) -> str:
    """How many, in words: "1 picture", "2 pictures"."""
    return f"1 {word}" if len(items) == 1 else f"{len(items)} {word}s"
