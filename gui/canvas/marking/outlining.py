"""A polygon, point by point; holding the button down draws freely."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gui.canvas.marking.tool import Ground, Touch, view_point

_CLOSE_VIEW_PX = 9.0
_FREE_VIEW_PX = 6.0


class PolygonTool(QObject):
    """Tells of outlines. Enter or a click on the first point closes one, Backspace takes the last point back.

    Signals:
        outlined: a tuple of (x, y) in pixels of the picture, at least three.
        grown: the number of points is another one.
    """

    outlined = Signal(object)
    grown = Signal(int)
    cursor = Qt.CursorShape.CrossCursor
    drags = False

    def __init__(self, ground: Ground, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ground = ground
        self.colour = QColor(255, 255, 255)
        self._points: list[tuple[float, float]] = []
        self._at: Touch | None = None

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(self._points)

    def press(self, touch: Touch) -> None:
        """Close it at its first point, or add a point."""
        self._at = touch
        if len(self._points) > 2 and self._near(touch, self._points[0]) < _CLOSE_VIEW_PX:
            self.close()
            return
        self._add(touch)

    def move(self, touch: Touch, *, held: bool) -> None:
        """The next line follows; with the button down it is drawn freely."""
        self._at = touch
        if held and self._points and self._near(touch, self._points[-1]) >= _FREE_VIEW_PX:
            self._add(touch)
        self._ground.update()

    def release(self, touch: Touch) -> None:
        """A free line that comes back to where it began is closed."""
        if len(self._points) > 4 and self._near(touch, self._points[0]) < _CLOSE_VIEW_PX:
            self.close()

    def close(self) -> None:
        """Finish it; too few points are kept for more to come."""
        if len(self._points) > 2:
            points = tuple(self._points)
            self._forget()
            self.outlined.emit(points)

    def leave(self) -> None:
        """The next line is not drawn while the pointer is elsewhere."""
        self._at = None
        self._ground.update()

    def key(self, key: Qt.Key) -> bool:
        """Enter closes, Backspace takes back."""
        if key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self._points:
            self.close()
            return True
        return key == Qt.Key.Key_Backspace and self.take_back()

    def take_back(self) -> bool:
        """Take the last point back; whether there was one."""
        if not self._points:
            return False
        self._points.pop()
        self._changed()
        return True

    def drop(self) -> bool:
        """Forget all points."""
        begun = bool(self._points)
        self._forget()
        return begun

    def paint(self, painter: QPainter, ground: Ground) -> None:
        """Draw the lines, the points, and the line to the pointer."""
        if not self._points:
            return
        points = [view_point(ground.frame, x, y) for x, y in self._points]
        tip = [view_point(ground.frame, self._at.x, self._at.y)] if self._at is not None else []
        fill = QColor(self.colour)
        fill.setAlphaF(0.25)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF([*points, *tip]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(QColor(12, 22, 30, 160), 3), QPen(QColor(255, 255, 255), 1.5)):
            painter.setPen(pen)
            painter.drawPolyline(QPolygonF([*points, *tip]))
        painter.setPen(QPen(QColor(12, 22, 30), 1))
        for number, point in enumerate(points):
            painter.setBrush(self.colour if number == 0 else QColor(255, 255, 255))
            size = 5.0 if number == 0 else 3.0
            painter.drawEllipse(point, size, size)

    def _add(self, touch: Touch) -> None:
        self._points.append((touch.x, touch.y))
        self._changed()

    def _forget(self) -> None:
        self._points.clear()
        self._changed()

    def _changed(self) -> None:
        self.grown.emit(len(self._points))
        self._ground.update()

    def _near(self, touch: Touch, point: tuple[float, float]) -> float:
        """Distance in pixels of the view."""
        one, other = view_point(self._ground.frame, touch.x, touch.y), view_point(self._ground.frame, *point)
        between: QPointF = one - other
        return math.hypot(between.x(), between.y())
