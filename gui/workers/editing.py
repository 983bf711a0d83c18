"""Edits that take a while, made on another thread one after the other: masks are worked out and the disk is waited for beside the window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from gui.session import Session
from gui.widgets.notice import Notice
from gui.workers.background import Background
from projects.change import Change, Edit
from projects.project import Project

Done = Callable[[Change], object]


class Editing(QObject):
    """Makes every edit in the order in which they were asked for, and has the session take it in.

    Signals:
        rested: nothing is under way any more.
        failed: an edit was not possible; carries a `Notice`. The next one is made all the same.
    """

    rested = Signal()
    failed = Signal(object)

    def __init__(self, session: Session, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._background = background
        self._waiting: deque[tuple[Project, Edit, Done | None]] = deque()
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether an edit is under way or waits."""
        return self._busy

    def do(self, edit: Edit, done: Done | None = None) -> None:
        """Make an edit of the open project; `done` is called with the change once the pages heard of it."""
        project = self._session.project
        if project is not None:
            self._waiting.append((project, edit, done))
            if not self._busy:
                self._next()

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if not self._busy:
            self.rested.emit()
            return
        project, edit, done = self._waiting.popleft()
        self._background.run(
            lambda _task: edit(project),
            done=lambda change: self._made(project, change, done),
            failed=lambda notice: self._went_wrong(project, notice),
            owner=self,
            priority=4,
        )

    def _made(self, project: Project, change: Change, done: Done | None) -> None:
        if self._session.project is project:
            self._session.record(change)
            if done is not None:
                done(change)
        self._next()

    def _went_wrong(self, project: Project, notice: Notice) -> None:
        if self._session.project is project:
            self.failed.emit(notice)
        self._next()
