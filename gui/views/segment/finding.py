"""Looking for everything there is: in the picture on the board, or in all pictures in which nothing is marked yet.

What is found waits as proposals. With an adapted model it bears the names that the model was taught, else the label in hand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from engines.api.requests import Answer, Done, Refused, Working
from gui.views.segment import marks
from gui.views.segment.board import Board
from gui.views.segment.marks import Thing
from gui.views.segment.questions import Found, Questions
from gui.views.segment.using import Using
from projects.records import Image


class Finding(QObject):
    """One picture after the other.

    Attributes:
        busy: whether it is at work; `done` of `total` pictures were looked at.
        words: what is being done.

    Signals:
        changed: one of the attributes is different.
        found: (picture's id, how many things were found in it).
        refused: the model cannot look; carries the `Refused`.
    """

    changed = Signal()
    found = Signal(str, int)
    refused = Signal(object)

    def __init__(self, questions: Questions, board: Board, using: Using, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._questions, self._board, self._using = questions, board, using
        self._waiting: deque[Image] = deque()
        self._asked = ""
        self.busy, self.words = False, ""
        self.done = self.total = 0

    def here(self) -> None:
        """Look in the picture on the board."""
        if self._board.image is not None:
            self._begin([self._board.image])

    def everywhere(self) -> None:
        """Look in all pictures in which nothing is marked yet."""
        contents = self._board.contents
        self._begin([image for image in contents.images if image.id not in contents.accepted])

    def stop(self) -> bool:
        """Give up; whether it was at work. What was found stays."""
        was = self.busy
        self._waiting.clear()
        if self._asked:
            asked, self._asked = self._asked, ""
            self._questions.cancel(asked)
        self._rest()
        return was

    def _begin(self, images: Sequence[Image]) -> None:
        if self.busy or not images or not self._board.can_edit:
            return
        self._waiting = deque(images)
        self.done, self.total, self.busy = 0, len(images), True
        self._next()

    def _next(self) -> None:
        if not self._waiting:
            self._rest()
            return
        image = self._waiting.popleft()

        def answered(answer: Answer) -> None:
            if isinstance(answer, Working):
                self._say(answer.text)
                return
            if not self.busy:
                return
            self._asked = ""
            if isinstance(answer, Done):
                self._questions.found(answer, image, lambda found: self._have(image, found))
            else:
                self._waiting.clear()
                self._rest()
                if isinstance(answer, Refused):
                    self.refused.emit(answer)

        self._say(f"Looking for everything in {image.original_name}")
        self._asked = self._questions.objects(image, answered, classes=bool(self._using.classes))

    def _have(self, image: Image, found: tuple[Found, ...]) -> None:
        if not self.busy:
            return
        things = [self._thing(one) for one in sorted(found, key=lambda one: -one.score)]
        if things:
            self._board.do(marks.propose(image, things))
        self.done += 1
        self.found.emit(image.id, len(things))
        self._next()

    def _thing(self, found: Found) -> Thing:
        classes, label = self._using.classes, self._board.label
        if 0 <= found.label < len(classes):
            return Thing(found.mask, name=classes[found.label])
        return Thing(found.mask, label.id) if label is not None else Thing(found.mask)

    def _say(self, words: str) -> None:
        self.words = words
        self.changed.emit()

    def _rest(self) -> None:
        self.busy, self.words = False, ""
        self.changed.emit()
