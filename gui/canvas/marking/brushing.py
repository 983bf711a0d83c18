"""The brush and the eraser. What is under way is drawn in the view's own pixels, however large the picture is."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen

from gui.canvas.frame import Frame
from gui.canvas.marking import stroke as strokes
from gui.canvas.marking.stroke import Stroke
from gui.canvas.marking.tool import Ground, Touch, view_point

LEAST, MOST = 1.0, 2000.0
_STEP = 1.25
_SPACING_VIEW_PX = 1.5


class BrushTool(QObject):
    """Paints, or takes away with `erase` (and the other way round while the pointer is held the other way).

    Signals:
        stroked: a finished `Stroke`.
        sized: the brush has another diameter, in pixels of the picture.
    """

    stroked = Signal(object)
    sized = Signal(float)
    cursor = Qt.CursorShape.BlankCursor
    drags = False

    def __init__(self, ground: Ground, parent: QObject | None = None, *, erase: bool = False) -> None:
        super().__init__(parent)
        self._ground = ground
        self._erase = erase
        self.diameter = 20.0
        self.colour = QColor(255, 255, 255)
        self._points: list[tuple[float, float]] = []
        self._erasing = erase
        self._at: Touch | None = None
        self._layer = QImage()
        self._drawn_for: Frame | None = None
        self._bare = QImage()
        self._waits = False

    def set_diameter(self, diameter: float) -> None:
        """Another size, in pixels of the picture."""
        diameter = min(max(diameter, LEAST), MOST)
        if diameter != self.diameter:
            self.diameter = diameter
            self.sized.emit(diameter)
            self._ground.update()

    def press(self, touch: Touch) -> None:
        """Begin a stroke."""
        self._erasing = self._erase != touch.away
        self._points = [(touch.x, touch.y)]
        self._waits, self._drawn_for = False, None
        self._at = touch
        self._ground.update()

    def move(self, touch: Touch, *, held: bool) -> None:
        """Go on with it."""
        self._at = touch
        if held and self._points and not self._waits:
            last = self._points[-1]
            far = max(abs(touch.x - last[0]), abs(touch.y - last[1])) * self._ground.frame.scale
            if far >= _SPACING_VIEW_PX:
                self._points.append((touch.x, touch.y))
                if self._drawn_for == self._ground.frame:
                    self._draw_points(len(self._points) - 2)
        self._ground.update()

    def release(self, touch: Touch) -> None:  # noqa: ARG002 - the shape of a tool
        """The stroke is finished; it stays in view until `settle`, so that nothing flickers while it is worked in."""
        if self._points and not self._waits:
            self._waits = True
            self.stroked.emit(Stroke(tuple(self._points), self.diameter, self._erasing))

    def settle(self) -> None:
        """The last stroke is part of its mask now."""
        if self._waits:
            self.drop()

    def leave(self) -> None:
        """The pointer is elsewhere."""
        self._at = None
        self._ground.update()

    def key(self, key: Qt.Key) -> bool:
        """Square brackets change the size."""
        factor = {Qt.Key.Key_BracketLeft: 1 / _STEP, Qt.Key.Key_BracketRight: _STEP}.get(key)
        if factor is None:
            return False
        self.set_diameter(self.diameter * factor)
        return True

    def drop(self) -> bool:
        """Forget the stroke."""
        begun = bool(self._points)
        self._points, self._drawn_for, self._waits = [], None, False
        self._ground.update()
        return begun

    def paint(self, painter: QPainter, ground: Ground) -> None:
        """Draw the stroke under way, and the brush itself."""
        if self._points:
            if self._drawn_for != ground.frame:
                self._begin_layer(ground)
            painter.save()
            painter.setOpacity(1.0 if self._erasing else 0.55)
            painter.drawImage(QPointF(0, 0), self._layer)
            painter.restore()
        if self._at is not None:
            self._draw_brush(painter, ground.frame, self._at)

    def _begin_layer(self, ground: Ground) -> None:
        self._bare = ground.bare()
        self._layer = QImage(self._bare.size(), QImage.Format.Format_ARGB32_Premultiplied)
        self._layer.setDevicePixelRatio(self._bare.devicePixelRatio())
        self._layer.fill(Qt.GlobalColor.transparent)
        self._drawn_for = ground.frame
        self._draw_points(0)

    def _draw_points(self, first: int) -> None:
        frame = self._ground.frame
        # Taking away is drawn with the picture itself, as it looks with nothing on it.
        brush = QBrush(self._bare) if self._erasing else QBrush(self.colour)
        points = tuple(frame.to_view(x, y) for x, y in self._points[max(first, 0) :])
        with QPainter(self._layer) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            strokes.draw(painter, points, QPen(brush, max(self.diameter * frame.scale, 1.0)))

    def _draw_brush(self, painter: QPainter, frame: Frame, touch: Touch) -> None:
        middle, radius = view_point(frame, touch.x, touch.y), max(self.diameter * frame.scale / 2, 2.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, more in ((QColor(12, 22, 30, 170), 1.0), (QColor(255, 255, 255), 0.0)):
            painter.setPen(QPen(colour, 1.2))
            painter.drawEllipse(middle, radius + more, radius + more)
        if self._erase:
            painter.drawLine(middle - QPointF(3, 0), middle + QPointF(3, 0))
