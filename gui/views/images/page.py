"""Images: subjects at the left, their photos in the middle, the selected ones at the right."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QVBoxLayout, QWidget

from gui import opening
from gui.actions import Action, can_edit
from gui.models.images import ImagesModel
from gui.models.thumbnails import Thumbnails
from gui.services import Services
from gui.views.images.choosing import FILE_FILTER
from gui.views.images.concepts import invented_word
from gui.views.images.importer import Importer
from gui.views.images.layout import Parts
from gui.views.shell import dropping
from gui.widgets.notice import Notice
from projects import edits, queries
from projects.change import Change
from projects.health import FLAG_WORDS
from projects.project import Project
from projects.records import Image
from projects.report import ImportReport

_RELOAD_PARTS = frozenset({"images", "captions", "masks", "concepts"})
_FIRST_NOTES = 3


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
        self.importer = Importer(services, self)
        self.parts = Parts(services, self.model, self._thumbnails)
        self.parts.inspector.set_flag_words(FLAG_WORDS)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.parts)
        self._reload_soon = QTimer(self)
        self._reload_soon.setSingleShot(True)
        self._reload_soon.setInterval(0)
        self._reload_soon.timeout.connect(self._reload)
        self._loading = False
        self._again = False
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
        return (
            Action(
                "images.add",
                "Add photos…",
                lambda _s: self.choose_files(),
                ("Ctrl+I",),
                can_edit,
                "images",
                "import file",
            ),
            Action(
                "images.addFolder",
                "Add a folder of photos…",
                lambda _s: self.choose_folder(),
                ("Ctrl+Shift+I",),
                can_edit,
                "folder",
                "import",
            ),
            Action(
                "images.paste",
                "Paste a photo",
                lambda _s: self.paste(),
                ("Ctrl+V",),
                self._can_paste,
                "paste",
                "clipboard",
            ),
            Action(
                "images.selectAll",
                "Select all photos",
                lambda _s: self.parts.grid.selectAll(),
                ("Ctrl+A",),
                self._in_grid,
                "grid",
            ),
            Action(
                "images.remove",
                "Remove the selected photos",
                lambda _s: self.remove_selected(),
                ("Del",),
                self._can_remove,
                "trash",
                "delete",
            ),
            Action(
                "images.caption",
                "Edit the caption",
                lambda _s: self.parts.inspector.edit_caption(),
                ("F2",),
                can_edit,
                "edit",
            ),
            Action(
                "images.filter",
                "Filter the photos",
                lambda _s: self.parts.filter.setFocus(),
                ("Ctrl+F",),
                icon="filter",
            ),
        )

    def take_in(self, paths: tuple[Path, ...]) -> None:
        """Bring files and folders into the current subject; makes one where there is none."""
        concept_id = self._ready_concept()
        if concept_id and paths:
            self.importer.take_paths(paths, concept_id)

    def choose_files(self) -> None:
        """Ask for pictures."""
        names, _ = QFileDialog.getOpenFileNames(self, "Choose photos", str(Path.home()), FILE_FILTER)
        self.take_in(tuple(Path(name) for name in names))

    def choose_folder(self) -> None:
        """Ask for a folder."""
        name = QFileDialog.getExistingDirectory(self, "Choose a folder of photos", str(Path.home()))
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
                self.importer.take_picture(picture, "pasted.png", concept_id)
        else:
            self._services.notify(
                Notice("info", "There is no picture on the clipboard", "Copy a picture or picture files first.")
            )

    def remove_selected(self) -> None:
        """Take the selected pictures out; undo brings them back."""
        ids = self.parts.grid.selected_ids()
        if ids and opening.apply(self._services, lambda project: edits.remove_images(project, ids)):
            words = f"{len(ids)} photos" if len(ids) != 1 else "The photo"
            undo = self._services.session.undo_stack.undo
            self._services.notify(
                Notice(
                    "info", f"{words} removed", "Nothing is deleted from where it came from.", actions=(("Undo", undo),)
                )
            )

    def _connect(self) -> None:
        session, parts, importer = self._services.session, self.parts, self.importer
        session.opened.connect(self._opened)
        session.closed.connect(self._opened)
        session.concept_changed.connect(self._concept_changed)
        session.changed.connect(self._changed)
        parts.grid.selection_changed.connect(self._selection_changed)
        parts.grid.menu_asked.connect(self._menu)
        parts.grid.doubleClicked.connect(lambda _index: parts.inspector.edit_caption())
        parts.filter_changed.connect(self.model.set_filter)
        parts.add_asked.connect(self.choose_files)
        parts.folder_asked.connect(self.choose_folder)
        parts.inspector.remove_asked.connect(self.remove_selected)
        importer.progressed.connect(parts.panel.show_progress)
        importer.finished.connect(self._imported)
        importer.failed.connect(self._import_failed)
        parts.panel.stop_asked.connect(importer.stop)
        parts.panel.undo_asked.connect(self._undo_import)
        parts.panel.file_asked.connect(self._show_file)

    def _opened(self) -> None:
        project = self._services.session.project
        self._thumbnails.forget()
        self.parts.grid.set_project(project)
        self.parts.panel.hide()
        self.model.set_images(())
        self._concept_changed()

    def _concept_changed(self) -> None:
        self.parts.inspector.commit()
        self.parts.grid.clearSelection()
        self.parts.concepts.refresh()
        self._reload_soon.start()

    def _changed(self, change: Change) -> None:
        if change.parts & {"concepts"}:
            self.parts.concepts.refresh()
        if change.parts & _RELOAD_PARTS:
            self._reload_soon.start()

    def _reload(self) -> None:
        """Read the pictures again on another thread; one reading at a time, and one more when something changed meanwhile."""
        project, concept_id = self._services.session.project, self._services.session.concept_id
        if project is None:
            self._show((), {})
            return
        if self._loading:
            self._again = True
            return
        self._loading, self._again = True, False

        def work(_task: object) -> tuple[Project, str, tuple[Image, ...], dict[str, int]]:
            images = queries.images(project, concept_id) if concept_id else ()
            return project, concept_id, images, queries.counts(project).images_by_concept

        self._services.background.run(work, done=self._loaded, failed=self._not_loaded, priority=3)

    def _loaded(self, result: tuple[Project, str, tuple[Image, ...], dict[str, int]]) -> None:
        self._loading = False
        project, concept_id, images, counts = result
        session = self._services.session
        if project is session.project and concept_id == session.concept_id:
            self._show(images, counts)
        else:
            self._again = True
        if self._again:
            self._reload_soon.start()

    def _not_loaded(self, notice: Notice) -> None:
        self._loading = False
        if self._services.session.project is not None:
            self._services.notify(notice)

    def _show(self, images: tuple[Image, ...], counts: dict[str, int]) -> None:
        before = len(self.model.all_images)
        self.model.set_images(images)
        if len(images) != before or counts:
            self.parts.concepts.refresh(counts)
        self.parts.show_state(self._services.session, images)
        self._selection_changed()

    def _selection_changed(self) -> None:
        grid = self.parts.grid
        self.parts.inspector.show_images(tuple(self.model.image(self.model.row(key)) for key in grid.selected_ids()))

    def _ready_concept(self) -> str:
        """The subject that new pictures go to; empty when there can be none."""
        session = self._services.session
        if session.project is None:
            opening.new_project(self._services)
            return ""
        if not session.concept_id:
            name = session.project.name
            if not opening.apply(
                self._services, lambda p: edits.add_concept(p, name, trigger=invented_word(frozenset()))
            ):
                return ""
        return session.concept_id

    def _imported(self, report: ImportReport) -> None:
        self.parts.panel.show_report(report)
        opening.note_seen(self._services)
        self._reload_soon.start()

    def _import_failed(self, notice: Notice) -> None:
        self.parts.panel.hide()
        self._services.notify(notice)

    def _undo_import(self) -> None:
        self._services.session.undo_stack.undo()
        self.parts.panel.hide()

    def _show_file(self, name: str) -> None:
        found = tuple(item.id for item in self.model.all_images if item.original_name == Path(name).name)
        if found:
            self.parts.clear_filter()
            self.parts.grid.select_ids(found)
        else:
            self._services.notify(
                Notice(
                    "info",
                    f"{Path(name).name} is not among these photos",
                    "It was left out, for the reason in its line.",
                )
            )

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
                move.addAction(concept.name, partial(self._move, ids, concept.id))
        menu.addSeparator()
        menu.addAction("Remove", self.remove_selected)
        menu.popup(point)

    def _move(self, ids: tuple[str, ...], concept_id: str) -> None:
        opening.apply(self._services, lambda project: edits.move_images(project, ids, concept_id))

    def _in_grid(self, _services: Services) -> bool:
        return self.parts.grid.hasFocus()

    def _can_remove(self, services: Services) -> bool:
        return can_edit(services) and self._in_grid(services) and bool(self.parts.grid.selected_ids())

    def _can_paste(self, services: Services) -> bool:
        return can_edit(services)
