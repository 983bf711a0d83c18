"""Images: subjects at the left, their photos in the middle, the selected ones at the right."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from gui import opening
from gui.actions import Action, can_edit
from gui.models.images import ImagesModel
from gui.models.thumbnails import Thumbnails
from gui.services import Services
from gui.views.images.adding import Adding
from gui.views.images.importer import Importer
from gui.views.images.layout import Parts
from gui.views.images.reading import Contents, question
from gui.widgets.notice import Notice
from gui.workers.reading import Reader
from projects import edits, queries
from projects.change import Change
from projects.health import FLAG_WORDS

_READ_PARTS = frozenset({"images", "captions", "masks", "concepts"})


class ImagesPage(QWidget):
    """The page."""

    title = "Images"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self.setObjectName("images")
        self.model = ImagesModel(self)
        self.model.set_flag_words(FLAG_WORDS)
        self._thumbnails = Thumbnails(services.background, self)
        self.parts = Parts(services, self.model, self._thumbnails)
        self.parts.inspector.set_flag_words(FLAG_WORDS)
        self.importer = Importer(services, self)
        self.adding = Adding(services, self.importer, self.parts.panel, self)
        self._reader = Reader(
            services.background, lambda: question(services.session), failed=services.notify, parent=self
        )
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.parts)
        self._connect()
        self._opened()

    def shown(self) -> None:
        """It came into view."""
        self.parts.grid.setFocus()

    def hidden(self) -> None:
        """It goes out of view: keep what is being typed."""
        self.parts.concepts.commit()
        self.parts.inspector.commit()

    def page_actions(self) -> tuple[Action, ...]:
        """Its commands."""
        adding, parts = self.adding, self.parts
        folder = "Add a folder of photos…"
        return (
            Action(
                "images.add", "Add photos…", lambda _: adding.choose_files(), ("Ctrl+I",), can_edit, "images", "import"
            ),
            Action(
                "images.folder",
                folder,
                lambda _: adding.choose_folder(),
                ("Ctrl+Shift+I",),
                can_edit,
                "folder",
                "import",
            ),
            Action("images.paste", "Paste a photo", lambda _: adding.paste(), ("Ctrl+V",), can_edit, "paste"),
            Action(
                "images.all", "Select all photos", lambda _: parts.grid.selectAll(), ("Ctrl+A",), self._in_grid, "grid"
            ),
            Action(
                "images.remove",
                "Remove the photos",
                lambda _: self.remove_selected(),
                ("Del",),
                self._can_remove,
                "trash",
            ),
            Action(
                "images.caption",
                "Edit the caption",
                lambda _: parts.inspector.edit_caption(),
                ("F2",),
                can_edit,
                "edit",
            ),
            Action("images.filter", "Filter the photos", lambda _: parts.filter.setFocus(), ("Ctrl+F",), icon="filter"),
        )

    def take_in(self, paths: tuple[Path, ...]) -> None:
        """Bring files and folders into the current subject."""
        self.adding.take_in(paths)

    def remove_selected(self) -> None:
        """Take the selected pictures out; undo brings them back."""
        ids = self.parts.grid.selected_ids()
        if ids and opening.apply(self._services, lambda project: edits.remove_images(project, ids)):
            words = f"{len(ids)} photos" if len(ids) != 1 else "The photo"
            undo = self._services.session.undo_stack.undo
            text = "Nothing is deleted from where it came from."
            self._services.notify(Notice("info", f"{words} removed", text, actions=(("Undo", undo),)))

    def _connect(self) -> None:
        session, parts = self._services.session, self.parts
        session.opened.connect(self._opened)
        session.closed.connect(self._opened)
        session.concept_changed.connect(self._concept_changed)
        session.changed.connect(self._changed)
        self._reader.read.connect(self._show)
        self.importer.finished.connect(lambda _report: self._reader.soon())
        parts.grid.selection_changed.connect(self._selection_changed)
        parts.grid.menu_asked.connect(self._menu)
        parts.grid.doubleClicked.connect(lambda _index: parts.inspector.edit_caption())
        parts.filter_changed.connect(self.model.set_filter)
        parts.add_asked.connect(self.adding.choose_files)
        parts.folder_asked.connect(self.adding.choose_folder)
        parts.inspector.remove_asked.connect(self.remove_selected)
        parts.panel.file_asked.connect(self._show_file)
        parts.concepts.move_asked.connect(self._move)

    def _opened(self) -> None:
        self._thumbnails.forget()
        self.parts.grid.set_project(self._services.session.project)
        self.parts.panel.hide()
        self.model.set_images(())
        self._concept_changed()

    def _concept_changed(self) -> None:
        self.parts.inspector.commit()
        self.parts.grid.clearSelection()
        self.parts.concepts.refresh()
        self._reader.soon()

    def _changed(self, change: Change) -> None:
        if change.parts & {"concepts"}:
            self.parts.concepts.refresh()
        if change.parts & _READ_PARTS:
            self._reader.soon()

    def _show(self, contents: Contents) -> None:
        self.model.set_images(contents.images)
        self.parts.concepts.refresh(contents.counts)
        self.parts.show_state(self._services.session, contents.images)
        self._selection_changed()

    def _selection_changed(self) -> None:
        rows = (self.model.row(key) for key in self.parts.grid.selected_ids())
        self.parts.inspector.show_images(tuple(self.model.image(row) for row in rows))

    def _show_file(self, name: str) -> None:
        file = Path(name).name
        found = tuple(item.id for item in self.model.all_images if item.original_name == file)
        if found:
            self.parts.clear_filter()
            self.parts.grid.select_ids(found)
        else:
            text = "It was left out, for the reason in its line."
            self._services.notify(Notice("info", f"{file} is not among these photos", text))

    def _menu(self, point: QPoint) -> None:
        project, ids = self._services.session.project, self.parts.grid.selected_ids()
        if project is None or not ids or self._services.session.read_only:
            return
        menu = QMenu(self)
        menu.addAction("Edit the caption", self.parts.inspector.edit_caption)
        others = [item for item in queries.concepts(project) if item.id != self._services.session.concept_id]
        if others:
            move = menu.addMenu("Move to")
            for concept in others:
                move.addAction(concept.name.replace("&", "&&"), partial(self._move, ids, concept.id))
        menu.addSeparator()
        menu.addAction("Remove", self.remove_selected)
        menu.popup(point)

    def _move(self, ids: tuple[str, ...], concept_id: str) -> None:
        if not opening.apply(self._services, lambda project: edits.move_images(project, ids, concept_id)):
            return
        project = self._services.session.project
        name = queries.concept(project, concept_id).name if project is not None else ""
        words = f"{len(ids)} photos" if len(ids) != 1 else "The photo"
        undo = self._services.session.undo_stack.undo
        self._services.notify(Notice("info", f"{words} moved to “{name}”", actions=(("Undo", undo),)))

    def _in_grid(self, _services: Services) -> bool:
        return self.parts.grid.hasFocus()

    def _can_remove(self, services: Services) -> bool:
        return can_edit(services) and self._in_grid(services) and bool(self.parts.grid.selected_ids())
