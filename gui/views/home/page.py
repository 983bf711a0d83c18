"""Home: four doors, the recent projects, a place to drop pictures, and what this computer has."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from gui import opening
from gui.recents import Recent
from gui.services import Services
from gui.theme import tokens as design
from gui.views.home.computer import ComputerCard
from gui.views.home.doors import DOORS, door_card
from gui.views.home.recent import filler, load_picture, recent_card
from gui.views.shell import dropping
from gui.widgets.buttons import PrimaryButton, QuietButton
from gui.widgets.card import Card
from gui.widgets.layouts import clear
from gui.widgets.page import PageHeader, ScrollBody
from gui.widgets.picture import PictureView
from gui.widgets.text import Label

_COLUMNS = 3
_MOST_SHOWN = 6


class HomePage(QWidget):
    """The first page."""

    title = "Home"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self.setObjectName("home")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        body = ScrollBody()
        outer.addWidget(body)
        column = body.column
        column.addWidget(
            PageHeader(
                "What would you like to do?",
                "Everything runs on this computer. Drop pictures anywhere in this window to begin.",
            )
        )
        column.addSpacing(2)
        column.addLayout(self._doors())
        column.addSpacing(8)
        column.addLayout(self._head())
        self._grid = QGridLayout()
        self._grid.setSpacing(design.GAP)
        for index in range(_COLUMNS):
            self._grid.setColumnStretch(index, 1)
        column.addLayout(self._grid)
        self._computer = ComputerCard(lambda: services.navigate("preferences"))
        column.addWidget(self._computer)
        column.addStretch(1)
        services.recents.changed.connect(self._show_recents)
        services.hardware_found.connect(lambda: self._computer.show_devices(services.devices))
        self._show_recents()

    def shown(self) -> None:
        """Ages and counts may have changed meanwhile."""
        if self._services.session.project is not None:
            opening.note_seen(self._services)

    def _doors(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(design.GAP)
        for door in DOORS:
            card = door_card(door)
            card.clicked.connect(partial(self._enter, door.page))
            row.addWidget(card, 1)
        return row

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(Label("Recent projects", role="title"))
        row.addStretch(1)
        services = self._services
        row.addWidget(
            QuietButton(
                "Try the sample", name="home.sample", icon="sparkle", on_click=lambda: opening.try_sample(services)
            )
        )
        row.addWidget(QuietButton("Open…", name="home.open", on_click=lambda: opening.open_project(services)))
        row.addWidget(PrimaryButton("New project", name="home.new", on_click=lambda: opening.new_project(services)))
        return row

    def _enter(self, page: str) -> None:
        if page == "images" and self._services.session.project is None:
            opening.new_project(self._services)
        else:
            self._services.navigate(page)

    def _show_recents(self) -> None:
        clear(self._grid)
        shown = self._services.recents.items[:_MOST_SHOWN]
        for index, recent in enumerate(shown):
            card, picture, more = recent_card(recent, name=f"home.recent{index}")
            card.clicked.connect(partial(self._open, recent.root))
            more.clicked.connect(partial(self._more, recent, more))
            self._grid.addWidget(card, index // _COLUMNS, index % _COLUMNS)
            self._fill(picture, recent.picture)
        if len(shown) < _COLUMNS:
            self._grid.addWidget(self._drop_card(), 0, len(shown), 1, _COLUMNS - len(shown))
        elif len(shown) % _COLUMNS:
            self._grid.addWidget(filler(), len(shown) // _COLUMNS, len(shown) % _COLUMNS)

    def _drop_card(self) -> Card:
        card = Card(name="home.drop", clickable=True, padding=12)
        card.set_dashed(True)
        card.setMinimumHeight(101)
        card.setAccessibleName("Drop pictures here, or press to choose them")
        card.clicked.connect(self._choose)
        card.body.addStretch(1)
        for words, role in (("Drop pictures or a folder here", "strong"), ("or press to choose them", "muted")):
            label = Label(words, role=role)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            card.body.addWidget(label)
        card.body.setSpacing(2)
        card.body.addStretch(1)
        return card

    def _choose(self) -> None:
        from gui.views.images.choosing import FILE_FILTER

        names, _ = QFileDialog.getOpenFileNames(self, "Choose pictures", str(Path.home()), FILE_FILTER)
        if names:
            dropping.take(self._services, tuple(Path(name) for name in names))

    def _fill(self, picture: PictureView, path: str) -> None:
        if not path:
            return

        def done(image: QImage) -> None:
            if not image.isNull():
                picture.set_picture(image)

        task = self._services.background.run(lambda _task: load_picture(path), done=done)
        picture.destroyed.connect(task.cancel)

    def _open(self, root: str) -> None:
        project = self._services.session.project
        if project is not None and str(project.root) == root:
            self._services.navigate("images")
            return
        opening.open_path(self._services, Path(root), then=lambda: self._services.navigate("images"))

    def _more(self, recent: Recent, button: QWidget) -> None:
        menu = QMenu(self)
        menu.addAction("Open", partial(self._open, recent.root))
        menu.addAction("Take off this list", partial(self._services.recents.forget, recent.root))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))
