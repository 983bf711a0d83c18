"""How the page Images is put together: header, three columns, and what it says while there is nothing on it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from gui import opening
from gui.models.images import ImagesModel
from gui.models.thumbnails import Thumbnails
from gui.services import Services
from gui.session import Session
from gui.theme import tokens as design
from gui.views.images.concepts import ConceptPanel
from gui.views.images.grid import Grid
from gui.views.images.inspector import Inspector
from gui.views.images.report import ImportPanel
from gui.widgets.buttons import PrimaryButton, QuietButton
from gui.widgets.card import Card
from gui.widgets.page import GUTTER, EmptyState, PageHeader, ScrollBody
from gui.widgets.segmented import Segmented
from gui.widgets.text import Label
from projects.records import Image

_LEFT_PX = 246
_RIGHT_PX = 290


class Parts(QWidget):
    """The widgets of the page, without any of its decisions.

    Signals:
        filter_changed: (text, "all" or "flagged" or "uncaptioned").
        add_asked: choose photos. folder_asked: choose a folder.
    """

    filter_changed = Signal(str, str)
    add_asked = Signal()
    folder_asked = Signal()

    def __init__(self, services: Services, model: ImagesModel, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._services = services
        self._model = model
        self.concepts = ConceptPanel(services)
        self.grid = Grid(model, thumbnails)
        self.inspector = Inspector(services, thumbnails)
        self.panel = ImportPanel()
        self._add = QuietButton("Add photos…", name="images.add", icon="plus", on_click=self.add_asked.emit)
        self._next = PrimaryButton("Next: train", name="images.next", on_click=lambda: services.navigate("train"))
        self.header = PageHeader("Images", " ", buttons=(self._add, self._next))
        self.filter = QLineEdit()
        self._show = Segmented(
            (("all", "All"), ("flagged", "Worth a look"), ("uncaptioned", "No caption")),
            name="images.show",
            label="Which photos",
        )
        self._count = Label(role="small")
        self._empty = self._make_empty()
        self._none = self._make_none()
        self._pages = QStackedWidget()
        self._arrange()
        self.filter.textChanged.connect(self._filter)
        self._show.changed.connect(lambda _key: self._filter())

    def show_state(self, session: Session, images: tuple[Image, ...]) -> None:
        """Say what is there."""
        project, concept = session.project, session.concept()
        self._pages.setCurrentIndex(0 if project is None else 1 if not images and not self.panel.isVisible() else 2)
        self._columns_visible(project is not None)
        name = concept.name if concept is not None else project.name if project is not None else "Images"
        self.header.set_title(name)
        self.header.set_subtitle(
            _subtitle(images, concept.trigger if concept else "", concept.class_noun if concept else "")
        )
        self._add.setEnabled(not session.read_only)
        self.grid.setDragEnabled(not session.read_only)
        self._add.setVisible(project is not None)
        self._next.setVisible(bool(images))
        self._tell_count(images)

    def clear_filter(self) -> None:
        """Show all photos."""
        self.filter.clear()
        self._show.set_value("all")
        self._filter()

    def _filter(self) -> None:
        self.filter_changed.emit(self.filter.text().strip(), self._show.value)
        self._tell_count(self._model.all_images)

    def _tell_count(self, images: tuple[Image, ...]) -> None:
        shown = self._model.rowCount()
        self._count.setText("" if shown == len(images) else f"{shown} of {len(images)}")

    def _columns_visible(self, visible: bool) -> None:
        self._left.setVisible(visible)
        self.inspector.setVisible(visible)

    def _arrange(self) -> None:
        outer = QVBoxLayout(self)
        margin = design.PAGE_MARGIN
        outer.setContentsMargins(margin, margin - 6, margin, margin - 8)
        outer.setSpacing(18)
        outer.addWidget(self.header)
        columns = QHBoxLayout()
        columns.setSpacing(0)
        self._left = ScrollBody(margins=GUTTER)
        self._left.setFixedWidth(_LEFT_PX + design.GAP)
        self._left.column.addWidget(self.concepts)
        columns.addWidget(self._left)
        middle = QVBoxLayout()
        middle.setSpacing(design.GAP)
        middle.addWidget(self.panel)
        card = Card(name="images.photos", padding=14)
        card.setAccessibleName("Photos")
        card.body.setContentsMargins(14, 12, 6, 9)
        card.body.addLayout(self._tools())
        card.body.addWidget(self.grid, 1)
        for page in (self._none, self._empty, card):
            self._pages.addWidget(page)
        middle.addWidget(self._pages, 1)
        columns.addLayout(middle, 1)
        columns.addSpacing(design.GAP)
        self.inspector.setFixedWidth(_RIGHT_PX)
        columns.addWidget(self.inspector)
        outer.addLayout(columns, 1)

    def _tools(self) -> QHBoxLayout:
        self.filter.setObjectName("images.filter")
        self.filter.setAccessibleName("Filter by words")
        self.filter.setPlaceholderText("Filter by words")
        self.filter.setClearButtonEnabled(True)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 8, 0)
        row.setSpacing(10)
        row.addWidget(self.filter, 1)
        row.addWidget(self._count)
        row.addWidget(self._show)
        return row

    def _make_empty(self) -> QWidget:
        card = Card(name="images.empty", padding=10)
        card.set_dashed(True)
        folder = QuietButton(
            "Add a folder…", name="images.empty.folder", icon="folder", on_click=self.folder_asked.emit
        )
        card.body.addWidget(
            EmptyState(
                "images",
                "Drop photos of your subject here",
                "Five to twenty are plenty. Show it from different sides, in different light and places, sharp and not too small. "
                "Captions beside the files (name.txt) and masks (name-masklabel.png) come along.",
                name="images.emptyState",
                button="Add photos…",
                on_click=self.add_asked.emit,
                extra=(folder,),
            )
        )
        return card

    def _make_none(self) -> QWidget:
        services = self._services
        sample = QuietButton(
            "Try the sample", name="images.none.sample", icon="sparkle", on_click=lambda: opening.try_sample(services)
        )
        return EmptyState(
            "images",
            "No project is open",
            "Photos live in a project. Make one, or drop photos here and one is made for you.",
            name="images.none",
            button="New project",
            on_click=lambda: opening.new_project(services),
            extra=(sample,),
        )


def _subtitle(images: tuple[Image, ...], trigger: str, noun: str) -> str:
    count = len(images)
    parts = [f"{count} photo{'s' if count != 1 else ''}" if count else "No photos yet"]
    if trigger:
        parts.append(f"trigger word {trigger}")
    if noun:
        parts.append(f"class {noun}")
    missing = sum(not item.caption.strip() for item in images)
    if missing and missing < count:
        parts.append(f"{missing} without a caption")
    return ", ".join(parts)
