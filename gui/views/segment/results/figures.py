"""The figures before and after as a small table, with the sentence that says what they mean."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from gui.views.segment.results.report import Report, Row, Way
from gui.views.train.words import plural
from gui.widgets.card import Card, separator
from gui.widgets.segmented import Segmented
from gui.widgets.text import ElidedLabel, Label

_SPLITS = {
    "test": "kept for the figures",
    "validation": "watched, not learned from",
    "train": "that were learned from, so this flatters",
}
_FEW = 5


class FiguresCard(Card):
    """Shows one way to ask at a time.

    Signals:
        way_changed: another way to ask; carries its key.
    """

    way_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__("Before and after", name="segment.figures")
        self._report: Report | None = None
        self._chooser: Segmented | None = None
        self._sentence = Label(wrap=True)
        self._about = Label(role="small", wrap=True)
        self._table = QWidget()
        self.body.addWidget(self._sentence)
        self.body.addWidget(self._about)
        self.body.addWidget(self._table)

    @property
    def way(self) -> str:
        """The way on show."""
        return self._chooser.value if self._chooser is not None else ""

    def show_report(self, report: Report) -> None:
        """Show another report."""
        self._report = report
        if self._chooser is not None:
            self._chooser.hide()
            self._chooser.deleteLater()
        options = [(way.key, way.title) for way in report.ways]
        self._chooser = Segmented(options, name="segment.figures.way", label="How the models were asked")
        self._chooser.setVisible(False)
        self._chooser.changed.connect(self._choose)
        self.body.insertWidget(1, self._chooser)
        self._chooser.setVisible(len(options) > 1)
        if options:
            self._choose(options[0][0])

    def _choose(self, key: str) -> None:
        way = self._report.way(key) if self._report is not None else None
        if way is None or self._report is None:
            return
        self._sentence.setText(in_words(way))
        few = " With so few, the figures are rough." if self._report.pictures < _FEW else ""
        part = _SPLITS.get(self._report.split, "")
        self._about.setText(f"Measured on {plural(self._report.pictures, 'picture')} {part}.{few}")
        self._draw(way.rows)
        self.way_changed.emit(key)

    def _draw(self, rows: tuple[Row, ...]) -> None:
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(7)
        grid.setColumnStretch(0, 1)
        for column, words in ((1, "plain"), (2, "adapted")):
            grid.addWidget(Label(words, role="small"), 0, column, Qt.AlignmentFlag.AlignRight)
        for number, row in enumerate(rows):
            line = 2 * number + 1
            grid.addWidget(separator(), line, 0, 1, 4)
            grid.addWidget(ElidedLabel(row.title), line + 1, 0)
            before = Label(row.words[0] or _figure(row.before), role="muted")
            after = Label(row.words[1] or _figure(row.after), role="strong")
            grid.addWidget(before, line + 1, 1, Qt.AlignmentFlag.AlignRight)
            grid.addWidget(after, line + 1, 2, Qt.AlignmentFlag.AlignRight)
            spread = f"± {_figure(row.spread)}" if row.spread is not None else ""
            grid.addWidget(Label(spread, role="small"), line + 1, 3)
        self.body.replaceWidget(self._table, fresh)
        self._table.hide()
        self._table.deleteLater()
        self._table = fresh


def in_words(way: Way) -> str:
    """What the figures of one way say, in a sentence."""
    if not way.rows:
        return "Nothing could be measured this way."
    first = way.rows[0]
    moved = f"from {_figure(first.before)} to {_figure(first.after)}"
    asked = {"click": "With one click", "box": "With a box", "automatic": "Without a click"}.get(way.key, way.title)
    if way.change is not None and way.change[1] <= 0.0 <= way.change[2]:
        return f"{asked}, overlap went {moved}; that may be chance."
    return f"{asked}, overlap {'rose' if first.better else 'fell'} {moved}."


def _figure(value: float) -> str:
    places = 3 if abs(value) < 0.1 else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{places}f}"
