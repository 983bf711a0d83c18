"""A box drawn around an object."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen

from gui.canvas.marking.tool import Ground, Touch, view_point

_LEAST_VIEW_PX = 4.0


class BoxTool(QObject):
    """Tells of boxes.

    Signals:
        boxed: (left, top, right, bottom) in pixels of the picture.
    """

    boxed = Signal(float, float, float, float)
    cursor = Qt.CursorShape.CrossCursor
    drags = False

    def __init__(self, ground: Ground, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ground = ground
        self._corner: Touch | None = None
        self._other: Touch | None = None

    def press(self, touch: Touch) -> None:
        """The first corner."""
        self._corner = self._other = touch

    def move(self, touch: Touch, *, held: bool) -> None:
        """The other corner follows."""
        if held and self._corner is not None:
            self._other = touch
            self._ground.update()

    def release(self, touch: Touch) -> None:
        """A box that is large enough to be meant counts."""
        corner, self._corner, self._other = self._corner, None, None
        self._ground.update()
        if corner is None:
            return
        frame = self._ground.frame
        least = _LEAST_VIEW_PX / max(frame.scale, 1e-9)
        left, right = sorted((corner.x, touch.x))
        top, bottom = sorted((corner.y, touch.y))
        left, top = max(left, 0.0), max(top, 0.0)
        right, bottom = min(right, frame.picture_w), min(bottom, frame.picture_h)
        if right - left >= least and bottom - top >= least:
            self.boxed.emit(left, top, right, bottom)

    def leave(self) -> None:
        """The other corner stays where it was."""

    def key(self, key: Qt.Key) -> bool:  # noqa: ARG002 - the shape of a tool
        """No keys of its own."""
        return False

    def drop(self) -> bool:
        """Forget the box."""
        begun, self._corner, self._other = self._corner is not None, None, None
        self._ground.update()
        return begun

    def paint(self, painter: QPainter, ground: Ground) -> None:
        """Draw the box as it is now."""
        if self._corner is not None and self._other is not None:
            one = view_point(ground.frame, self._corner.x, self._corner.y)
            other = view_point(ground.frame, self._other.x, self._other.y)
            draw_box(painter, QRectF(one, other).normalized())


def draw_box(painter: QPainter, box: QRectF) -> None:
    """A dashed box that shows on light and on dark."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(12, 22, 30, 160), 3))
    painter.drawRect(box)
    painter.setPen(QPen(QColor(255, 255, 255), 1.5, Qt.PenStyle.DashLine))
    painter.drawRect(box)
