"""The ways by which pictures to be marked come in: dropped or chosen, with the masks that lie with them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from gui import opening
from gui.services import Services
from gui.views.images.choosing import FILE_FILTER
from gui.views.images.importer import Importer
from gui.views.images.report import ImportPanel
from gui.views.segment.bringing import BringMasksSheet, MasksAsked
from gui.widgets.notice import Notice
from gui.widgets.sheet import ask
from projects.errors import ImportFailure
from projects.regions.exchange.formats import FORMATS, detect
from projects.regions.exchange.pairing import scopes
from projects.regions.exchange.sheet import Request
from projects.report import ImportReport

# Pictures to segment belong to no subject.
_NO_SUBJECT = ""
_NAMED = frozenset({"coco", "labelme", "yolo"})


class Adding(QObject):
    """Takes pictures and masks in, and makes a project where none is open.

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
        """Bring files and folders in; where masks lie with the pictures, ask whether they shall come too."""
        if not paths:
            return
        if self._services.session.project is None:
            name = paths[0].name if len(paths) == 1 and paths[0].is_dir() else "Things to find"
            opening.create_named(self._services, name, then=lambda: self.take_in(paths))
        elif len(paths) == 1:
            self._services.background.run(
                lambda _task: masks_in(paths[0]), done=lambda kind: self._looked(paths, kind), owner=self
            )
        else:
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

    def choose_masks(self) -> None:
        """Ask for masks of another tool."""
        sheet = BringMasksSheet(self._window)
        if sheet.exec() and sheet.asked is not None:
            self.take_masks(sheet.asked)

    def take_masks(self, asked: MasksAsked) -> None:
        """Bring masks in."""
        self.importer.take_masks(asked.as_data())

    def _looked(self, paths: tuple[Path, ...], kind: str) -> None:
        if not kind:
            self.importer.take_paths(paths, _NO_SUBJECT)
            return
        text = f"{paths[0].name} looks like {FORMATS[kind].title}. {FORMATS[kind].what}"
        both = ask(
            self._window, "Bring the masks in too?", text, accept="With masks", reject="Pictures only", name="withMasks"
        )
        if both:
            self.take_masks(MasksAsked(paths[0], kind))
        else:
            self.importer.take_paths(paths, _NO_SUBJECT)

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
        self._panel.put_away()


def masks_in(path: Path) -> str:
    """The format of masks that unmistakably lie here, as a key of `FORMATS`; empty for none, or for what may be mere pictures."""
    request = Request(path)
    try:
        if path.is_file() and path.suffix.lower() != ".json":
            return ""
        kind = detect(request)
        paired = kind in _NAMED or any(scope.pictures is not None for scope in scopes(request))
    except ImportFailure:
        return ""
    return kind if paired else ""
