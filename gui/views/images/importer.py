"""Brings files into the project, one import after the other, with progress and a way to stop.

Files go through a process of their own (see `gui.workers.importing`); a single picture from the clipboard needs only a thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QObject, Signal
from PySide6.QtGui import QImage

from gui.services import Services
from gui.widgets.notice import Notice
from gui.workers.importing import ImportProcess
from projects.importing import import_image_bytes
from projects.project import Project
from projects.report import ImportReport

Begin = Callable[[Project], None]


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
        self._waiting: deque[Begin] = deque()
        self._process: ImportProcess | None = None
        self.busy = False
        services.stopping.connect(self._abandon)

    def take_paths(self, paths: tuple[Path, ...], concept_id: str) -> None:
        """Bring files and folders in; waits for an import that is under way."""
        self._queue_process(paths, concept_id)

    def take_masks(self, asked: Mapping[str, object]) -> None:
        """Bring masks in, with their pictures; see `projects.import_process`."""
        self._queue_process(asked, "")

    def _queue_process(self, asked: Sequence[Path] | Mapping[str, object], concept_id: str) -> None:
        def begin(project: Project) -> None:
            process = ImportProcess(project.root, asked, concept_id, self)
            process.progressed.connect(self.progressed)
            process.finished.connect(partial(self._done, project))
            process.failed.connect(self._failed)
            self._process = process
            self.progressed.emit(0, 0, "Looking for pictures")
            process.start()

        self._queue(begin)

    def take_picture(self, picture: QImage, name: str, concept_id: str) -> None:
        """Bring one picture in, such as from the clipboard."""

        def begin(project: Project) -> None:
            self.progressed.emit(0, 0, "Taking in the picture")
            self._services.background.run(
                lambda _task: import_image_bytes(project, _png(picture), name, concept_id),
                done=partial(self._done, project),
                failed=self._failed,
            )

        self._queue(begin)

    def stop(self) -> None:
        """Stop after the file under way; what came in stays."""
        self._waiting.clear()
        if self._process is not None:
            self._process.stop()

    def _queue(self, begin: Begin) -> None:
        self._waiting.append(begin)
        if not self.busy:
            self._next()

    def _next(self) -> None:
        project = self._services.session.project
        if self._process is not None:
            self._process.deleteLater()
        self._process = None
        self.busy = bool(self._waiting) and project is not None
        if self.busy and project is not None:
            self._waiting.popleft()(project)
        else:
            self._waiting.clear()

    def _done(self, project: Project, report: ImportReport) -> None:
        if report.change is not None and self._services.session.project is project:
            self._services.session.record(report.change)
        self.busy = False
        self.finished.emit(report)
        self._next()

    def _failed(self, notice: Notice) -> None:
        self.busy = False
        self.failed.emit(notice)
        self._next()

    def _abandon(self) -> None:
        self._waiting.clear()
        if self._process is not None:
            self._process.abandon()
            self._process = None


def _png(picture: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    # Little compression: the picture shall come in at once, and its size on disk matters less.
    picture.save(buffer, "PNG", 80)  # type: ignore[call-overload] # the stub knows only bytes here
    return bytes(buffer.data().data())
