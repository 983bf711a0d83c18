"""Measures a finished adaptation in a process beside the window, and reads what was measured."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engines.api.segment_job import Scene
from engines.launch.folder import load_any_job
from gui.services import Services
from gui.views.segment.results.report import Report, read_report
from gui.widgets.notice import Notice
from gui.workers.command import Command


class Measuring(QObject):
    """One run at a time.

    Attributes:
        run: the folder that is being measured; None for none.
        words: what is being done.

    Signals:
        changed: one of the attributes is different.
        read: (folder, its `Report` or None).
        failed: it could not be measured; carries a `Notice`.
    """

    changed = Signal()
    read = Signal(object, object)
    failed = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._command: Command | None = None
        self.run: Path | None = None
        self.words = ""
        services.stopping.connect(self.stop)

    def look(self, folder: Path) -> None:
        """Read the report of a run, if there is one."""

        def work(_task: object) -> Report | None:
            return read_report(folder)

        self._services.background.run(work, done=lambda report: self.read.emit(folder, report), owner=self)

    def measure(self, folder: Path, *, clicks: bool) -> None:
        """Measure a run; with `clicks` also how many of them objects take, which is slower."""
        if self.run is not None:
            return
        self.run, self.words = folder, "Beginning"
        self.changed.emit()
        self._services.background.run(
            lambda _task: best_part(folder),
            done=lambda part: self._begin(folder, part, clicks=clicks),
            failed=self._went_wrong,
            owner=self,
        )

    def stop(self) -> None:
        """Give up; a report of an earlier time stays."""
        if self._command is not None:
            self._command.stop()
        self._rest()

    def _begin(self, folder: Path, part: str, *, clicks: bool) -> None:
        if self.run != folder:
            return
        arguments = ["segment", "evaluate", str(folder), "--on", part, "--json", *(["--clicks"] if clicks else [])]
        self._command = Command(arguments, "The measuring", self)
        self._command.told.connect(self._say)
        self._command.done.connect(lambda _document: self._ended(folder))
        self._command.failed.connect(self._went_wrong)
        self._command.start()

    def _ended(self, folder: Path) -> None:
        self._rest()
        self.look(folder)

    def _went_wrong(self, notice: Notice) -> None:
        self._rest()
        self.failed.emit(notice)

    def _say(self, words: str) -> None:
        self.words = words.removesuffix("...").strip()
        self.changed.emit()

    def _rest(self) -> None:
        if self._command is not None:
            self._command.deleteLater()
        self._command, self.run, self.words = None, None, ""
        self.changed.emit()


def best_part(folder: Path) -> str:
    """The part whose figures are the most honest: pictures kept for them, else those that were only watched, else what there is.

    Raises:
        JobError: the run's folder is damaged.
    """
    _job, scenes = load_any_job(folder)
    parts = {scene.split for scene in scenes if isinstance(scene, Scene) and scene.objects}
    return next((part for part in ("test", "validation", "train") if part in parts), "validation")
