"""The ways by which photos come in: dropped, chosen, pasted; and what is done when they are in."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from gui import opening
from gui.services import Services
from gui.views.images.choosing import FILE_FILTER
from gui.views.images.concepts import invented_word
from gui.views.images.importer import Importer
from gui.views.images.report import ImportPanel
from gui.views.shell import dropping
from gui.widgets.notice import Notice
from projects import edits
from projects.report import ImportReport


class Adding(QObject):
    """Takes photos into the current subject, and makes a subject where there is none."""

    def __init__(self, services: Services, importer: Importer, panel: ImportPanel, parent: QWidget) -> None:
        super().__init__(parent)
        self._services = services
        self._importer = importer
        self._panel = panel
        self._window = parent
        importer.progressed.connect(panel.show_progress)
        importer.finished.connect(self._imported)
        importer.failed.connect(self._failed)
        panel.stop_asked.connect(importer.stop)
        panel.undo_asked.connect(self._undo)

    def take_in(self, paths: tuple[Path, ...]) -> None:
        """Bring files and folders in."""
        concept_id = self._ready_concept() if paths else ""
        if concept_id:
            self._importer.take_paths(paths, concept_id)

    def choose_files(self) -> None:
        """Ask for pictures."""
        names, _ = QFileDialog.getOpenFileNames(self._window, "Choose photos", str(Path.home()), FILE_FILTER)
        self.take_in(tuple(Path(name) for name in names))

    def choose_folder(self) -> None:
        """Ask for a folder."""
        name = QFileDialog.getExistingDirectory(self._window, "Choose a folder of photos", str(Path.home()))
        if name:
            self.take_in((Path(name),))

    def paste(self) -> None:
        """Take what is on the clipboard."""
        data = QApplication.clipboard().mimeData()
        paths = dropping.dropped_paths(data) if data is not None else ()
        picture = QApplication.clipboard().image()
        if paths:
            self.take_in(paths)
        elif not picture.isNull():
            concept_id = self._ready_concept()
            if concept_id:
                self._importer.take_picture(picture, "pasted.png", concept_id)
        else:
            self._services.notify(
                Notice("info", "There is no picture on the clipboard", "Copy a picture or picture files first.")
            )

    def _ready_concept(self) -> str:
        """The subject that new pictures go to; empty when there can be none."""
        session = self._services.session
        if session.project is None:
            opening.new_project(self._services)
            return ""
        if not session.concept_id:
            name, word = session.project.name, invented_word(frozenset())
            if not opening.apply(self._services, lambda project: edits.add_concept(project, name, trigger=word)):
                return ""
        return session.concept_id

    def _imported(self, report: ImportReport) -> None:
        self._panel.show_report(report)
        opening.note_seen(self._services)

    def _failed(self, notice: Notice) -> None:
        self._panel.hide()
        self._services.notify(notice)

    def _undo(self) -> None:
        self._services.session.undo_stack.undo()
        self._panel.hide()
