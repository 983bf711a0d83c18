"""Boxes that say where things shall be: taken hold of, moved, resized, drawn anew, snapped to what is near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen

from gui.canvas.frame import Frame
from gui.canvas.marking.boxes import LEAST, Box, Grip, between, grip_at, overlap, pulled, snapped
from gui.canvas.marking.tool import Ground, Touch, view_point

_REACH_PX = 8.0
_KNOB_PX = 4.0
_RADIUS_PX = 8.0
_INK = QColor(12, 22, 30, 190)
_PAPER = QColor(255, 255, 255)
_SHARED, _SHARED_TINT = QColor(201, 98, 43, 190), QColor(240, 147, 92, 60)
_KNOBS: tuple[Grip, ...] = ((-1, -1), (0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0))
_CURSORS = {
    (0, 0): Qt.CursorShape.SizeAllCursor,
    (1, 0): Qt.CursorShape.SizeHorCursor,
    (0, 1): Qt.CursorShape.SizeVerCursor,
    (1, 1): Qt.CursorShape.SizeFDiagCursor,
    (1, -1): Qt.CursorShape.SizeBDiagCursor,
}


@dataclass(frozen=True)
class Placed:
    """A thing with its place: a box, or None where it has none or a painted one."""

    name: str
    colour: QColor
    box: Box | None


class PlaceTool(QObject):
    """Holds boxes in shares of the picture, the last one on top; none is changed before it is let go.

    Held the other way (right button, Alt), nothing snaps.

    Signals:
        chosen: the number of the thing that was taken hold of.
        placed: a thing (its number) has another box.
        pointed: the pointer is over something that wants another look of it; `cursor` holds it.
    """

    chosen = Signal(int)
    placed = Signal(int, object)
    pointed = Signal()
    cursor = Qt.CursorShape.CrossCursor
    drags = False

    def __init__(self, ground: Ground, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ground = ground
        self._things: tuple[Placed, ...] = ()
        self._current = -1
        self._held: tuple[Grip, Box, Touch] | None = None
        self._corner: Touch | None = None
        self._now: Box | None = None
        self._lines: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())

    def show_things(self, things: Sequence[Placed], current: int) -> None:
        """Show these, one of them in hand (-1 for none)."""
        self._things, self._current = tuple(things), current
        self._ground.update()

    def grip_under(self, touch: Touch) -> tuple[int, Grip] | None:
        """Which box lies under the pointer and what of it: that in hand first, then the uppermost."""
        x, y = self._share(touch)
        reach_x, reach_y = self._reach()
        order = [self._current, *reversed(range(len(self._things)))]
        for number in order:
            box = self._things[number].box if 0 <= number < len(self._things) else None
            grip = grip_at(box, x, y, reach_x, reach_y) if box is not None else None
            if grip is not None:
                return number, grip
        return None

    def press(self, touch: Touch) -> None:
        """Take hold of a box, or of its corner; beside all of them begin one for the thing in hand."""
        found = self.grip_under(touch)
        self._corner, self._held, self._now = None, None, None
        if found is not None:
            number, grip = found
            box = self._things[number].box
            if box is not None:
                if number != self._current:
                    self._current = number
                    self.chosen.emit(number)
                self._held = (grip, box, touch)
        elif 0 <= self._current < len(self._things):
            self._corner = touch

    def move(self, touch: Touch, *, held: bool) -> None:
        """Pull what is held."""
        if held and self._held is not None:
            grip, box, start = self._held
            x, y = self._share(touch)
            from_x, from_y = self._share(start)
            self._settle(pulled(box, grip, x - from_x, y - from_y), grip, snap=not touch.away)
        elif held and self._corner is not None:
            box = between(*self._share(self._corner), *self._share(touch))
            grip = (1 if touch.x >= self._corner.x else -1, 1 if touch.y >= self._corner.y else -1)
            self._settle(box, grip, snap=not touch.away)
        elif not held:
            self._point(touch)

    def release(self, touch: Touch) -> None:  # noqa: ARG002 - the shape of a tool
        """The box is where it shall be."""
        now, before = self._now, self._held[1] if self._held is not None else None
        self.drop()
        if now is not None and now != before and now[2] - now[0] >= LEAST and now[3] - now[1] >= LEAST:
            self.placed.emit(self._current, now)

    def leave(self) -> None:
        """What is held stays held."""

    def key(self, key: Qt.Key) -> bool:  # noqa: ARG002 - the shape of a tool
        """Keys are the canvas's, since they need to know of Shift and Control."""
        return False

    def drop(self) -> bool:
        """Put the box back where it was."""
        begun = self._held is not None or self._corner is not None
        self._held, self._corner, self._now, self._lines = None, None, None, ((), ())
        self._ground.update()
        return begun

    def paint(self, painter: QPainter, ground: Ground) -> None:
        """Draw all boxes, where they overlap, and the lines the one in hand lies on."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = ground.frame
        boxes = [self._now if n == self._current and self._now else one.box for n, one in enumerate(self._things)]
        _draw_overlaps(painter, frame, [box for box in boxes if box is not None])
        for number, (thing, box) in enumerate(zip(self._things, boxes, strict=True)):
            if box is not None:
                _draw_box(painter, _rect(frame, box), thing, held=number == self._current)
        _draw_lines(painter, frame, self._lines)

    def _point(self, touch: Touch) -> None:
        found = self.grip_under(touch)
        across, down = found[1] if found is not None else (2, 2)
        wanted = _CURSORS.get((across, down), _CURSORS.get((-across, -down), Qt.CursorShape.CrossCursor))
        if wanted != self.cursor:
            self.cursor = wanted
            self.pointed.emit()

    def _settle(self, box: Box, grip: Grip, *, snap: bool) -> None:
        self._lines = ((), ())
        if snap:
            others = [one.box for n, one in enumerate(self._things) if n != self._current and one.box is not None]
            box, upright, level = snapped(box, grip, others, *self._reach())
            self._lines = (upright, level)
        self._now = box
        self._ground.update()

    def _share(self, touch: Touch) -> tuple[float, float]:
        frame = self._ground.frame
        return touch.x / max(frame.picture_w, 1e-9), touch.y / max(frame.picture_h, 1e-9)

    def _reach(self) -> tuple[float, float]:
        _left, _top, width, height = self._ground.frame.rect
        return _REACH_PX / max(width, 1e-9), _REACH_PX / max(height, 1e-9)


def _rect(frame: Frame, box: Box) -> QRectF:
    width, height = frame.picture_w, frame.picture_h
    return QRectF(
        view_point(frame, box[0] * width, box[1] * height), view_point(frame, box[2] * width, box[3] * height)
    )


def _draw_box(painter: QPainter, area: QRectF, thing: Placed, *, held: bool) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_INK, 4.0 if held else 3.0))
    painter.drawRoundedRect(area, _RADIUS_PX, _RADIUS_PX)
    painter.setPen(QPen(thing.colour, 2.4 if held else 1.6))
    painter.drawRoundedRect(area, _RADIUS_PX, _RADIUS_PX)
    _draw_name(painter, area, thing)
    if held:
        painter.setPen(QPen(_INK, 1))
        painter.setBrush(_PAPER)
        for across, down in _KNOBS:
            middle = area.center() + QPointF(across * area.width() / 2, down * area.height() / 2)
            painter.drawEllipse(middle, _KNOB_PX, _KNOB_PX)


def _draw_name(painter: QPainter, area: QRectF, thing: Placed) -> None:
    font = QFont(painter.font())
    font.setPixelSize(12)
    font.setWeight(QFont.Weight.DemiBold)
    painter.save()
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    words = metrics.elidedText(thing.name, Qt.TextElideMode.ElideRight, max(area.width() - 42, 24.0))
    pill = QRectF(area.left() + 6, area.top() + 6, metrics.horizontalAdvance(words) + 28, metrics.height() + 6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_INK)
    painter.drawRoundedRect(pill, 7, 7)
    painter.setBrush(thing.colour)
    painter.drawRoundedRect(QRectF(pill.left() + 8, pill.center().y() - 3, 6, 6), 3, 3)
    painter.setPen(_PAPER)
    painter.drawText(pill.adjusted(18, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), words)
    painter.restore()


def _draw_overlaps(painter: QPainter, frame: Frame, boxes: Sequence[Box]) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            if overlap(one, other) > 0:
                shared = _rect(frame, one).intersected(_rect(frame, other))
                painter.fillRect(shared, _SHARED_TINT)
                painter.fillRect(shared, QBrush(_SHARED, Qt.BrushStyle.BDiagPattern))


def _draw_lines(painter: QPainter, frame: Frame, lines: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    left, top, width, height = frame.rect
    painter.setPen(QPen(_PAPER, 1, Qt.PenStyle.DashLine))
    for x in lines[0]:
        painter.drawLine(QPointF(left + x * width, top), QPointF(left + x * width, top + height))
    for y in lines[1]:
        painter.drawLine(QPointF(left, top + y * height), QPointF(left + width, top + y * height))
