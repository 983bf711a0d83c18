"""Two pictures of the same thing laid over each other: a slider, side by side, blinking, or their difference.

Keyboard: Left and Right move the divider (with Shift in larger steps), Home and End push it to a side, Space swaps while blinking, `+`,
`-` and `0` zoom both pictures together.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.canvas.frame import Frame
from gui.canvas.picture import draw_empty, draw_focus, draw_pill, start, zoom_by_key
from gui.canvas.pixels import difference

Mode = Literal["slider", "side", "blink", "difference"]
_BLINK_MS = 700
_KNOB = 17.0
_GAP = 10.0


class CompareView(QWidget):
    """Shows "before" and "after" QImages that were read elsewhere."""

    split_changed = Signal(float)

    def __init__(self, empty: str = "") -> None:
        super().__init__()
        self.empty = empty
        self.frame = Frame()
        self.mode: Mode = "slider"
        self.split = 0.5
        self.before_words, self.after_words = "Before", "After"
        self._before, self._after = QImage(), QImage()
        self._pixmaps: tuple[QPixmap, QPixmap, QPixmap] = (QPixmap(), QPixmap(), QPixmap())
        self._second = False
        self._grip: QPointF | None = None
        self._sliding = False
        self._painters = {
            "slider": self._paint_slider,
            "side": self._paint_side,
            "blink": self._paint_blink,
            "difference": self._paint_difference,
        }
        self._blink = QTimer(self)
        self._blink.setInterval(_BLINK_MS)
        self._blink.timeout.connect(self.swap)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_before(self, image: QImage) -> None:
        """Show a picture of the base model; a null image clears it."""
        self._before = image
        self._renew()

    def set_after(self, image: QImage) -> None:
        """Show a picture with the adapter; a null image clears it."""
        self._after = image
        self._renew()

    def set_words(self, before: str, after: str) -> None:
        """Name the two sides."""
        self.before_words, self.after_words = before, after
        self.update()

    def set_mode(self, mode: Mode) -> None:
        """Choose how the two are shown."""
        self.mode = mode
        self._pace()
        self._arrange()

    def set_split(self, split: float) -> None:
        """Move the divider: 0 shows only "after", 1 only "before"."""
        split = min(max(split, 0.0), 1.0)
        if split != self.split:
            self.split = split
            self.split_changed.emit(split)
            self.update()

    def swap(self) -> None:
        """Show the other picture (blinking)."""
        self._second = not self._second
        self.update()

    def complete(self) -> bool:
        """Whether both pictures are there."""
        return not self._before.isNull() and not self._after.isNull()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw as the mode says."""
        painter = start(self)
        before, after, _changed = self._pixmaps
        if before.isNull() and after.isNull():
            draw_empty(painter, self, self.empty)
        else:
            self._painters[self.mode](painter)
        draw_focus(painter, self)
        painter.end()

    def _paint_slider(self, painter: QPainter) -> None:
        picture = QRectF(*self.frame.rect)
        seen = picture.intersected(QRectF(self.rect()))
        edge = self._edge()
        left = QRectF(0, 0, edge, self.height())
        right = QRectF(edge, 0, self.width() - edge, self.height())
        for side, pixmap in ((left, self._pixmaps[0]), (right, self._pixmaps[1])):
            painter.save()
            painter.setClipRect(side, Qt.ClipOperation.IntersectClip)
            _draw(painter, picture, pixmap)
            painter.restore()
        draw_pill(painter, self.before_words, seen.intersected(left))
        draw_pill(painter, self.after_words, seen.intersected(right), right=True)
        _draw_divider(painter, edge, seen)

    def _paint_side(self, painter: QPainter) -> None:
        half = (self.width() - _GAP) / 2
        for number, words in ((0, self.before_words), (1, self.after_words)):
            area = QRectF(number * (half + _GAP), 0, half, self.height())
            painter.save()
            painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
            picture = QRectF(*self.frame.rect).translated(area.left(), 0)
            _draw(painter, picture, self._pixmaps[number])
            draw_pill(painter, words, picture.intersected(area))
            painter.restore()

    def _paint_blink(self, painter: QPainter) -> None:
        picture = QRectF(*self.frame.rect)
        _draw(painter, picture, self._pixmaps[1 if self._second else 0])
        words = self.after_words if self._second else self.before_words
        draw_pill(painter, words, picture.intersected(QRectF(self.rect())))

    def _paint_difference(self, painter: QPainter) -> None:
        picture = QRectF(*self.frame.rect)
        if self._pixmaps[2].isNull() and self.complete():
            self._pixmaps = (*self._pixmaps[:2], QPixmap.fromImage(difference(self._before, self._after)))
        if self._pixmaps[2].isNull():
            draw_empty(painter, self, "Both pictures are needed to show what changed.")
            return
        _draw(painter, picture, self._pixmaps[2])
        draw_pill(painter, "What changed, four times as strong", picture.intersected(QRectF(self.rect())))

    def resizeEvent(self, _event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the look in the new size."""
        self._arrange()

    def showEvent(self, _event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Blink only while somebody can see it."""
        self._pace()

    def hideEvent(self, _event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Rest."""
        self._blink.stop()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take hold of the divider (anywhere, while fitted) or of a zoomed picture."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at = event.position()
        near = abs(at.x() - self._edge()) <= _KNOB
        self._sliding = self.mode == "slider" and (near or self.frame.zoom == 1.0)
        self._grip = at
        if self._sliding:
            self._slide_to(at.x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Slide or drag."""
        at = event.position()
        if self._sliding:
            self._slide_to(at.x())
        elif self._grip is not None:
            delta = at - self._grip
            self._grip = at
            self._look(self.frame.moved(delta.x(), delta.y()))
        near = self.mode == "slider" and abs(at.x() - self._edge()) <= _KNOB
        self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        self._sliding, self._grip = False, None

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Fit again."""
        self._look(self.frame.fitted())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Zoom both pictures around the pointer."""
        turns = event.angleDelta().y() / 120
        if turns:
            at = event.position()
            x = at.x() % (self.frame.view_w + _GAP) if self.mode == "side" else at.x()
            self._look(self.frame.zoomed(1.25**turns, x, at.y()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """See the module's words."""
        step = 0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.02
        key = event.key()
        frame = zoom_by_key(self.frame, key)
        if frame is not None:
            self._look(frame)
        elif self.mode == "blink" and key == Qt.Key.Key_Space:
            self.swap()
            self._blink.stop()
        elif self.mode == "slider" and key in {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End}:
            moves = {Qt.Key.Key_Left: self.split - step, Qt.Key.Key_Right: self.split + step, Qt.Key.Key_Home: 0.0}
            self.set_split(moves.get(Qt.Key(key), 1.0))
        else:
            super().keyPressEvent(event)

    def _edge(self) -> float:
        left, _top, width, _height = self.frame.rect
        seen_left, seen_right = max(left, 0.0), min(left + width, float(self.width()))
        return seen_left + (seen_right - seen_left) * self.split

    def _slide_to(self, x: float) -> None:
        left, _top, width, _height = self.frame.rect
        seen_left, seen_right = max(left, 0.0), min(left + width, float(self.width()))
        if seen_right > seen_left:
            self.set_split((x - seen_left) / (seen_right - seen_left))

    def _look(self, frame: Frame) -> None:
        self.frame = frame
        self.update()

    def _renew(self) -> None:
        """Pixmaps are made once a picture, not once a paint; what changed only when somebody looks at it."""
        self._pixmaps = (QPixmap.fromImage(self._before), QPixmap.fromImage(self._after), QPixmap())
        shape = self._after if self._before.isNull() else self._before
        self.frame = self.frame.showing(shape.width(), shape.height())
        self._arrange()

    def _arrange(self) -> None:
        width = (self.width() - _GAP) / 2 if self.mode == "side" else self.width()
        self._look(self.frame.resized(width, self.height()))

    def _pace(self) -> None:
        if self.mode == "blink" and self.isVisible():
            self._blink.start()
        else:
            self._blink.stop()


def _draw(painter: QPainter, where: QRectF, pixmap: QPixmap) -> None:
    if not pixmap.isNull():
        painter.drawPixmap(where, pixmap, QRectF(pixmap.rect()))


def _draw_divider(painter: QPainter, edge: float, seen: QRectF) -> None:
    painter.setPen(QPen(QColor(255, 255, 255), 2))
    painter.drawLine(QPointF(edge, seen.top()), QPointF(edge, seen.bottom()))
    centre = QPointF(edge, seen.center().y())
    painter.setPen(QPen(QColor(0, 0, 0, 40), 1))
    painter.setBrush(QColor(255, 255, 255))
    painter.drawEllipse(centre, _KNOB, _KNOB)
    painter.setPen(QPen(QColor(27, 29, 31), 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    for way in (-1, 1):
        tip = QPointF(edge + way * 8, centre.y())
        painter.drawLine(QPointF(edge + way * 2.5, centre.y()), tip)
        painter.drawLine(tip, tip + QPointF(-way * 3.5, -3.5))
        painter.drawLine(tip, tip + QPointF(-way * 3.5, 3.5))
