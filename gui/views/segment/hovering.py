"""What a click under the pointer would give, while nothing else is asked: one question at a time, and only the newest counts."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from engines.api.requests import Answer, Done, Working
from gui.canvas.marking.canvas import Points
from gui.canvas.marking.piece import Piece
from gui.views.segment.questions import Candidate, Questions
from projects.records import Image

_PAUSE_MS = 40


class Hovering(QObject):
    """Keeps `preview` up with the pointer; `wanted` gives the picture to ask about, or None while nothing may be asked.

    Signals:
        changed: `preview` is another one.
    """

    changed = Signal()

    def __init__(self, questions: Questions, wanted: Callable[[], Image | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._questions = questions
        self._wanted = wanted
        self.preview: Piece | None = None
        self._here: tuple[float, float] | None = None
        self._asked = ""
        self._turn = 0
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._ask)

    def move(self, x: float, y: float) -> None:
        """The pointer is here."""
        self._here = (x, y)
        if not self._asked and not self._pause.isActive():
            self._ask()

    def stop(self) -> None:
        """The pointer is elsewhere, or something else is asked."""
        self._turn += 1
        self._here = None
        if self._asked:
            self._questions.cancel(self._asked)
        self._show(None)

    def _ask(self) -> None:
        image, here = self._wanted(), self._here
        if image is None or here is None or self._asked:
            return
        self._here = None
        if not (0 <= here[0] < image.width and 0 <= here[1] < image.height):
            self._show(None)
            return
        turn = self._turn

        def answered(answer: Answer) -> None:
            if isinstance(answer, Working):
                return
            self._asked = ""
            self._pause.start()
            if isinstance(answer, Done) and turn == self._turn:
                self._questions.candidates(answer, image, lambda found: self._answered(turn, found))

        points = Points(((*here, True),))
        self._asked = self._questions.mask(image, points, answered, hover=True)

    def _answered(self, turn: int, found: tuple[Candidate, ...]) -> None:
        if turn == self._turn:
            self._show(found[0].piece if found else None)

    def _show(self, preview: Piece | None) -> None:
        if preview is not self.preview:
            self.preview = preview
            self.changed.emit()
