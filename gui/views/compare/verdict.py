"""In a sentence, then in a table: what a measured comparison says, and the button that measures."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from gui.views.compare.report import Report, conditions, rows, sentence
from gui.widgets.buttons import QuietButton
from gui.widgets.card import Card, separator
from gui.widgets.text import Label


class VerdictCard(Card):
    """The sentence; without a report it offers to measure."""

    def __init__(self, on_measure: Callable[[], object]) -> None:
        super().__init__("In a sentence", name="compare.verdict")
        self._words = Label(role="sentence", wrap=True)
        self._words.setObjectName("compare.sentence")
        self._small = Label(role="small", wrap=True)
        self._measure = QuietButton("Measure", name="compare.measure", on_click=on_measure)
        for widget in (self._words, self._small):
            self.body.addWidget(widget)
        self.body.addWidget(self._measure)

    def show_report(self, report: Report | None, *, count: int, photos: int, busy: bool) -> None:
        """Show what was measured, or what measuring would do."""
        if report is not None:
            self._words.setText(sentence(report))
            self._small.setText(conditions(report))
            self._measure.setText("Measure again")
        else:
            against = (
                f"and compares them with {photos} of your photos"
                if photos
                else "and compares how they follow the words"
            )
            self._words.setText("Not measured yet.")
            self._small.setText(
                f"Measuring makes {count} pictures with and {count} without the adapter, from the same seeds, {against}. A few "
                "pictures of other things show what else has changed."
            )
            self._measure.setText("Measure")
        self._measure.setAccessibleName(self._measure.text())
        self._measure.setEnabled(count > 0 and not busy)


class TableCard(Card):
    """The figures with their intervals."""

    def __init__(self) -> None:
        super().__init__(name="compare.table")
        self.setAccessibleName("Figures")
        self._holder = QWidget()
        self.body.addWidget(self._holder)
        self.hide()

    def show_report(self, report: Report | None) -> None:
        """Show the table, or hide."""
        lines = rows(report) if report is not None else ()
        self.setVisible(bool(lines))
        if report is None or not lines:
            return
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(0, 1)
        heads = (f"{report.pictures} pictures, same seeds", "before", "after", "")
        for column, words in enumerate(heads):
            grid.addWidget(Label(words, role="small"), 0, column)
        for place, row in enumerate(lines):
            grid.addWidget(separator(), place * 2 + 1, 0, 1, 4)
            cells = (
                Label(row.name, wrap=True),
                Label(row.before),
                Label(row.after, role="strong" if row.strong else ""),
                Label(row.margin, role="muted"),
            )
            for column, cell in enumerate(cells):
                cell.setToolTip(row.tip)
                cell.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
                grid.addWidget(cell, place * 2 + 2, column)
            cells[0].setAccessibleDescription(row.tip)
        self.body.replaceWidget(self._holder, fresh)
        self._holder.deleteLater()
        self._holder = fresh
