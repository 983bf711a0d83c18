"""The marking canvas: a picture, the masks on it, and the tool in hand.

What seldom changes (picture and masks) is drawn once for each look at it and kept; what follows the pointer is drawn over that.
The wheel zooms, the middle button or Space with the left one moves, `+`, `-` and `0` zoom; everything else is the tool's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.canvas.frame import Frame
from gui.canvas.marking.boxing import draw_box
from gui.canvas.marking.piece import Look, Piece
from gui.canvas.marking.pyramid import Pyramid
from gui.canvas.marking.tool import Tool, Touch, view_point
from gui.canvas.picture import draw_empty, draw_focus, draw_pill, start, zoom_by_key

_STEP = 1.25
_NUDGE = 60.0
_POINT_PX = 5.5
_ARROWS = {
    Qt.Key.Key_Left: (_NUDGE, 0.0),
    Qt.Key.Key_Right: (-_NUDGE, 0.0),
    Qt.Key.Key_Up: (0.0, _NUDGE),
    Qt.Key.Key_Down: (0.0, -_NUDGE),
}


@dataclass(frozen=True)
class Shown:
    """One mask and how it looks."""

    piece: Piece
    look: Look


@dataclass(frozen=True)
class Points:
    """What was pointed at so far: clicks (x, y, whether it belongs to the object) and a box, in pixels of the picture."""

    clicks: tuple[tuple[float, float, bool], ...] = ()
    box: tuple[float, float, float, float] | None = None


class MarkingCanvas(QWidget):
    """Shows what it is given and tells its tool of the pointer.

    Attributes:
        keyed: called with a key that neither the tool nor the canvas has a use for; True when it was used.
        stepped: called before an undo (True) or a redo (False) of the window: True when there was something smaller to take back.
        tabbed: called with the Tab key's direction (True is forwards); True when it was used.

    Signals:
        zoomed: the picture is shown larger or smaller.
    """

    zoomed = Signal(float)

    def __init__(self, empty: str = "") -> None:
        super().__init__()
        self.empty, self.words = empty, ""
        self.tool: Tool | None = None
        self.keyed: Callable[[QKeyEvent], bool] = lambda _event: False
        self.stepped: Callable[[bool], bool] = lambda _back: False
        self.tabbed: Callable[[bool], bool] = lambda _forwards: False
        self._frame = Frame()
        self._pyramid: Pyramid | None = None
        self._pieces: tuple[Shown, ...] = ()
        self._over: tuple[Shown, ...] = ()
        self._points = Points()
        self._kept = QImage()
        self._held = False
        self._grip: QPointF | None = None
        self._space = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def frame(self) -> Frame:
        """Where the picture lies in the view."""
        return self._frame

    def set_pyramid(self, pyramid: Pyramid | None) -> None:
        """Show another picture, fitted; None shows the empty words."""
        self._pyramid = pyramid
        size = (pyramid.width, pyramid.height) if pyramid is not None else (0, 0)
        self.look(Frame(self.width(), self.height(), *size))

    def set_tool(self, tool: Tool) -> None:
        """Take another tool in hand; what the last one had under way is forgotten."""
        if self.tool is not None and self.tool is not tool:
            self.tool.drop()
            self.tool.leave()
        self.tool = tool
        self._show_cursor()
        self.update()

    def set_pieces(self, pieces: Sequence[Shown]) -> None:
        """Show these masks, the last one on top."""
        self._pieces = tuple(pieces)
        self._renew()

    def set_over(self, pieces: Sequence[Shown]) -> None:
        """Show these masks above all others: what follows the pointer, and what was asked for."""
        self._over = tuple(pieces)
        self.update()

    def set_points(self, points: Points) -> None:
        """Show clicks and a box."""
        self._points = points
        self.update()

    def set_words(self, words: str) -> None:
        """Say something at the foot."""
        if words != self.words:
            self.words = words
            self.update()

    def look(self, frame: Frame) -> None:
        """Show the picture as `frame` says."""
        changed = frame.scale != self._frame.scale
        self._frame = frame
        self._renew()
        if changed:
            self.zoomed.emit(frame.zoom)

    def bare(self) -> QImage:
        """The view with the picture and nothing on it."""
        return self._drawn(())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw all of it."""
        painter = start(self)
        if self._pyramid is None:
            draw_empty(painter, self, self.empty)
        else:
            if self._kept.isNull():
                self._kept = self._drawn(self._pieces)
            painter.drawImage(QPointF(0, 0), self._kept)
            for shown in self._over:
                shown.piece.draw(painter, self._frame, self.devicePixelRatioF(), shown.look)
            self._draw_points(painter)
            if self.tool is not None:
                self.tool.paint(painter, self)
            draw_pill(painter, self.words, QRectF(self.rect()), foot=True)
        draw_focus(painter, self)
        painter.end()

    def resizeEvent(self, _event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the look in the new size."""
        self.look(self._frame.resized(self.width(), self.height()))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Zoom around the pointer."""
        turns = event.angleDelta().y() / 120
        if turns:
            at = event.position()
            self.look(self._frame.zoomed(_STEP**turns, at.x(), at.y()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take hold of the picture, or use the tool."""
        left, right = event.button() == Qt.MouseButton.LeftButton, event.button() == Qt.MouseButton.RightButton
        if self._pyramid is None or self.tool is None:
            return
        if event.button() == Qt.MouseButton.MiddleButton or (left and self._space):
            self._grip = event.position()
            self._show_cursor()
        elif left or right:
            if left and self.tool.drags:
                self._grip = event.position()
            self._held = True
            self.tool.press(self._touch(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Move the picture, or the tool."""
        if self._grip is not None:
            delta = event.position() - self._grip
            self._grip = event.position()
            self.look(self._frame.moved(delta.x(), delta.y()))
        elif self.tool is not None and self._pyramid is not None:
            self.tool.move(self._touch(event), held=self._held)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        self._grip = None
        if self._held and self.tool is not None:
            self._held = False
            self.tool.release(self._touch(event))
        self._show_cursor()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """The pointer is elsewhere."""
        super().leaveEvent(event)
        if self.tool is not None:
            self.tool.leave()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """The tool comes first, then moving and zooming, then whatever else keys do here."""
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = True
            self._show_cursor()
        elif key == Qt.Key.Key_Escape and self.tool is not None and self.tool.drop():
            return
        elif not ((self.tool is not None and self.tool.key(key)) or self._move_by_key(key) or self.keyed(event)):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Space was let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._show_cursor()
        super().keyReleaseEvent(event)

    def focusNextPrevChild(self, forwards: bool) -> bool:  # noqa: N802 - Qt's name
        """Tab may have something to do here before it leads on."""
        return self.tabbed(forwards) or super().focusNextPrevChild(forwards)

    def event(self, event: QEvent) -> bool:
        """Undo and redo belong to what is under way here, as long as there is something."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            for standard, back in ((QKeySequence.StandardKey.Undo, True), (QKeySequence.StandardKey.Redo, False)):
                if event.matches(standard) and self.stepped(back):
                    event.accept()
                    return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Draw anew in other colours."""
        if event.type() == QEvent.Type.PaletteChange:
            self._renew()
        super().changeEvent(event)

    def _touch(self, event: QMouseEvent) -> Touch:
        x, y = self._frame.to_picture(event.position().x(), event.position().y())
        keys = event.modifiers()
        right = event.button() == Qt.MouseButton.RightButton or bool(event.buttons() & Qt.MouseButton.RightButton)
        more = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        return Touch(x, y, right or bool(keys & Qt.KeyboardModifier.AltModifier), bool(keys & more))

    def _move_by_key(self, key: Qt.Key) -> bool:
        frame = zoom_by_key(self._frame, key)
        if frame is None and key in _ARROWS and self._frame.zoom > 1:
            frame = self._frame.moved(*_ARROWS[key])
        if frame is None:
            return False
        self.look(frame)
        return True

    def _show_cursor(self) -> None:
        if self._grip is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.setCursor(self.tool.cursor if self.tool is not None else Qt.CursorShape.ArrowCursor)

    def _renew(self) -> None:
        self._kept = QImage()
        self.update()

    def _drawn(self, pieces: Sequence[Shown]) -> QImage:
        ratio = self.devicePixelRatioF()
        image = QImage(round(self.width() * ratio), round(self.height() * ratio), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(self.palette().alternateBase().color())
        with QPainter(image) as painter:
            if self._pyramid is not None:
                self._pyramid.draw(painter, self._frame, ratio)
            for shown in pieces:
                shown.piece.draw(painter, self._frame, ratio, shown.look)
        return image

    def _draw_points(self, painter: QPainter) -> None:
        if self._points.box is not None:
            left, top, right, bottom = self._points.box
            draw_box(painter, QRectF(view_point(self._frame, left, top), view_point(self._frame, right, bottom)))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for x, y, inside in self._points.clicks:
            middle = view_point(self._frame, x, y)
            painter.setPen(QPen(QColor(255, 255, 255), 2))
            painter.setBrush(QColor("#2CC4B1" if inside else "#D9503C"))
            painter.drawEllipse(middle, _POINT_PX, _POINT_PX)
            painter.setPen(QPen(QColor(255, 255, 255), 1.6))
            painter.drawLine(middle - QPointF(2.4, 0), middle + QPointF(2.4, 0))
            if inside:
                painter.drawLine(middle - QPointF(0, 2.4), middle + QPointF(0, 2.4))
