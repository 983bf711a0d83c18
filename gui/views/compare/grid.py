"""Prompts down, checkpoints across: all pictures of one seed at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from gui.canvas.loading import show_file
from gui.views.train.viewer import PictureSheet
from gui.widgets.picture import PictureView
from gui.widgets.text import ElidedLabel, Label
from gui.workers.background import Background

_CELL, _LARGEST, _GAP = 132, 240, 10


class GridView(QScrollArea):
    """Shows the grid; a picture opens large when it is pressed."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self.setObjectName("compare.grid")
        self.setAccessibleName("Prompts by checkpoints")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._background = background
        self.viewport().setAutoFillBackground(False)
        self._cells: dict[tuple[int, str], PictureView] = {}
        self._files: dict[tuple[int, str], Path] = {}
        self._columns: tuple[str, ...] = ()
        self._prompts: tuple[str, ...] = ()
        self.setWidget(QWidget())

    @property
    def shown(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(columns, prompts) on show."""
        return self._columns, self._prompts

    def lay_out(self, columns: Sequence[str], prompts: Sequence[str]) -> None:
        """Make an empty grid."""
        if (tuple(columns), tuple(prompts)) == self.shown:
            return
        self._columns, self._prompts = tuple(columns), tuple(prompts)
        self._cells, self._files = {}, {}
        inner = QWidget()
        inner.setObjectName("scrollBody")
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(_GAP)
        for column, words in enumerate(self._columns):
            label = Label(words, role="strong")
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            grid.addWidget(label, 0, column)
        for row, prompt in enumerate(self._prompts):
            grid.addWidget(ElidedLabel(prompt, role="small"), row * 2 + 1, 0, 1, max(len(self._columns), 1))
            for column in range(len(self._columns)):
                cell = PictureView(name=f"compare.grid.{row}.{column}", fit="fit")
                cell.clicked.connect(lambda key=(column, prompt): self._open(key))
                self._cells[column, prompt] = cell
                grid.addWidget(cell, row * 2 + 2, column)
        grid.setRowStretch(len(self._prompts) * 2 + 3, 1)
        grid.setColumnStretch(len(self._columns), 1)
        self.setWidget(inner)
        inner.setAutoFillBackground(False)  # Qt turns it on for whatever it scrolls
        self._fit_cells()

    def put(self, column: int, prompt: str, file: Path) -> None:
        """Show one picture."""
        cell = self._cells.get((column, prompt))
        if cell is not None:
            self._files[column, prompt] = file
            cell.set_clickable(f"{self._columns[column]}: {prompt}")
            show_file(self._background, cell, file, _LARGEST * 2)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Few columns have room for larger pictures."""
        super().resizeEvent(event)
        self._fit_cells()

    def _fit_cells(self) -> None:
        count = max(len(self._columns), 1)
        edge = min(max((self.viewport().width() - _GAP * count) // count, _CELL), _LARGEST)
        for cell in self._cells.values():
            cell.setFixedSize(edge, edge)

    def _open(self, key: tuple[int, str]) -> None:
        keys = [one for one in self._cells if one in self._files]
        if key in keys:
            pictures = [(self._files[one], f"{self._columns[one[0]]}: {one[1]}") for one in keys]
            PictureSheet(self.window(), pictures, keys.index(key), self._background).open()
