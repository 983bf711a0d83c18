"""A box for a whole number that the mouse wheel does not change by accident."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QSpinBox, QWidget

_LEFT_PX = 8


class NumberBox(QSpinBox):
    """Tells its value when the typing is over, not with every digit."""

    def __init__(self, least: int, most: int, *, name: str, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(words)
        self.setRange(least, most)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # The style sheet's padding does not reach the field inside the box.
        self.lineEdit().setTextMargins(_LEFT_PX, 0, 0, 0)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """The wheel scrolls the page."""
        event.ignore()
