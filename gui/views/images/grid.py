"""The grid of pictures: columns that fill the width, a selection of many, and nothing loaded that is not in view."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QDrag, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QWidget

from gui.models.images import ImagesModel
from gui.models.thumbnails import Thumbnails
from gui.views.images.tiles import Tiles
from projects.project import Project

_TILE_PX = 158
_CAPTION_PX = 24


class Grid(QListView):
    """Signals.

    selection_changed: other pictures are selected now.
    menu_asked: (place on the screen) the right button or the menu key was pressed.
    """

    selection_changed = Signal()
    menu_asked = Signal(QPoint)

    def __init__(self, model: ImagesModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images = model
        self._tiles = Tiles(thumbnails, self)
        self.setObjectName("images.grid")
        self.setAccessibleName("Photos")
        self.setModel(model)
        self.setItemDelegate(self._tiles)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setDragEnabled(True)
        self.setAcceptDrops(False)  # so that a drop goes on to the window, which knows what to do with it
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(lambda point: self.menu_asked.emit(self.viewport().mapToGlobal(point)))
        bar = self.verticalScrollBar()
        bar.setSingleStep(40)
        # Its place is always kept, so that the columns do not jump; it is seen only when there is something to scroll.
        bar.rangeChanged.connect(lambda least, most: bar.setEnabled(most > least))
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(0)
        self._settle.timeout.connect(self.selection_changed.emit)
        self.selectionModel().selectionChanged.connect(lambda *_: self._settle.start())
        model.modelReset.connect(self._settle.start)
        model.dataChanged.connect(lambda *_: self._settle.start())
        thumbnails.ready.connect(model.touch)

    def set_project(self, project: Project | None) -> None:
        """Whose pictures these are."""
        self._tiles.project = project

    def selected_ids(self) -> tuple[str, ...]:
        """The selected pictures, in the order of the page."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return tuple(self._images.image(row).id for row in rows)

    def select_ids(self, ids: tuple[str, ...], *, scroll: bool = True) -> None:
        """Select these pictures, as far as they are shown, and bring the first into view."""
        rows = sorted(row for row in (self._images.row(key) for key in ids) if row >= 0)
        chosen = QItemSelection()
        for first, last in _stretches(rows):
            chosen.select(self._images.index(first), self._images.index(last))
        self.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows and scroll:
            self.selectionModel().setCurrentIndex(
                self._images.index(rows[0]), QItemSelectionModel.SelectionFlag.NoUpdate
            )
            self.scrollTo(self._images.index(rows[0]))

    def startDrag(self, _actions: Qt.DropAction) -> None:  # noqa: N802 - Qt's name
        """Carry the selected pictures, as one small picture with their number."""
        indexes = self.selectionModel().selectedIndexes()
        if indexes:
            drag = QDrag(self)
            drag.setMimeData(self._images.mimeData(indexes))
            drag.setPixmap(self._tiles.bundle(self._images.image(min(index.row() for index in indexes)), len(indexes)))
            drag.setHotSpot(QPoint(-8, -8))
            drag.exec(Qt.DropAction.MoveAction)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Columns share the width evenly."""
        width = self.viewport().width() - 2
        columns = max(1, width // _TILE_PX)
        size = QSize(width // columns, width // columns + _CAPTION_PX)
        if size != self.gridSize():
            self._tiles.set_width(size.width())
            self.setGridSize(size)
        super().resizeEvent(event)


def _stretches(rows: list[int]) -> list[tuple[int, int]]:
    """Rows as (first, last) of each unbroken stretch."""
    made: list[tuple[int, int]] = []
    for row in rows:
        if made and row == made[-1][1] + 1:
            made[-1] = (made[-1][0], row)
        else:
            made.append((row, row))
    return made
