"""Asks the interactive worker what lies near the words that are to go: other forms of them, and neighbours that must stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from engines.api.erase_requests import SuggestWords
from engines.api.requests import Answer, Done, Dropped, Refused
from gui.services import Services
from gui.workers.interactive import new_id

_COUNT = 8


@dataclass(frozen=True)
class Hint:
    """What the base model's text encoder knows of a word.

    Attributes:
        synonyms: other forms of it, the nearest first.
        neighbours: other things that lie near, the nearest first.
        problem: why it could not be asked, in words.
        unknown: whether the model cannot spell it, so that it cannot be erased.
    """

    synonyms: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    problem: str = ""
    unknown: bool = False


class Suggester(QObject):
    """Asks about one word after the other and remembers the answers.

    Signals:
        changed: something more is known, or is being asked (`asking`).
    """

    changed = Signal()

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._known: dict[tuple[str, str], Hint] = {}
        self._wanted: tuple[tuple[str, str], ...] = ()
        self._request = ""
        self.asking = ""

    def hint(self, base: str, word: str) -> Hint | None:
        """What is known of a word; None while it is not."""
        return self._known.get((base, word.casefold()))

    def want(self, base: str, words: Sequence[str]) -> None:
        """Have these words asked about, and no others any more."""
        self._wanted = tuple((base, word) for word in words if self.hint(base, word) is None)
        self._next()

    def again(self) -> None:
        """Forget what could not be asked, so that it is asked anew when it is wanted next."""
        self._known = {key: hint for key, hint in self._known.items() if not hint.problem or hint.unknown}

    def _next(self) -> None:
        if self._request or not self._wanted:
            return
        (base, word), *rest = self._wanted
        self._wanted = tuple(rest)
        request = SuggestWords(id=new_id("suggest"), base=base, target=word, count=_COUNT)
        self._request, self.asking = request.id, word
        self.changed.emit()

        def answered(answer: Answer) -> None:
            if not isValid(self) or answer.id != self._request or not isinstance(answer, Done | Refused | Dropped):
                return
            self._request, self.asking = "", ""
            if isinstance(answer, Done):
                self._known[base, word.casefold()] = _hint(answer.data)
            elif isinstance(answer, Refused):
                self._known[base, word.casefold()] = _refusal(answer, word)
            else:
                self._wanted = ()  # the worker ends, perhaps; asking on would start it again
            self.changed.emit()
            self._next()

        self._services.interactive.request(request, answered)


def _hint(data: Mapping[str, object]) -> Hint:
    return Hint(_words(data.get("synonyms")), _words(data.get("neighbours")))


def _words(told: object) -> tuple[str, ...]:
    entries = told if isinstance(told, list) else []
    return tuple(str(one["word"]) for one in entries if isinstance(one, dict) and str(one.get("word", "")).strip())


def _refusal(answer: Refused, word: str) -> Hint:
    """A word that the model does not know is named in the title; all else is about the model or the worker."""
    text = " ".join(part for part in (f"{answer.title}.", answer.what, answer.hint) if part)
    return Hint(problem=text, unknown=word in answer.title)
