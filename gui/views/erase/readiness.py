"""Whether an erasure can start, and in words what is in the way."""

from __future__ import annotations

from dataclasses import dataclass

from gui.views.erase.board import Board
from gui.workers.erasing import EraseDraft
from projects.errors import UserError


@dataclass(frozen=True)
class Readiness:
    """Whether it is `ready`; `words` say what is missing, or what is worth knowing, and are a warning when `wrong`."""

    ready: bool = False
    words: str = ""
    wrong: bool = False


def look(board: Board, *, read_only: bool) -> Readiness:
    """See what is in the way of the words as they are."""
    draft = board.draft
    if board.project is None:
        return Readiness()
    if read_only:
        return Readiness(words="This project can only be looked at.", wrong=True)
    if not draft.targets:
        return Readiness(words="Say in a word or two what must not appear.")
    try:
        EraseDraft(draft.erasures(), draft.keep, base=draft.base).job()
    except UserError as error:
        return Readiness(words=str(error), wrong=True)
    unknown = [word for word in draft.words if (hint := board.hint(word)) is not None and hint.unknown]
    if unknown:
        words = (
            f"The model does not know “{unknown[0]}”, so it cannot be erased. Say it in other words, or leave it out."
        )
        return Readiness(words=words, wrong=True)
    if not draft.keep:
        return Readiness(True, "Nothing is named to stay. Neighbours are measured anyway; naming them protects them.")
    return Readiness(True)
