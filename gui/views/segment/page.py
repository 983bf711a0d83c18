"""The Segment page: things in pictures are marked, a model is taught to find them, and its results are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from gui import opening
from gui.actions import Action
from gui.models.thumbnails import Thumbnails
from gui.services import Services
from gui.theme import tokens as design
from gui.views.images.report import ImportPanel
from gui.views.segment.adding import Adding
from gui.views.segment.board import Board
from gui.views.segment.commands import page_actions
from gui.views.segment.exporting.sheet import SegmentExportSheet
from gui.views.segment.exporting.wish import Source
from gui.views.segment.header import HeaderButtons, Mode
from gui.views.segment.mark import MarkPanel
from gui.views.segment.results.panel import ResultsPanel
from gui.views.segment.taking_out import TakeMasksSheet, take_out
from gui.views.segment.teach.panel import TeachPanel
from gui.views.segment.using import Using
from gui.views.shell import dropping
from gui.views.train.controls import RunControls
from gui.views.train.words import plural
from gui.widgets.buttons import QuietButton
from gui.widgets.card import Card
from gui.widgets.notice import Notice
from gui.widgets.page import EmptyState, PageHeader
from gui.workers.runs import RunView

_PLACES: dict[Mode, int] = {"mark": 2, "teach": 3, "results": 4}
_BLANK = 5


class SegmentPage(QWidget):
    """Arranges the page and brings its commands."""

    title = "Segment"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.setObjectName("page.segment")
        self.setAcceptDrops(True)
        self.services = services
        self._in_view = False
        self.thumbnails = Thumbnails(services.background, self)
        self.board = Board(services, self)
        self.using = Using(services, self)
        self.mark = MarkPanel(services, self.board, self.thumbnails, self.using)
        self.teach = TeachPanel(services, self.board, self.using)
        self.results = ResultsPanel(services, self.board, self.thumbnails)
        self.panel = ImportPanel(noun="picture")
        self.adding = Adding(services, self.panel, self)
        self.controls = RunControls(services, name="segment")
        self._buttons = HeaderButtons(services, self.using, self.adding, self.export_masks, self)
        self.header = PageHeader("Segment", " ", buttons=(self.controls, self._buttons))
        self._stack = QStackedWidget()
        self._lay_out()
        self._connect()
        self._refresh()

    @property
    def mode(self) -> Mode:
        """What is being done: marking, teaching or looking at results."""
        return self._buttons.mode

    @property
    def finished(self) -> RunView | None:
        """The finished run that the page is about: the one on show, or else the newest."""
        view = self.services.runs.view(self.teach.current)
        if view is not None and view.adapter is not None:
            return view
        return next(iter(self.using.offered()), None)

    def shown(self) -> None:
        """It came into view."""
        self._in_view = True
        self.services.runs.look()
        self._enter()

    def hidden(self) -> None:
        """It goes out of view."""
        self._in_view = False
        self.mark.hidden()

    def prepare(self) -> Iterator[None]:
        """Draw the choices of Teach before they are seen."""
        self.teach.plan.draw()
        yield

    def page_actions(self) -> tuple[Action, ...]:
        """Its commands."""
        return page_actions(self)

    def go(self, mode: Mode) -> None:
        """Do something else: mark, teach, or look at results."""
        self._buttons.show_mode(mode)
        self._refresh()
        self._enter()

    def take_in(self, paths: tuple[Path, ...]) -> None:
        """Bring files and folders in as pictures to be marked."""
        self.adding.take_in(paths)

    def export_masks(self) -> None:
        """Ask for a format and a place, and write the masks."""
        project = self.services.session.project
        if project is None:
            return
        sheet = TakeMasksSheet(self, project)
        if sheet.exec() and sheet.target is not None:
            take_out(self.services, project, sheet.kind, sheet.target, sheet.options)

    def export_model(self) -> None:
        """Ask what to make of the adapter that the page is about, and where to."""
        source = Source.of_run(self.finished) if self.finished is not None else None
        if source is not None:
            SegmentExportSheet(self.window(), self.services, source).open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Pictures may be dropped anywhere on the page; a project's folder is the window's business."""
        paths = dropping.dropped_paths(event.mimeData())
        if paths and not dropping.is_project(paths) and not self._closed_to_edits():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Take what was dropped."""
        event.acceptProposedAction()
        self.take_in(dropping.dropped_paths(event.mimeData()))

    def _closed_to_edits(self) -> bool:
        session = self.services.session
        return session.project is not None and session.read_only

    def _lay_out(self) -> None:
        # What scrolls ends a gap further right, where its bar stands; all else keeps the page's margin.
        pages = (self._nothing_open(), self._no_pictures(), self.mark, self.teach, self.results, QWidget())
        for page in pages:
            self._stack.addWidget(page if page is self.teach else _inset(page))
        column = QVBoxLayout(self)
        margin = design.PAGE_MARGIN
        column.setContentsMargins(margin, margin - 6, margin - design.GAP, 16)
        column.setSpacing(14)
        for whole in (self.header, self.panel):
            row = QHBoxLayout()
            row.setSpacing(0)
            row.addWidget(whole)
            row.addSpacing(design.GAP)
            column.addLayout(row)
        column.addWidget(self._stack, 1)

    def _connect(self) -> None:
        session, runs = self.services.session, self.services.runs
        session.opened.connect(self._another_project)
        session.closed.connect(self._another_project)
        self.board.contents_changed.connect(self._refresh)
        self.panel.file_asked.connect(self._show_file)
        self.panel.closed.connect(self.mark.canvas.setFocus)
        self.adding.came.connect(lambda ids: self.board.want(ids[0]))
        self._buttons.mode_chosen.connect(self.go)
        self.using.changed.connect(self._refresh)
        self.teach.used.connect(self._used)
        self.teach.results_asked.connect(self._look_at_results)
        self.teach.running_changed.connect(self._run_moved)
        self.results.fix_asked.connect(self._fix)
        self.teach.export_asked.connect(self.export_model)
        self.results.export_asked.connect(self.export_model)
        runs.changed.connect(self._run_moved)
        runs.repeat_asked.connect(self._repeat)
        runs.results_asked.connect(self._look_at_results)

    def _nothing_open(self) -> QWidget:
        services = self.services
        return EmptyState(
            "segment",
            "No project is open",
            "Pictures and what is marked in them live in a project. Make one, or drop pictures here and one is made for you.",
            name="segment.none",
            button="New project",
            on_click=lambda: opening.new_project(services, page="segment"),
        )

    def _no_pictures(self) -> QWidget:
        card = Card(name="segment.empty", padding=10)
        card.set_dashed(True)
        folder = QuietButton(
            "Add a folder…", name="segment.empty.folder", icon="folder", on_click=self.adding.choose_folder
        )
        card.body.addWidget(
            EmptyState(
                "segment",
                "Drop pictures here",
                "Scans, photos, slices: whatever holds things that should be found. Click on a thing to mark it; a dozen marked pictures "
                "are enough to teach a model to find more of the same.",
                name="segment.emptyState",
                button="Add pictures…",
                on_click=self.adding.choose_files,
                extra=(folder,),
            )
        )
        return card

    def _another_project(self) -> None:
        self.thumbnails.forget()
        self._buttons.show_mode("mark")
        self._refresh()

    def _refresh(self) -> None:
        project, contents = self.services.session.project, self.board.contents
        pictures = _PLACES[self.mode] if contents.images else 1 if contents.known else _BLANK
        self._stack.setCurrentIndex(0 if project is None else pictures)
        self._buttons.refresh(contents, can_add=project is not None and not self._closed_to_edits())
        self.controls.show_run(self.teach.running if self.mode == "teach" else None)
        if not contents.images:
            self.header.set_subtitle("Mark things in pictures, and teach a model to find them")
            return
        names = ", ".join(label.name for label in contents.labels[:3]) + (", …" if len(contents.labels) > 3 else "")
        done = f"{contents.marked} marked of {plural(len(contents.images), 'picture')}"
        self.header.set_subtitle(f"{names}, {done}" if names else done)

    def _enter(self) -> None:
        """Only what is in view works."""
        if not self._in_view:
            return
        if self.mode == "mark":
            self.mark.shown()
        else:
            self.mark.hidden()
        if self.mode == "teach":
            self.teach.shown()

    def _run_moved(self) -> None:
        self.results.show_run(self.finished)
        self.controls.show_run(self.teach.running if self.mode == "teach" else None)

    def _repeat(self, run: str) -> None:
        view = self.services.runs.view(run)
        if view is not None and view.kind == "segment":
            self.go("teach")
            self.teach.repeat(run)

    def _look_at_results(self, run: str) -> None:
        view = self.services.runs.view(run)
        if view is not None and view.kind == "segment":
            self.teach.look(run)
            self._run_moved()
            self.go("results")

    def _used(self) -> None:
        self.go("mark")
        classes = self.using.classes
        text = "Clicks are answered by what was taught."
        if classes:
            text += f" Press F to have it find {', '.join(classes[:3])} in this picture."
        self.services.notify(Notice("good", f"“{self.using.title}” answers now", text))

    def _fix(self, image_id: str) -> None:
        """Put a picture on the board to have its marks corrected; it is learned from the next time."""
        image = next((image for image in self.board.contents.images if image.id == image_id), None)
        if image is not None and image.split != "train":
            self.board.set_split((image_id,), "train")
            text = "It will be learned from the next time, and the figures no longer count it. Undo takes that back."
            self.services.notify(Notice("info", "Correct what is wrong, then teach again", text))
        self.board.go(image_id)
        self.go("mark")

    def _show_file(self, name: str) -> None:
        file = Path(name).name
        found = next((image for image in self.board.contents.images if image.original_name == file), None)
        if found is not None:
            self.board.go(found.id)


def _inset(panel: QWidget) -> QWidget:
    holder = QWidget()
    row = QVBoxLayout(holder)
    row.setContentsMargins(0, 0, design.GAP, 0)
    row.addWidget(panel)
    return holder
