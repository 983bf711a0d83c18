"""Has the interactive worker measure an eraser anew, with attempts to bring the concept back if they are wished for."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engines.api.erase_job import EraseJob
from engines.api.erase_requests import MeasureErasers
from engines.api.requests import Answer, Done, Dropped, Refused, Working
from engines.api.uses import AdapterUse
from gui.services import Services
from gui.views.erase.results.measured import Eraser, building, put_in_place
from gui.widgets.notice import Notice
from gui.workers.interactive import new_id
from projects.errors import UserError


class Measuring(QObject):
    """One eraser at a time.

    Signals:
        progress: (words, done, total) while at work; empty words when it rests.
        measured: there is a new report; carries the id of its run.
        failed: carries a `Notice`.
    """

    progress = Signal(str, int, int)
    measured = Signal(str)
    failed = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._request = ""
        self.run = ""

    def measure(self, eraser: Eraser, job: EraseJob, home: Path, *, circumvent: bool) -> None:
        """Measure it as its run did; what is known now stays until the new report is whole."""
        if self.run:
            return
        built = building(home)
        files = (*eraser.together, eraser.file)
        request = MeasureErasers(
            id=new_id("measure"),
            base=eraser.base,
            erasers=tuple(AdapterUse(file=str(file)) for file in files),
            targets=job.targets,
            keep=job.keep,
            check=job.recipe.check.model_copy(update={"circumvent": circumvent}),
            folder=str(built),
        )
        self._request, self.run = request.id, eraser.run
        self.progress.emit("Starting", 0, 0)

        def answered(answer: Answer) -> None:
            if answer.id != self._request:
                return
            if isinstance(answer, Working):
                self.progress.emit(answer.text, answer.done, answer.total)
            elif isinstance(answer, Done):
                self._finish(partial(_take, built, home), eraser.run)
            elif isinstance(answer, Refused | Dropped):
                if isinstance(answer, Refused):
                    self.failed.emit(Notice("bad", answer.title, answer.what, answer.hint))
                self._finish(partial(_give_up, built), "")

        self._services.interactive.request(request, answered)

    def stop(self) -> None:
        """Drop it."""
        if self._request:
            self._services.interactive.cancel(self._request)

    def _finish(self, work: partial[None], run: str) -> None:
        """Put the folder in order beside the window, and only then say that it is over."""
        self._request = ""

        def over(_none: None) -> None:
            self.run = ""
            self.progress.emit("", 0, 0)
            if run:
                self.measured.emit(run)

        def failed(notice: Notice) -> None:
            self.failed.emit(notice)
            self.run = ""
            self.progress.emit("", 0, 0)

        self._services.background.run(lambda _task: work(), done=over, failed=failed, owner=self)


def _take(built: Path, home: Path) -> None:
    try:
        put_in_place(built, home)
    except OSError as error:
        title = "The new figures could not be kept"
        raise UserError(title, f"{error.strerror or error}.", "Check the free space, then measure again.") from error


def _give_up(built: Path) -> None:
    shutil.rmtree(built, ignore_errors=True)
