"""Choosing among what is marked already; holding the button down moves the picture."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QPainter

from gui.canvas.marking.tool import Ground, Touch


class PickTool(QObject):
    """Tells what was pointed at.

    Signals:
        picked: a `Touch` where the button went down.
        hovered: (x, y), every time the pointer moves.
        left: the pointer is elsewhere.
    """

    picked = Signal(object)
    hovered = Signal(float, float)
    left = Signal()
    cursor = Qt.CursorShape.ArrowCursor
    drags = True

    def press(self, touch: Touch) -> None:
        """Choose what is here."""
        self.picked.emit(touch)

    def move(self, touch: Touch, *, held: bool) -> None:
        """The pointer passes over something."""
        if not held:
            self.hovered.emit(touch.x, touch.y)

    def release(self, touch: Touch) -> None:
        """It was chosen when the button went down."""

    def leave(self) -> None:
        """The pointer is over nothing."""
        self.left.emit()

    def key(self, key: Qt.Key) -> bool:  # noqa: ARG002 - the shape of a tool
        """No keys of its own."""
        return False

    def drop(self) -> bool:
        """Nothing is ever under way."""
        return False

    def paint(self, painter: QPainter, ground: Ground) -> None:
        """Nothing of its own to draw."""
