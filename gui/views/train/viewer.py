"""Looks at pictures one after the other, large, with zoom and pan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from gui.canvas.loading import read_for
from gui.canvas.picture import PictureCanvas
from gui.widgets.buttons import IconButton, QuietButton
from gui.widgets.text import ElidedLabel
from gui.workers.background import Background


class PictureSheet(QDialog):
    """A dialog over (file, words) pairs; Left and Right go through them, Escape closes."""

    def __init__(
        self, parent: QWidget | None, pictures: Sequence[tuple[Path, str]], place: int, background: Background
    ) -> None:
        super().__init__(parent)
        self.setObjectName("pictureSheet")
        self.setWindowTitle("Picture")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(760, 720)
        self._pictures = list(pictures)
        self._place = place
        self._background = background
        self._canvas = PictureCanvas("The picture cannot be read.")
        self._canvas.setObjectName("pictureSheet.canvas")
        self._canvas.setAccessibleName("Picture")
        self._words = ElidedLabel(role="muted")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(
            IconButton("chevron-left", "The one before", name="pictureSheet.previous", on_click=lambda: self.go(-1))
        )
        row.addWidget(
            IconButton("chevron-right", "The next one", name="pictureSheet.next", on_click=lambda: self.go(1))
        )
        row.addWidget(self._words, 1)
        row.addWidget(QuietButton("Close", name="pictureSheet.close", on_click=self.close))
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 18, 18, 16)
        column.setSpacing(12)
        column.addWidget(self._canvas, 1)
        column.addLayout(row)
        self._show()

    def go(self, by: int) -> None:
        """Show another one."""
        self._place = (self._place + by) % len(self._pictures)
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Left and Right go through the pictures."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.go(step)

    def _show(self) -> None:
        path, words = self._pictures[self._place]
        self._words.setText(words)
        read_for(self._background, self._canvas, path, 0, self._canvas.set_image)
