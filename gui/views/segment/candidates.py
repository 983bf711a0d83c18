"""The answers to choose from, small, in the corner of the canvas."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui.canvas.frame import Frame
from gui.canvas.marking.piece import Look
from gui.canvas.marking.pyramid import Pyramid
from gui.theme import tokens as design
from gui.views.segment.questions import Candidate
from gui.widgets.text import set_tip

_WIDTH, _HEIGHT, _GAP, _EDGE = 92, 74, 8, 8
_RADIUS = 8.0
_AROUND = 2.2


class CandidateThumbs(QWidget):
    """Shows candidates, each with its number; hidden while there is nothing to choose.

    Signals:
        chosen: the number of the candidate that was pressed, from 0.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("segment.candidates")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        set_tip(self, "What the model takes it for: Tab or the number changes it")
        self._candidates: tuple[Candidate, ...] = ()
        self._chosen = 0
        self._pyramid: Pyramid | None = None
        self._colour = QColor(255, 255, 255)
        self.hide()

    def show_candidates(
        self, candidates: tuple[Candidate, ...], chosen: int, pyramid: Pyramid | None, colour: QColor
    ) -> None:
        """Show these; fewer than two are no choice."""
        self._candidates, self._chosen, self._pyramid, self._colour = candidates, chosen, pyramid, colour
        shown = len(candidates) > 1 and pyramid is not None
        self.setVisible(shown)
        if shown:
            words = [f"{number + 1}: {candidate.score:.0%} sure" for number, candidate in enumerate(candidates)]
            self.setAccessibleName(f"{len(candidates)} answers, number {chosen + 1} in hand. {', '.join(words)}")
            self.resize(self.sizeHint())
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """All of them side by side."""
        count = max(len(self._candidates), 1)
        return QSize(count * (_WIDTH + _GAP) - _GAP + 2 * _EDGE, _HEIGHT + 2 * _EDGE)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take the one that was pressed."""
        for number in range(len(self._candidates)):
            if self._box(number).contains(event.position()):
                self.chosen.emit(number)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name
        """Draw each with a piece of the picture around it."""
        if self._pyramid is None:
            return
        tokens = design.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.colour("overlay"))
            painter.drawRoundedRect(QRectF(self.rect()), _RADIUS + _EDGE / 2, _RADIUS + _EDGE / 2)
            frame = self._frame(self._pyramid)
            for number, candidate in enumerate(self._candidates):
                self._draw(painter, number, candidate, frame, self._pyramid)

    def _draw(self, painter: QPainter, number: int, candidate: Candidate, frame: Frame, pyramid: Pyramid) -> None:
        box, taken = self._box(number), number == self._chosen
        fill = QColor(self._colour)
        fill.setAlphaF(0.5)
        painter.save()
        path = QPainterPath()
        path.addRoundedRect(box, _RADIUS, _RADIUS)
        painter.setClipPath(path)
        painter.translate(box.topLeft())
        ratio = self.devicePixelRatioF()
        pyramid.draw(painter, frame, ratio)
        candidate.piece.draw(painter, frame, ratio, Look(fill, QColor(255, 255, 255), 1.0))
        painter.restore()
        accent = design.current().colour("accent")
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent if taken else QColor(255, 255, 255, 70), 2.5 if taken else 1.0))
        painter.drawRoundedRect(box, _RADIUS, _RADIUS)
        key = QRectF(box.left() + 5, box.top() + 5, 17, 17)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(12, 22, 30, 205))
        painter.drawRoundedRect(key, 5, 5)
        font = QFont(painter.font())
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(QColor(255, 255, 255))
        painter.drawText(key, Qt.AlignmentFlag.AlignCenter, str(number + 1))

    def _frame(self, pyramid: Pyramid) -> Frame:
        """Where the picture lies in each of the small views: around the candidate of middle size, for the largest may be everything."""
        pieces = sorted((item.piece for item in self._candidates if item.piece.area), key=lambda piece: piece.area)
        frame = Frame(_WIDTH, _HEIGHT, pyramid.width, pyramid.height)
        if not pieces or not frame.scale:
            return frame
        left, top, width, height = pieces[(len(pieces) - 1) // 2].box
        right, bottom = left + width, top + height
        fitting = min(_WIDTH / ((right - left) * _AROUND), _HEIGHT / ((bottom - top) * _AROUND))
        grown = frame.zoomed(max(fitting / frame.scale, 1.0), _WIDTH / 2, _HEIGHT / 2)
        middle = QPointF(*grown.to_view((left + right) / 2, (top + bottom) / 2))
        return grown.moved(_WIDTH / 2 - middle.x(), _HEIGHT / 2 - middle.y())

    def _box(self, number: int) -> QRectF:
        return QRectF(_EDGE + number * (_WIDTH + _GAP), _EDGE, _WIDTH, _HEIGHT)
