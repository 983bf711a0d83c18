"""The test on pictures: how much of itself each subject keeps when all adapters act together; kept for the same adapters and weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from engines.api.interference import TryTogether
from engines.api.places import cache_home
from engines.api.requests import Answer, Done, Dropped, Refused, Working
from gui.services import Services
from gui.views.combine.along import Along, Question
from gui.views.combine.board import Board
from gui.widgets.notice import Notice
from gui.workers.interactive import new_id

_REPORT = "together.json"
_MOST_BYTES = 1_000_000
_MOST_PHOTOS = 8


@dataclass(frozen=True)
class Kept:
    """The share of its likeness that a subject keeps, with its interval; `title` empty for all of them together."""

    title: str
    mean: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """`80 % (70 to 90 %)`."""
        return f"{100 * self.mean:.0f} % ({100 * self.low:.0f} to {100 * self.high:.0f} %)"


class Trial(QObject):
    """One test at a time.

    Signals:
        changed: there is another result, or it is at work or not.
        progress: (words, done, total) while at work; empty words when it rests.
        failed: carries a `Notice`.
    """

    changed = Signal()
    progress = Signal(str, int, int)
    failed = Signal(object)

    def __init__(self, services: Services, board: Board, along: Along, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._board = board
        self._along = along
        self._request = ""
        self._asked: Question = ()
        self._for: Question = ()
        self.kept: tuple[Kept, ...] = ()
        along.changed.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether a test is under way."""
        return bool(self._request)

    def start(self) -> None:
        """Test the adapters as they are now."""
        question = self._along.question
        if not question or self.busy:
            return
        candidates = [self._board.candidate(part) for part in self._board.draft.parts]
        photos = tuple(
            tuple(str(photo) for photo in one.photos[:_MOST_PHOTOS]) if one is not None else () for one in candidates
        )
        request = TryTogether(
            id=new_id("together"),
            base=self._board.draft.base,
            adapters=question,
            references=photos,
            folder=str(_folder(question, self._board.draft.base)),
        )
        self._request, self._asked = request.id, question
        self.progress.emit("Starting", 0, 0)
        self.changed.emit()
        self._services.interactive.request(request, self._answered)

    def stop(self) -> None:
        """Drop it."""
        if self._request:
            self._services.interactive.cancel(self._request)

    def _answered(self, answer: Answer) -> None:
        if answer.id != self._request:
            return
        if isinstance(answer, Working):
            self.progress.emit(answer.text, answer.done, answer.total)
        elif isinstance(answer, Done | Refused | Dropped):
            self._request = ""
            if isinstance(answer, Done) and self._asked == self._along.question:
                self.kept, self._for = read(answer.data), self._asked
            elif isinstance(answer, Refused):
                self.failed.emit(Notice("bad", answer.title, answer.what, answer.hint))
            self.progress.emit("", 0, 0)
            self.changed.emit()

    def _look(self) -> None:
        """Other adapters or weights: what was found before for them is shown again."""
        question = self._along.question
        if question == self._for:
            return
        self.kept, self._for = (), question
        self.changed.emit()
        if question:
            base = self._board.draft.base

            def came(kept: tuple[Kept, ...]) -> None:
                if self._for == question and kept:
                    self.kept = kept
                    self.changed.emit()

            self._services.background.run(lambda _task: _stored(question, base), done=came, owner=self)


def read(document: object) -> tuple[Kept, ...]:
    """The figures of a report, those of all subjects first; what cannot be read is left out."""
    if not isinstance(document, dict):
        return ()
    subjects = document.get("subjects")
    rows: list[tuple[str, Any]] = [("", document.get("kept"))]
    if isinstance(subjects, list):
        rows += [(str(one.get("title", ""))[:200], one.get("kept")) for one in subjects[:8] if isinstance(one, dict)]
    found = (_kept(title, data) for title, data in rows)
    return tuple(one for one in found if one is not None)


def _kept(title: str, data: object) -> Kept | None:
    if not isinstance(data, dict):
        return None
    values = [data.get(name) for name in ("mean", "low", "high")]
    figures = [float(value) for value in values if isinstance(value, int | float) and abs(value) < 1e6]
    return Kept(title, *figures) if len(figures) == len(values) else None


def _stored(question: Question, base: str) -> tuple[Kept, ...]:
    path = _folder(question, base) / _REPORT
    try:
        if path.stat().st_size > _MOST_BYTES:
            return ()
        return read(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return ()


def _folder(question: Question, base: str) -> Path:
    """Where a test of these very files and weights is kept."""
    stamp: list[object] = [base]
    for use in question:
        try:
            status = Path(use.file).stat()
            stamp.append([use.file, use.weight, status.st_size, status.st_mtime_ns])
        except OSError:
            stamp.append([use.file, use.weight])
    return cache_home() / "together" / hashlib.sha256(json.dumps(stamp).encode()).hexdigest()[:24]
