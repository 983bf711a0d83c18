"""Has the picture on the board ready for clicks before anybody clicks, and then the next ones."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from engines.api.requests import Answer, Done, Refused, Working
from gui.views.segment.board import Board
from gui.views.segment.questions import Questions
from projects.records import Image

_SETTLE_MS = 120
_AHEAD = 2


class Warming(QObject):
    """Follows the board while somebody marks.

    Attributes:
        words: what is being done; empty when nothing is.
        ready: whether clicks are answered at once.
        problem: why the model does not answer; None when it does, or was not asked yet.

    Signals:
        changed: one of the attributes is different.
    """

    changed = Signal()

    def __init__(self, questions: Questions, board: Board, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._questions = questions
        self._board = board
        self.words, self.ready = "", False
        self.problem: Refused | None = None
        self._watched = False
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._open)
        board.image_changed.connect(self.again)

    def watch(self, *, watched: bool) -> None:
        """Whether somebody is marking: only then is anything made ready."""
        self._watched = watched
        if watched and not self.ready and not self.words:
            self._settle.start()

    def again(self) -> None:
        """Another picture, or another model."""
        self._set("", ready=False, problem=None)
        if self._watched:
            self._settle.start()

    def answers(self) -> None:
        """The model was asked something else about this picture, and answered: it is ready."""
        self._set("", ready=True, problem=None)

    def _open(self) -> None:
        image = self._board.image
        if image is None or not self._watched or self.ready:
            return

        def answered(answer: Answer) -> None:
            if self._board.image is None or self._board.image.id != image.id:
                return
            if isinstance(answer, Working):
                self._set(answer.text, ready=False, problem=None)
            elif isinstance(answer, Done):
                self._set("", ready=True, problem=None)
                self._ahead(image, 1)
            elif isinstance(answer, Refused):
                self._set("", ready=False, problem=answer)
            else:
                self._set("", ready=self.ready, problem=self.problem)

        self._set("Getting ready to answer clicks", ready=False, problem=None)
        self._questions.open(image, answered)

    def _ahead(self, image: Image, number: int) -> None:
        """Have one of the next pictures ready, then the one after it."""
        after = self._board.place + number
        images = self._board.contents.images
        here = self._board.image
        if here is None or here.id != image.id or number > _AHEAD or not 0 <= after < len(images):
            return

        def answered(answer: Answer) -> None:
            if isinstance(answer, Done):
                self._ahead(image, number + 1)

        self._questions.ahead(images[after], answered)

    def _set(self, words: str, *, ready: bool, problem: Refused | None) -> None:
        if (words, ready, problem) != (self.words, self.ready, self.problem):
            self.words, self.ready, self.problem = words, ready, problem
            self.changed.emit()
