"""One picture, large: fitted to its space, zoomed with the wheel or `+` and `-`, moved by dragging or with the arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.canvas.frame import Frame

RADIUS = 10.0
_PILL = QColor(12, 22, 30, 205)
_STEP = 1.25
_NUDGE = 40.0


class PictureCanvas(QWidget):
    """Shows a QImage that was read elsewhere; a null image shows the empty words."""

    zoomed = Signal(float)

    def __init__(self, empty: str = "") -> None:
        super().__init__()
        self.empty = empty
        self.frame = Frame()
        self.pixmap = QPixmap()
        self._grip: QPointF | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_image(self, image: QImage) -> None:
        """Show another picture; zoom and place stay when its shape is the same."""
        self.pixmap = QPixmap.fromImage(image)
        self.look(self.frame.showing(image.width(), image.height()))

    def look(self, frame: Frame) -> None:
        """Show the picture as `frame` says."""
        changed = frame.zoom != self.frame.zoom
        self.frame = frame
        self.update()
        if changed:
            self.zoomed.emit(frame.zoom)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the picture, or the words for none."""
        painter = start(self)
        if self.pixmap.isNull():
            draw_empty(painter, self, self.empty)
        else:
            painter.drawPixmap(QRectF(*self.frame.rect), self.pixmap, QRectF(self.pixmap.rect()))
        draw_focus(painter, self)
        painter.end()

    def resizeEvent(self, _event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the look in the new size."""
        self.frame = self.frame.resized(self.width(), self.height())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Zoom around the pointer."""
        turns = event.angleDelta().y() / 120
        if turns:
            at = event.position()
            self.look(self.frame.zoomed(_STEP**turns, at.x(), at.y()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take hold of the picture."""
        if event.button() in {Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton}:
            self._grip = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Drag it."""
        if self._grip is not None:
            delta = event.position() - self._grip
            self._grip = event.position()
            self.look(self.frame.moved(delta.x(), delta.y()))

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        self._grip = None

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Fit again."""
        self.look(self.frame.fitted())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """`+`, `-`, `0` zoom; arrows move."""
        if not look_by_key(self, event.key()):
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Repaint with the new colours."""
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)


def zoom_by_key(frame: Frame, key: int) -> Frame | None:
    """The frame after a zoom key, or None when `key` is none."""
    middle = (frame.view_w / 2, frame.view_h / 2)
    if key in {Qt.Key.Key_Plus, Qt.Key.Key_Equal}:
        return frame.zoomed(_STEP, *middle)
    if key == Qt.Key.Key_Minus:
        return frame.zoomed(1 / _STEP, *middle)
    if key == Qt.Key.Key_0:
        return frame.fitted()
    return None


def look_by_key(canvas: PictureCanvas, key: int) -> bool:
    """Zoom or move by a key; whether it was one of those."""
    frame = zoom_by_key(canvas.frame, key)
    moves = {
        Qt.Key.Key_Left: (_NUDGE, 0.0),
        Qt.Key.Key_Right: (-_NUDGE, 0.0),
        Qt.Key.Key_Up: (0.0, _NUDGE),
        Qt.Key.Key_Down: (0.0, -_NUDGE),
    }
    if frame is None and key in moves and canvas.frame.zoom > 1:
        frame = canvas.frame.moved(*moves[Qt.Key(key)])
    if frame is None:
        return False
    canvas.look(frame)
    return True


def start(widget: QWidget) -> QPainter:
    """A painter on a rounded, field-coloured ground that clips what follows."""
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    path = QPainterPath()
    path.addRoundedRect(QRectF(widget.rect()), RADIUS, RADIUS)
    painter.fillPath(path, widget.palette().alternateBase())
    painter.setClipPath(path)
    return painter


def draw_empty(painter: QPainter, widget: QWidget, words: str) -> None:
    """Quiet words in the middle."""
    painter.setPen(widget.palette().placeholderText().color())
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(QRectF(widget.rect()).adjusted(24, 24, -24, -24), int(flags), words)


def draw_focus(painter: QPainter, widget: QWidget) -> None:
    """A thin ring where the keyboard is."""
    if widget.hasFocus():
        painter.setPen(QPen(widget.palette().highlight().color(), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(widget.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)


def draw_pill(painter: QPainter, text: str, area: QRectF, *, right: bool = False, foot: bool = False) -> None:
    """A label on dark ground in a corner of `area` (the upper left one), readable on any picture; elided where the area is narrow."""
    if not text or area.width() < 60:
        return
    metrics = QFontMetricsF(painter.font())
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width() - 48)
    width, height = metrics.horizontalAdvance(text) + 22, metrics.height() + 10
    left = area.right() - width - 12 if right else area.left() + 12
    pill = QRectF(left, area.bottom() - 12 - height if foot else area.top() + 12, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PILL)
    painter.drawRoundedRect(pill, height / 2, height / 2)
    painter.setPen(QColor(255, 255, 255))
    painter.drawText(pill, int(Qt.AlignmentFlag.AlignCenter), text)
