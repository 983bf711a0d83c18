"""The Library page: the adapters on a wall, the chosen one beside it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QFile, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from engines.launch.segment_file import SegmentInfo
from gui.actions import Action
from gui.services import Services
from gui.theme import tokens as design
from gui.views.library.cards import CardWall
from gui.views.library.detail import DetailCard, Wish
from gui.views.library.export import ExportSheet
from gui.views.library.items import MARKS, Item, favourite_key, find, note_key, take_in
from gui.views.segment.exporting.sheet import SegmentExportSheet
from gui.views.segment.exporting.wish import Source
from gui.views.train.naming import ask_title
from gui.widgets.buttons import QuietButton
from gui.widgets.notice import Notice, of_error
from gui.widgets.page import GUTTER, EmptyState, PageHeader, ScrollBody, columned
from gui.widgets.sheet import ask
from gui.widgets.text import Label
from gui.workers.background import Task
from projects import edits, queries
from projects.change import Change, Edit
from projects.errors import ProjectError

_RIGHT_PX = 330


class LibraryPage(QWidget):
    """Arranges the page."""

    title = "Library"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.setObjectName("page.library")
        self._services = services
        self._items: list[Item] = []
        self._chosen = ""
        self._task: Task[list[Item]] | None = None
        self._wall = CardWall(services.background, choose=self._choose, mark=self._mark)
        self._detail = DetailCard(services.background)
        self._detail.hide()
        self._lay_out()
        session, runs = services.session, services.runs
        session.opened.connect(self._look)
        session.closed.connect(self._look)
        session.changed.connect(self._changed)
        runs.changed.connect(self._moved)
        services.catalog.loaded.connect(lambda _catalog: self._moved())
        self._detail.wished.connect(self._wished)
        self._detail.noted.connect(self._noted)
        self._look()

    def page_actions(self) -> tuple[Action, ...]:
        """Commands for the palette and its shortcuts."""

        def chosen(_services: Services) -> bool:
            return self._item() is not None

        return (
            Action(
                "library.search", "Search the library", lambda _s: self._search.setFocus(), ("Ctrl+F",), icon="search"
            ),
            Action("library.import", "Import an adapter…", lambda _s: self._import(), ("Ctrl+I",), icon="download"),
            Action(
                "library.export", "Export this adapter…", lambda _s: self._act("export"), ("Ctrl+E",), chosen, "upload"
            ),
            Action("library.compare", "Compare this adapter", lambda _s: self._act("compare"), (), chosen, "compare"),
        )

    def shown(self) -> None:
        """The page came into view."""
        self._services.catalog.load()
        self._look()

    def hidden(self) -> None:
        """The page went out of view."""
        self._detail.flush()

    def _lay_out(self) -> None:
        self._search = QLineEdit()
        self._search.setObjectName("library.search")
        self._search.setAccessibleName("Search the library")
        self._search.setPlaceholderText("Search names, trigger words, notes")
        self._search.setClearButtonEnabled(True)
        self._search.setFixedWidth(260)
        self._search.textChanged.connect(lambda _text: self._show())
        self._bring = QuietButton("Import an adapter…", name="library.import", icon="download", on_click=self._import)
        self._header = PageHeader(
            "Library", "Adapters of this project, ready to compare and export", buttons=(self._search, self._bring)
        )
        self._none = Label("Nothing here goes by these words.", role="muted")
        wall = ScrollBody(margins=GUTTER)
        wall.column.addWidget(self._none)
        wall.column.addWidget(self._wall)
        wall.column.addStretch(1)
        side = ScrollBody(margins=GUTTER)
        side.setFixedWidth(_RIGHT_PX + design.GAP)
        side.column.addWidget(self._detail)
        side.column.addStretch(1)
        columns = QHBoxLayout()
        columns.setSpacing(0)
        columns.addWidget(wall, 1)
        columns.addWidget(side)
        empty = EmptyState(
            "library",
            "Your adapters will be kept here",
            "Teach a subject, or a model to find things in pictures, or have one forget something, and its adapter appears here with its picture and recipe. You can also bring in an adapter file made elsewhere.",
            name="library.empty",
            button="Go to Train",
            on_click=lambda: self._services.navigate("train"),
            extra=(QuietButton("Import an adapter…", name="library.empty.import", on_click=self._import),),
        )
        self._stack = columned(self, self._header, columns, empty)

    # --- what there is

    def _moved(self) -> None:
        if self.isVisible():  # else it looks when it comes into view
            self._look()

    def _changed(self, change: Change) -> None:
        if "runs" in change.parts or any(key.startswith(MARKS) for key in change.ids):
            self._look()

    def _look(self) -> None:
        project = self._services.session.project
        if self._task is not None:
            self._task.cancel()
        if project is None:
            self._found([])
            return
        views, root, catalog = self._services.runs.every(), project.root, self._services.catalog.catalog
        ways = {entry.name: entry.title for entry in catalog.tuners} if catalog is not None else {}

        def work(_task: Task[list[Item]]) -> list[Item]:
            names = [path.name for path in (root / "adapters").glob("*.safetensors")]
            keys = [key(name) for name in names for key in (note_key, favourite_key)]
            return find(views, root, {key: queries.setting(project, key) for key in keys}, ways)

        self._task = self._services.background.run(work, done=self._found)

    def _found(self, items: list[Item]) -> None:
        self._items = items
        self._stack.setCurrentIndex(0 if items else 1)
        self._search.setVisible(bool(items))
        self._bring.setVisible(bool(items))
        if self._item() is None:
            self._chosen = items[0].id if items else ""
        self._show()

    def _show(self) -> None:
        words = self._search.text()
        shown = [item for item in self._items if item.matches(words)]
        self._none.setVisible(bool(self._items) and not shown)
        self._wall.show_items(shown, self._chosen)
        self._detail.show_item(self._item())

    def _item(self) -> Item | None:
        return next((item for item in self._items if item.id == self._chosen), None)

    def _choose(self, item: Item) -> None:
        self._chosen = item.id
        if not item.imported:
            self._services.runs.set_current(item.id)
        self._show()

    # --- doing

    def _apply(self, edit: Edit) -> None:
        try:
            self._services.session.apply(edit)
        except ProjectError as error:
            self._services.notify(of_error(error))

    def _mark(self, item: Item) -> None:
        wanted = not item.favourite
        if item.imported:
            self._apply(lambda p: edits.set_setting(p, favourite_key(item.file.name), wanted or None))
        else:
            self._apply(lambda p: edits.set_favourite(p, item.id, wanted))

    def _noted(self, item: Item, text: str) -> None:
        if item.imported:
            self._apply(lambda p: edits.set_setting(p, note_key(item.file.name), text or None))
        else:
            self._apply(lambda p: edits.set_run_note(p, item.id, text))

    def _act(self, what: str) -> None:
        item = self._item()
        if item is not None:
            self._wished(Wish(what, item))

    def _wished(self, wish: Wish) -> None:
        item = wish.item
        if wish.what == "export":
            self._export(item)
        elif wish.what == "compare":
            self._services.runs.set_current(item.id)
            self._services.navigate(item.page or "compare")
            if item.page:
                self._services.runs.results_asked.emit(item.id)
        elif wish.what == "repeat":
            self._services.runs.set_current(item.id)
            self._services.navigate(item.page or "train")
            self._services.runs.repeat_asked.emit(item.id)
        elif wish.what == "rename":
            title = ask_title(self.window(), item.title)
            if title:
                self._apply(lambda p: edits.rename_run(p, item.id, title))
        elif wish.what == "folder":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(item.file.parent)))
        elif wish.what == "remove":
            self._remove(item)

    def _export(self, item: Item) -> None:
        if isinstance(item.info, SegmentInfo):
            source = Source(item.file, item.title, item.info.tuner, item.base)
            SegmentExportSheet(self.window(), self._services, source).open()
        else:
            ExportSheet(self.window(), self._services, item.file, item.title).open()

    def _remove(self, item: Item) -> None:
        if not item.imported:
            self._apply(lambda p: edits.remove_run(p, item.id))
            undo = self._services.session.undo_stack.undo
            self._services.notify(
                Notice("info", "Taken off the list", "Its folder stays in the project.", actions=(("Undo", undo),))
            )
            return
        question = f"“{item.file.name}” goes to the trash of this computer, from where you can get it back."
        if ask(
            self.window(),
            "Remove this adapter?",
            question,
            accept="Move to the trash",
            danger=True,
            name="library.trash",
        ):
            if not QFile(str(item.file)).moveToTrash():
                self._services.notify(
                    Notice(
                        "warning",
                        "There is no trash here",
                        f"The file stays at {item.file}.",
                        "Remove it by hand if you want it gone.",
                    )
                )
            self._look()

    def _import(self) -> None:
        project = self._services.session.project
        if project is None:
            return
        paths, _kind = QFileDialog.getOpenFileNames(
            self, "Import adapters", str(Path.home()), "Adapters (*.safetensors)"
        )
        root = project.root

        def work(_task: Task[list[Path]]) -> list[Path]:
            return [take_in(Path(path), root) for path in paths]

        if paths:
            self._services.background.run(work, done=self._taken, failed=self._not_taken)

    def _taken(self, paths: list[Path]) -> None:
        self._chosen = f"file:{paths[-1].name}"
        self._look()
        count = len(paths)
        self._services.notify(
            Notice("good", "The adapter was brought in" if count == 1 else f"{count} adapters were brought in")
        )

    def _not_taken(self, notice: Notice) -> None:
        self._look()
        self._services.notify(notice)
