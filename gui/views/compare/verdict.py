"""In a sentence, then in a table: what a measured comparison says, and the button that measures."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from gui.views.compare.report import Report, conditions, rows, sentence
from gui.widgets.buttons import QuietButton
from gui.widgets.card import Card, separator
from gui.widgets.text import Label, set_tip


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

    def show_report(self, report: Report | None, *, count: int, photos: int, both: bool, busy: bool) -> None:
        """Show what was measured, or what measuring would do: to `both` adapters, or to the one."""
        made = (
            f"{count} pictures with each adapter and {count} with neither"
            if both
            else f"{count} pictures with and {count} without the adapter"
        )
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
                f"Measuring makes {made}, from the same seeds, {against}. A few "
                "pictures of others of its kind and of other things show what else has changed."
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
        fresh = figures_table(report) if report is not None else None
        self.setVisible(fresh is not None)
        if fresh is not None:
            self.body.replaceWidget(self._holder, fresh)
            self._holder.deleteLater()
            self._holder = fresh


def figures_table(report: Report) -> QWidget | None:
    """A measured comparison as a table; None when there are no figures. Margins are shown where there is room, beside one adapter."""
    lines = rows(report)
    if not lines:
        return None
    table = QWidget()
    grid = QGridLayout(table)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(8)
    grid.setColumnStretch(0, 1)
    single = len(report.columns) == 2
    heads = ("before", "after") if single else ("before", *(column.label for column in report.columns[1:]))
    grid.addWidget(Label(f"{report.count} pictures, same seeds", role="small", wrap=True), 0, 0)
    for place, words in enumerate(heads, start=1):
        grid.addWidget(Label(words, role="small", wrap=not single), 0, place)
    for line, row in enumerate(lines):
        grid.addWidget(separator(), line * 2 + 1, 0, 1, len(heads) + 2)
        labels = [Label(row.name, wrap=True)]
        labels += [Label(cell.text, role="strong" if cell.strong else "") for cell in row.cells]
        if single:
            labels.append(Label(row.cells[-1].margin, role="muted"))
        for place, label in enumerate(labels):
            set_tip(label, row.tip)
            label.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(label, line * 2 + 2, place)
        labels[0].setAccessibleDescription(row.tip)
    return table
