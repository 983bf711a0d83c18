"""The damage meter: how far the pictures of every other word went, each with its interval, against what another seed alone does."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from engines.api.erase_report import EraseReport, EraseRow
from gui.theme import tokens as design
from gui.views.erase.results.words import harm
from gui.widgets.card import Card
from gui.widgets.text import Label

_LINE_PX, _WORDS_PX, _FIGURE_PX, _BAR_PX = 22, 92, 40, 6.0
_MOST = 12
_LEAST_SCALE = 0.05


class MeterCard(Card):
    """Shows what else an eraser changed."""

    def __init__(self) -> None:
        super().__init__("What else changed", name="erase.meter", padding=16)
        self._words = Label(wrap=True)
        self._words.setObjectName("erase.harm")
        self._meter = Meter()
        self._foot = Label(role="small", wrap=True)
        for widget in (self._words, self._meter, self._foot):
            self.body.addWidget(widget)
        self.hide()

    def show_report(self, report: EraseReport | None) -> None:
        """Show another report; hidden while there is none."""
        self.setVisible(report is not None)
        if report is None:
            return
        self._words.setText(harm(report))
        rows = [row for row in report.rows if row.group in {"neighbour", "unrelated"} and row.drift is not None]
        self._meter.show_rows(rows[:_MOST], report.another_seed or 0.0)
        self._meter.setVisible(bool(rows))
        seed = " The line at the right is what another seed alone changes." if report.another_seed else ""
        self._foot.setText(f"How far each word's pictures went, with its 95 % interval; 0 is the same picture.{seed}")
        self._foot.setVisible(bool(rows))


class Meter(QWidget):
    """A line for each word: a bar to the mean, a whisker over the interval."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("erase.meter.lines")
        self._rows: tuple[EraseRow, ...] = ()
        self._another = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rows(self, rows: Sequence[EraseRow], another: float) -> None:
        """Show these; `another` is what another seed alone changes, 0 when nobody knows."""
        self._rows, self._another = tuple(rows), another
        told = "; ".join(f"{row.word} {row.drift.mean:.2f}" for row in rows if row.drift is not None)
        self.setAccessibleName(f"How far pictures went: {told}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A line for each word."""
        return QSize(240, max(len(self._rows), 1) * _LINE_PX)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """The same height, narrower."""
        return QSize(180, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the lines."""
        tokens = design.current()
        left, right = _WORDS_PX + 8.0, float(self.width() - _FIGURE_PX - 8)
        highest = max([self._another, _LEAST_SCALE, *(row.drift.high for row in self._rows if row.drift is not None)])
        scale = (right - left) / highest
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self._another:
                x = left + self._another * scale
                painter.setPen(QPen(tokens.colour("muted"), 1.0, Qt.PenStyle.DashLine))
                painter.drawLine(round(x), 2, round(x), self.height() - 2)
            for place, row in enumerate(self._rows):
                self._paint_row(painter, row, place * _LINE_PX, left, right, scale)

    def _paint_row(self, painter: QPainter, row: EraseRow, top: float, left: float, right: float, scale: float) -> None:
        tokens, drift = design.current(), row.drift
        if drift is None:
            return
        middle = top + _LINE_PX / 2
        words = self.fontMetrics().elidedText(row.word, Qt.TextElideMode.ElideRight, _WORDS_PX)
        centred = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(tokens.colour("text"))
        painter.drawText(QRectF(0, top, _WORDS_PX, _LINE_PX), centred | Qt.AlignmentFlag.AlignLeft, words)
        painter.setPen(tokens.colour("muted"))
        figure = QRectF(right + 8, top, _FIGURE_PX, _LINE_PX)
        painter.drawText(figure, centred | Qt.AlignmentFlag.AlignRight, f"{drift.mean:.2f}")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("field_hover"))
        painter.drawRoundedRect(QRectF(left, middle - _BAR_PX / 2, right - left, _BAR_PX), 3, 3)
        painter.setBrush(tokens.colour("accent"))
        painter.drawRoundedRect(QRectF(left, middle - _BAR_PX / 2, max(drift.mean * scale, 2.0), _BAR_PX), 3, 3)
        painter.setPen(QPen(tokens.colour("text"), 1.4))
        low, high = left + drift.low * scale, left + drift.high * scale
        painter.drawLine(round(low), round(middle), round(high), round(middle))
        for end in (low, high):
            painter.drawLine(round(end), round(middle - 4), round(end), round(middle + 4))
