"""Reads the pictures of the current subject on another thread, once for any number of changes that come together."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from gui.services import Services
from gui.widgets.notice import Notice
from projects import queries
from projects.project import Project
from projects.records import Image


@dataclass(frozen=True)
class Contents:
    """What was read: the pictures of one subject, and how many each subject has."""

    images: tuple[Image, ...] = ()
    counts: dict[str, int] | None = None


class Reader(QObject):
    """Signals.

    read: carries the `Contents` of the project and subject that are in view now.
    """

    read = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
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
        project, concept_id = self._services.session.project, self._services.session.concept_id
        if project is None:
            self.read.emit(Contents(counts={}))
            return
        if self._reading:
            self._again = True
            return
        self._reading, self._again = True, False

        def work(_task: object) -> Contents:
            images = queries.images(project, concept_id) if concept_id else ()
            return Contents(images, queries.counts(project).images_by_concept)

        self._services.background.run(
            work,
            done=lambda contents: self._done(project, concept_id, contents),
            failed=lambda notice: self._failed(project, notice),
            priority=3,
        )

    def _done(self, project: Project, concept_id: str, contents: Contents) -> None:
        self._reading = False
        session = self._services.session
        if project is session.project and concept_id == session.concept_id:
            self.read.emit(contents)
        else:
            self._again = True
        if self._again:
            self._soon.start()

    def _failed(self, project: Project, notice: Notice) -> None:
        self._reading = False
        if self._services.session.project is project:
            self._services.notify(notice)
        else:
            self._soon.start()
