"""Reads what a page shows on another thread, once for any number of changes that come together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from gui.widgets.notice import Notice
from gui.workers.background import Background

T = TypeVar("T")


@dataclass(frozen=True)
class Question(Generic[T]):
    """Something to be read.

    Attributes:
        about: what it is about; an answer about something else than what is in view by then is not wanted.
        work: reads it, on another thread.
    """

    about: object
    work: Callable[[], T]


class Reader(QObject):
    """Asks what is to be read when it begins, and again when that changed meanwhile.

    Signals:
        read: carries the answer to the question that holds now.
    """

    read = Signal(object)

    def __init__(
        self,
        background: Background,
        ask: Callable[[], Question[T]],
        *,
        failed: Callable[[Notice], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._ask = ask
        self._tell = failed
        self._reading = False
        self._again = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._begin)

    def soon(self) -> None:
        """Read again when the present work of the window is done."""
        self._soon.start()

    def _begin(self) -> None:
        if self._reading:
            self._again = True
            return
        self._reading, self._again = True, False
        question = self._ask()
        self._background.run(
            lambda _task: question.work(),
            done=lambda answer: self._done(question.about, answer),
            failed=lambda notice: self._failed(question.about, notice),
            owner=self,
            priority=3,
        )

    def _done(self, about: object, answer: object) -> None:
        self._reading = False
        if about == self._ask().about:
            self.read.emit(answer)
        else:
            self._again = True
        if self._again:
            self._soon.start()

    def _failed(self, about: object, notice: Notice) -> None:
        self._reading = False
        if about == self._ask().about:
            self._tell(notice)
        else:
            self._soon.start()
