"""Clicks: this belongs to the object, that does not; and the place that the pointer rests on, for a preview."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QPainter

from gui.canvas.marking.tool import Ground, Touch


class ClickTool(QObject):
    """Tells of clicks.

    Signals:
        clicked: (x, y, whether it belongs to the object).
        hovered: (x, y), every time the pointer moves.
        left: the pointer is elsewhere.
    """

    clicked = Signal(float, float, bool)
    hovered = Signal(float, float)
    left = Signal()
    cursor = Qt.CursorShape.CrossCursor
    drags = False

    def __init__(self, parent: QObject | None = None, *, inside: bool = True) -> None:
        """With `inside` false a plain click says that the place does not belong to the object."""
        super().__init__(parent)
        self._inside = inside

    def press(self, touch: Touch) -> None:
        """One click."""
        self.clicked.emit(touch.x, touch.y, self._inside != touch.away)

    def move(self, touch: Touch, *, held: bool) -> None:
        """Somebody wonders what a click here would give."""
        if not held:
            self.hovered.emit(touch.x, touch.y)

    def release(self, touch: Touch) -> None:
        """A click counts when the button goes down."""

    def leave(self) -> None:
        """Nobody wonders any more."""
        self.left.emit()

    def key(self, key: Qt.Key) -> bool:  # noqa: ARG002 - the shape of a tool
        """No keys of its own."""
        return False

    def drop(self) -> bool:
        """Nothing is ever under way."""
        return False

    def paint(self, painter: QPainter, ground: Ground) -> None:
        """Nothing of its own to draw."""
