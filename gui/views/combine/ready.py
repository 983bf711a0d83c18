"""Whether pictures can be made of a layout, and in words what is in the way."""

from __future__ import annotations

from dataclasses import dataclass

from gui.views.combine.board import Board
from gui.views.combine.draft import LEAST


@dataclass(frozen=True)
class Readiness:
    """Whether it is `ready`; `words` say what is missing or worth knowing, and are a warning when `wrong`."""

    ready: bool
    words: str = ""
    wrong: bool = False


def look(board: Board, *, read_only: bool) -> Readiness:
    """See what is in the way of a layout; files were looked at before (`Board.trouble`)."""
    draft = board.draft
    if board.project is None:
        return Readiness(False)
    if read_only:
        return Readiness(False, "This project may only be read, so no pictures can be kept in it.", wrong=True)
    if len(draft.parts) < LEAST:
        return Readiness(False)
    if board.trouble is not None:
        words = " ".join(part for part in (board.trouble.title + ".", board.trouble.text, board.trouble.hint) if part)
        return Readiness(False, words, wrong=True)
    if not draft.prompt.strip():
        return Readiness(False, "Say in a sentence what the picture shall show.")
    offer = board.offer()
    if not board.offers():
        problem = board.catalog_problem
        words = f"What is on offer could not be read: {problem}" if problem else "Reading what is on offer…"
        return Readiness(False, words, wrong=bool(problem))
    if offer is None:
        return Readiness(False, "No way to bring them together fits yet; at the right it says why.")
    lost = draft.strategy and draft.strategy != offer.entry.name
    notes = [f"The way you chose does not fit now; “{offer.entry.title}” is used."] if lost else []
    return Readiness(True, " ".join((*notes, *board.notes)))
