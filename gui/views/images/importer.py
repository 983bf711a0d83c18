"""Brings files into the project on another thread, one batch after the other, with progress and a way to stop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QObject, Signal
from PySide6.QtGui import QImage

from gui.services import Services
from gui.widgets.notice import Notice
from gui.workers.background import Task
from projects.importing import Progress, import_image_bytes, import_paths
from projects.project import Project
from projects.report import ImportReport

_TELL_EVERY_S = 0.08
Work = Callable[[Project, str, Progress], ImportReport]


class Importer(QObject):
    """Signals.

    progressed: (done, total, name of the last file), a few times a second.
    finished: carries the `ImportReport`; what came in is recorded for undo already.
    failed: carries a `Notice`.
    """

    progressed = Signal(int, int, str)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._waiting: deque[tuple[Work, str]] = deque()
        self._task: Task[ImportReport] | None = None
        self._stop = False

    @property
    def busy(self) -> bool:
        """Whether an import is under way."""
        return self._task is not None

    def take_paths(self, paths: tuple[Path, ...], concept_id: str) -> None:
        """Bring files and folders in; waits for an import that is under way."""

        def work(project: Project, concept: str, progress: Progress) -> ImportReport:
            return import_paths(project, paths, concept, progress=progress)

        self._queue(work, concept_id)

    def take_picture(self, picture: QImage, name: str, concept_id: str) -> None:
        """Bring one picture in, such as from the clipboard."""

        def work(project: Project, concept: str, _progress: Progress) -> ImportReport:
            return import_image_bytes(project, _png(picture), name, concept)

        self._queue(work, concept_id)

    def stop(self) -> None:
        """Stop after the file under way; what came in stays."""
        self._stop = True
        self._waiting.clear()

    def _queue(self, work: Work, concept_id: str) -> None:
        self._waiting.append((work, concept_id))
        if self._task is None:
            self._next()

    def _next(self) -> None:
        project = self._services.session.project
        self._task = None
        if not self._waiting or project is None:
            self._waiting.clear()
            return
        work, concept_id = self._waiting.popleft()
        self._stop = False
        self.progressed.emit(0, 0, "Looking for pictures")
        progress = self._teller()
        self._task = self._services.background.run(
            lambda _task: work(project, concept_id, progress),
            done=lambda report: self._done(project, report),
            failed=self._failed,
        )

    def _teller(self) -> Progress:
        last = 0.0

        def tell(done: int, total: int, name: str) -> bool:
            nonlocal last
            now = time.monotonic()
            if now - last > _TELL_EVERY_S or done == total:
                last = now
                # Called on the working thread; a signal of an object that lives on the window's thread is delivered there.
                self.progressed.emit(done, total, name)
            return not self._stop

        return tell

    def _done(self, project: Project, report: ImportReport) -> None:
        if report.change is not None and self._services.session.project is project:
            self._services.session.record(report.change)
        self._task = None
        self.finished.emit(report)
        self._next()

    def _failed(self, notice: Notice) -> None:
        self._task = None
        self.failed.emit(notice)
        self._next()


def _png(picture: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    # Little compression: the picture shall come in at once, and its size on disk matters less.
    picture.save(buffer, "PNG", 80)  # type: ignore[call-overload] # the stub knows only bytes here
    return bytes(buffer.data().data())
