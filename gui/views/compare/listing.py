"""Finds what can be compared: the project's trainings that have an adapter file, and adapter files brought in from elsewhere."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engines.launch.adapter_info import describe
from gui.services import Services
from gui.views.compare.subject import Subject, of_file, of_run
from gui.workers.background import Task
from gui.workers.runs import RunView
from projects.errors import UserError


class SubjectLister(QObject):
    """Looks beside the window.

    Signals:
        found: carries the list of `Subject`, the newest training first.
    """

    found = Signal(object)

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._task: Task[list[Subject]] | None = None

    def look(self) -> None:
        """Look again; an older look that has not ended is forgotten."""
        if self._task is not None:
            self._task.cancel()
        project = self._services.session.project
        if project is None:
            self.found.emit([])
            return
        views, root = self._services.runs.all(), project.root
        self._task = self._services.background.run(lambda _task: find(views, root), done=self.found.emit)


def find(views: list[RunView], root: Path) -> list[Subject]:
    """All subjects of a project; what is damaged is told about elsewhere and left out here."""
    found: list[Subject] = []
    for view in views:
        try:
            subject = of_run(view)
        except UserError:
            continue
        if subject is not None:
            found.append(subject)
    for path in sorted((root / "adapters").glob("*.safetensors")):
        try:
            info = describe(path)
        except UserError:
            continue
        if not info.erases:  # what takes something away shows nobody
            found.append(of_file(path, info))
    return found
