"""The Segment page: things in pictures are marked by clicking, painting and outlining."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from gui import opening
from gui.actions import Action, can_edit
from gui.services import Services
from gui.theme import tokens as design
from gui.views.images.report import ImportPanel
from gui.views.segment.adding import Adding
from gui.views.segment.board import Board
from gui.views.segment.hands import TOOLS
from gui.views.segment.mark import MarkPanel
from gui.views.segment.taking_out import TakeMasksSheet, take_out
from gui.views.shell import dropping
from gui.views.train.words import plural
from gui.widgets.buttons import QuietButton
from gui.widgets.card import Card
from gui.widgets.menu_button import Entry, MenuButton
from gui.widgets.page import EmptyState, PageHeader


class SegmentPage(QWidget):
    """Arranges the page and brings its commands."""

    title = "Segment"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.setObjectName("page.segment")
        self.setAcceptDrops(True)
        self._services = services
        self.board = Board(services, self)
        self.mark = MarkPanel(services, self.board)
        self.panel = ImportPanel()
        self.adding = Adding(services, self.panel, self)
        self._add = MenuButton(
            "Add…",
            (
                Entry("Pictures…", self.adding.choose_files, "images"),
                Entry("A folder of pictures…", self.adding.choose_folder, "folder"),
                Entry("Masks made elsewhere…", self.adding.choose_masks, "mask"),
            ),
            name="segment.add",
            icon="plus",
        )
        self._export = QuietButton("Export masks…", name="segment.export", on_click=self.export_masks)
        self.header = PageHeader("Segment", " ", buttons=(self._add, self._export))
        self._stack = QStackedWidget()
        self._lay_out()
        session = services.session
        session.opened.connect(self._refresh)
        session.closed.connect(self._refresh)
        self.board.contents_changed.connect(self._refresh)
        self.panel.file_asked.connect(self._show_file)
        self.adding.came.connect(lambda ids: self.board.want(ids[0]))
        self._refresh()

    def shown(self) -> None:
        """It came into view."""
        self.mark.shown()

    def hidden(self) -> None:
        """It goes out of view."""
        self.mark.hidden()

    def page_actions(self) -> tuple[Action, ...]:
        """Its commands."""
        return _actions(self)

    def take_in(self, paths: tuple[Path, ...]) -> None:
        """Bring files and folders in as pictures to be marked."""
        self.adding.take_in(paths)

    def export_masks(self) -> None:
        """Ask for a format and a place, and write the masks."""
        project = self._services.session.project
        if project is None:
            return
        sheet = TakeMasksSheet(self, project)
        if sheet.exec() and sheet.target is not None:
            take_out(self._services, project, sheet.kind, sheet.target, sheet.options)

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
        session = self._services.session
        return session.project is not None and session.read_only

    def _lay_out(self) -> None:
        for page in (self._nothing_open(), self._no_pictures(), self.mark):
            self._stack.addWidget(page)
        column = QVBoxLayout(self)
        margin = design.PAGE_MARGIN
        column.setContentsMargins(margin, margin - 6, margin, 16)
        column.setSpacing(14)
        column.addWidget(self.header)
        column.addWidget(self.panel)
        column.addWidget(self._stack, 1)

    def _nothing_open(self) -> QWidget:
        services = self._services
        return EmptyState(
            "segment",
            "No project is open",
            "Pictures and what is marked in them live in a project. Make one, or drop pictures here and one is made for you.",
            name="segment.none",
            button="New project",
            on_click=lambda: opening.new_project(services),
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

    def _refresh(self) -> None:
        project, contents = self._services.session.project, self.board.contents
        self._stack.setCurrentIndex(0 if project is None else 2 if contents.images else 1)
        self._add.setVisible(project is not None)
        self._add.setEnabled(not self._closed_to_edits())
        self._export.setVisible(project is not None)
        self._export.setEnabled(contents.marked > 0)
        self._export.setToolTip("" if contents.marked else "Nothing is marked yet")
        if not contents.images:
            self.header.set_subtitle("Mark things in pictures, and teach a model to find them")
            return
        names = ", ".join(label.name for label in contents.labels[:3]) + (", …" if len(contents.labels) > 3 else "")
        done = f"{contents.marked} marked of {plural(len(contents.images), 'picture')}"
        self.header.set_subtitle(f"{names}, {done}" if names else done)

    def _show_file(self, name: str) -> None:
        file = Path(name).name
        found = next((image for image in self.board.contents.images if image.original_name == file), None)
        if found is not None:
            self.board.go(found.id)


def _actions(page: SegmentPage) -> tuple[Action, ...]:
    board, hands, mark = page.board, page.mark.hands, page.mark

    def marking(_services: Services) -> bool:
        return board.can_edit

    def any_picture(_services: Services) -> bool:
        return board.image is not None

    def act(
        key: str,
        title: str,
        run: Callable[[], object],
        keys: tuple[str, ...] = (),
        enabled: Callable[[Services], bool] = marking,
        icon: str = "",
    ) -> Action:
        return Action(f"segment.{key}", title, lambda _services: run(), keys, enabled, icon, "segment mark mask")

    tools = (
        act(f"tool.{tool.key}", tool.title, partial(hands.take, tool.key), (tool.letter,), icon=tool.icon)
        for tool in TOOLS
    )
    return (
        *tools,
        act("find", "Find everything in this picture", mark.find_everything, ("F",), icon="sparkle"),
        act("next", "The next picture", lambda: board.step(1), ("D", "PgDown"), any_picture, "chevron-right"),
        act("previous", "The picture before", lambda: board.step(-1), ("A", "PgUp"), any_picture, "chevron-left"),
        act(
            "unmarked", "The next picture with nothing marked", board.next_unmarked, ("N",), any_picture, "arrow-right"
        ),
        act("hide", "Hide or show all marks", mark.regions.toggle_all, ("H",), any_picture, "hide"),
        act("label", "Add a label", mark.labels.add, ("L",), icon="tag"),
        act("remove", "Remove the chosen marks", board.remove_selected, (), lambda _s: bool(board.selected), "trash"),
        act("add", "Add pictures…", page.adding.choose_files, ("Ctrl+I",), can_edit, "images"),
        act("folder", "Add a folder of pictures…", page.adding.choose_folder, ("Ctrl+Shift+I",), can_edit, "folder"),
        act("masks", "Bring masks in…", page.adding.choose_masks, (), can_edit, "mask"),
        act("export", "Export masks…", page.export_masks, ("Ctrl+E",), lambda _s: board.contents.marked > 0, "upload"),
    )
