"""The ways by which pictures to be marked come in: dropped, chosen, pasted."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from gui import opening
from gui.services import Services
from gui.views.images.choosing import FILE_FILTER
from gui.views.images.importer import Importer
from gui.views.images.report import ImportPanel
from gui.widgets.notice import Notice
from projects.report import ImportReport

# Pictures to segment belong to no subject.
_NO_SUBJECT = ""


class Adding(QObject):
    """Takes pictures in, and makes a project where none is open.

    Signals:
        came: pictures came in; carries their ids.
    """

    came = Signal(object)

    def __init__(self, services: Services, panel: ImportPanel, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._panel = panel
        self._window = window
        self.importer = Importer(services, self)
        self.importer.progressed.connect(panel.show_progress)
        self.importer.finished.connect(self._imported)
        self.importer.failed.connect(self._failed)
        panel.stop_asked.connect(self.importer.stop)
        panel.undo_asked.connect(self._undo)

    def take_in(self, paths: tuple[Path, ...]) -> None:
        """Bring files and folders in."""
        if not paths:
            return
        if self._services.session.project is None:
            name = paths[0].name if len(paths) == 1 and paths[0].is_dir() else "Things to find"
            opening.create_named(self._services, name, then=lambda: self.take_in(paths))
            return
        self.importer.take_paths(paths, _NO_SUBJECT)

    def choose_files(self) -> None:
        """Ask for pictures."""
        names, _ = QFileDialog.getOpenFileNames(self._window, "Choose pictures", str(Path.home()), FILE_FILTER)
        self.take_in(tuple(Path(name) for name in names))

    def choose_folder(self) -> None:
        """Ask for a folder."""
        name = QFileDialog.getExistingDirectory(self._window, "Choose a folder of pictures", str(Path.home()))
        if name:
            self.take_in((Path(name),))

    def _imported(self, report: ImportReport) -> None:
        self._panel.show_report(report)
        opening.note_seen(self._services)
        if report.added:
            self.came.emit(report.added)

    def _failed(self, notice: Notice) -> None:
        self._panel.hide()
        self._services.notify(notice)

    def _undo(self) -> None:
        self._services.session.undo_stack.undo()
        self._panel.hide()
