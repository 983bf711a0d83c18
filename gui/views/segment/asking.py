"""What the model is asked about the picture on the board: a mask for clicks and a box, and a preview under the pointer."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from engines.api.requests import Answer, Done, Refused, Working
from engines.api.segment_requests import SegmentModel
from gui.canvas.marking.canvas import Points
from gui.canvas.marking.piece import Piece
from gui.services import Services
from gui.views.segment.board import Board
from gui.views.segment.hovering import Hovering
from gui.views.segment.pointing import Pointing
from gui.views.segment.questions import Candidate, Questions
from gui.views.segment.warming import Warming
from projects.records import Image


class Asking(QObject):
    """One object at a time: only the newest question about it counts.

    Attributes:
        candidates: the answers, the best first; `chosen` is the number of the one in hand.
        took_s: how long the last answer took.

    Signals:
        changed: what was pointed at, the candidates or what is being done are different.
        preview_changed: what a click here would give is different (`preview`).
        refused: the model did not answer a click; carries the `Refused`.
    """

    changed = Signal()
    preview_changed = Signal()
    refused = Signal(object)

    def __init__(self, services: Services, board: Board, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self.questions = Questions(services, self)
        self.warming = Warming(self.questions, board, self)
        self._hovering = Hovering(self.questions, self._picture_to_hover, self)
        self._pointing = Pointing()
        self.candidates: tuple[Candidate, ...] = ()
        self.chosen = 0
        self.took_s = 0.0
        self._asked = ""
        self._words = ""
        self._turn = 0
        self._then: Callable[[], object] | None = None
        self.warming.changed.connect(self.changed)
        self._hovering.changed.connect(self.preview_changed)
        board.image_changed.connect(self._another_picture)

    @property
    def points(self) -> Points:
        """What was pointed at."""
        return self._pointing.points

    @property
    def candidate(self) -> Candidate | None:
        """The answer that would be accepted."""
        return self.candidates[self.chosen] if self.candidates else None

    @property
    def preview(self) -> Piece | None:
        """What a click under the pointer would give."""
        return self._hovering.preview

    @property
    def words(self) -> str:
        """What is being done; empty when nothing is."""
        return self._words or self.warming.words

    def use(self, model: SegmentModel) -> None:
        """Have another model answer from now on."""
        if model != self.questions.model:
            self.questions.model = model
            self._another_picture()
            self.warming.again()

    def click(self, x: float, y: float, *, inside: bool) -> None:
        """This place belongs to the object, or does not."""
        self._pointing.click(x, y, inside=inside)
        self._ask(follow=self.chosen if self.candidates else -1)

    def box(self, left: float, top: float, right: float, bottom: float) -> None:
        """The object lies in this box."""
        self._pointing.box(left, top, right, bottom)
        self._ask()

    def step(self, by: int) -> bool:
        """Take the last click or box back (-1), or put it back (1); whether there was one."""
        stepped = self._pointing.step(by)
        if stepped:
            self._ask()
        return stepped

    def choose(self, number: int) -> bool:
        """Take another of the candidates; whether there is one of that number (from 0)."""
        if not 0 <= number < len(self.candidates):
            return False
        self.chosen = number
        self.changed.emit()
        return True

    def when_answered(self, call: Callable[[], object]) -> None:
        """Call it once the last click is answered; now, when it is."""
        if self._asked:
            self._then = call
        else:
            call()

    def drop(self) -> bool:
        """Forget what was pointed at; whether there was anything."""
        begun = not self._pointing.empty or bool(self.candidates)
        self._pointing = Pointing()
        self._forget()
        self.candidates, self.chosen = (), 0
        if begun:
            self.changed.emit()
        return begun

    def hover(self, x: float, y: float) -> None:
        """Somebody wonders what a click here would give."""
        self._hovering.move(x, y)

    def unhover(self) -> None:
        """Nobody wonders any more."""
        self._hovering.stop()

    def _ask(self, *, follow: int = -1) -> None:
        image = self._board.image
        self._forget()
        if image is None or self._pointing.empty:
            self.candidates, self.chosen = (), 0
            self.changed.emit()
            return
        turn, began = self._turn, time.monotonic()

        def answered(answer: Answer) -> None:
            if turn != self._turn or isinstance(answer, Working):
                return
            if isinstance(answer, Done):
                self.warming.answers()
                self.questions.candidates(answer, image, lambda found: self._answered(turn, began, found))
            else:
                self.drop()
                if isinstance(answer, Refused):
                    self.refused.emit(answer)

        self._words = "Looking"
        self._asked = self.questions.mask(image, self.points, answered, follow=follow)
        self.changed.emit()

    def _answered(self, turn: int, began: float, found: tuple[Candidate, ...]) -> None:
        if turn == self._turn:
            self.candidates, self.chosen = found, 0
            self.took_s = time.monotonic() - began
            self._words = self._asked = ""
            self.changed.emit()
            then, self._then = self._then, None
            if then is not None:
                then()

    def _forget(self) -> None:
        """Whatever was asked does not count any more; what is in view stays until there is something better."""
        self._turn += 1
        self._hovering.stop()
        self._words, self._then = "", None
        if self._asked:
            asked, self._asked = self._asked, ""
            self.questions.cancel(asked)

    def _another_picture(self) -> None:
        self.drop()

    def _picture_to_hover(self) -> Image | None:
        """The picture, while a click would be answered at once and none is under way."""
        busy = self._asked or not self._pointing.empty
        return self._board.image if self.warming.ready and not busy else None
