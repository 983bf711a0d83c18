"""The measured pictures in a row, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.models.thumbnails import Thumbnails
from gui.views.segment.results.report import Measured
from gui.widgets.card import Card
from gui.widgets.flow import FlowLayout
from gui.widgets.picture import PictureView
from gui.widgets.text import Label
from projects.project import Project
from projects.records import Image
from projects.thumbnails import EDGE

_EDGE_PX = 78
_MOST = 60


@dataclass
class _Cell:
    image: Image
    view: PictureView
    filled: bool = False


class WorstCard(Card):
    """One small picture each; `choose` gets the number of the one that was pressed."""

    def __init__(self, thumbnails: Thumbnails, choose: Callable[[int], object]) -> None:
        super().__init__("Worst first", name="segment.worst")
        self._thumbnails = thumbnails
        self._choose = choose
        self._project: Project | None = None
        self._cells: list[_Cell] = []
        self._rest = Label(role="small", wrap=True)
        self._area = QWidget()
        self.body.addWidget(self._area)
        self.body.addWidget(self._rest)
        thumbnails.ready.connect(lambda _image: self._fill())

    def show_pictures(self, project: Project, found: Sequence[tuple[Measured, Image]]) -> None:
        """Show these, in this order."""
        self._project = project
        fresh = QWidget()
        flow = FlowLayout(fresh, spacing=8)
        self._cells = []
        for number, (measured, image) in enumerate(found[:_MOST]):
            cell = QWidget()
            column = QVBoxLayout(cell)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(3)
            view = PictureView(name=f"segment.worst.{number}", radius=8)
            view.setFixedSize(_EDGE_PX, _EDGE_PX)
            words = f"{measured.after:.2f}" if measured.after is not None else "empty"
            view.set_clickable(f"{image.original_name}, overlap {words}")
            view.clicked.connect(partial(self._choose, number))
            column.addWidget(view)
            column.addWidget(Label(words, role="small"))
            flow.addWidget(cell)
            self._cells.append(_Cell(image, view))
        self.body.replaceWidget(self._area, fresh)
        self._area.hide()
        self._area.deleteLater()
        self._area = fresh
        left = len(found) - len(self._cells)
        self._rest.setText(f"and {left} better ones" if left else "")
        self._rest.setVisible(bool(left))
        self._fill()

    def mark(self, number: int) -> None:
        """Show which one is looked at."""
        for place, cell in enumerate(self._cells):
            cell.view.set_selected(place == number)

    def _fill(self) -> None:
        for cell in self._cells:
            found: QPixmap | None = None
            if not cell.filled and self._project is not None:
                found = self._thumbnails.get(self._project, cell.image, EDGE)
            if found is not None:
                cell.view.set_picture(found)
                cell.filled = True
