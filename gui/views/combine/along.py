"""Asks whether the subjects' adapters get along, as soon as there are two of them and whenever they or their weights change."""

from __future__ import annotations

from pydantic import ValidationError
from PySide6.QtCore import QObject, QTimer, Signal

from engines.api.interference import AskInterference, InterferenceReport
from engines.api.requests import Answer, Done, Dropped, Refused
from engines.api.uses import AdapterUse
from gui.services import Services
from gui.views.combine.board import Board
from gui.views.combine.draft import LEAST
from gui.workers.interactive import new_id

_PAUSE_MS = 250
Question = tuple[AdapterUse, ...]


class Along(QObject):
    """Follows the board while somebody looks at the page.

    Attributes:
        report: on the adapters as they are now; None while there is none.
        problem: why there is none, in words; empty when it is on its way or not asked for.
        asking: whether it is on its way.

    Signals:
        changed: one of these is different.
    """

    changed = Signal()

    def __init__(self, services: Services, board: Board, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._board = board
        self._awake = False
        self._question: Question = ()
        self._request = ""
        self.report: InterferenceReport | None = None
        self.problem = ""
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        board.changed.connect(self._moved)
        board.looked_over.connect(self._moved)

    @property
    def asking(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self._request) or self._pause.isActive()

    @property
    def question(self) -> Question:
        """The adapters of the layout with their weights; empty while there are not enough, or one of them cannot be used."""
        board = self._board
        if len(board.draft.parts) < LEAST or board.project is None or board.trouble is not None:
            return ()
        return tuple(one.adapter for one in board.composition().concepts if one.adapter is not None)

    def wake(self) -> None:
        """Somebody looks at the page."""
        self._awake = True
        self._moved()

    def rest(self) -> None:
        """Nobody does."""
        self._awake = False

    def _moved(self) -> None:
        question = self.question
        if question == self._question or not self._awake:
            return
        self._question = question
        if self._request:
            self._services.interactive.cancel(self._request)
        self.report, self.problem, self._request = None, "", ""
        if question:
            self._pause.start()
        else:
            self._pause.stop()
        self.changed.emit()

    def _ask(self) -> None:
        if self._question:
            request = AskInterference(id=new_id("interference"), adapters=self._question)
            self._request = request.id
            self._services.interactive.request(request, self._answered)
        self.changed.emit()

    def _answered(self, answer: Answer) -> None:
        if answer.id != self._request or not isinstance(answer, Done | Refused | Dropped):
            return
        self._request = ""
        if isinstance(answer, Refused):
            self.problem = " ".join(part for part in (answer.title + ".", answer.what, answer.hint) if part)
        elif isinstance(answer, Done):
            try:
                self.report = InterferenceReport.model_validate(answer.data)
            except ValidationError:
                self.problem = "The answer could not be read."
        self.changed.emit()
