"""In a sentence: in how many pictures what must not appear was still recognised, and never more than that."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engines.api.erase_report import Found
from gui.views.erase.results.measured import Result
from gui.views.erase.results.words import STANDINGS, counted
from gui.widgets.buttons import QuietButton
from gui.widgets.card import Card, separator
from gui.widgets.chips import Chip
from gui.widgets.layouts import clear
from gui.widgets.text import ElidedLabel, Label

_MOST = 8


class VerdictCard(Card):
    """What was found of every target; without a report it offers to measure."""

    def __init__(self, on_measure: Callable[[], object]) -> None:
        super().__init__("What was found", name="erase.verdict", padding=16)
        self._shown: tuple[Found, ...] = ()
        self._place = QVBoxLayout()
        self._place.setSpacing(10)
        self._words = Label(role="sentence", wrap=True)
        self._small = Label(role="small", wrap=True)
        self._measure = QuietButton("Measure", name="erase.measure", on_click=on_measure)
        self.body.addWidget(self._words)
        self.body.addLayout(self._place)
        self.body.addWidget(self._small)
        self.body.addWidget(self._measure)

    def show_result(self, result: Result, *, busy: bool) -> None:
        """Show what was found; `busy` while something is being measured."""
        report = result.report
        found = report.found if report is not None else ()
        if found != self._shown:
            self._shown = found
            clear(self._place)
            for place, one in enumerate(found[:_MOST]):
                self._place.addWidget(_line(one, ruled=place > 0))
        more = len(found) - _MOST
        if result.eraser.problem:
            words = result.eraser.problem
        elif report is None:
            words = "What came of it was not measured yet, so nobody knows whether it works."
        else:
            words = f"And {more} more, in the table." if more > 0 else ""
        self._words.setText(words)
        self._words.setVisible(bool(words))
        note = f" {report.note}" if report is not None and report.note else ""
        self._small.setText(f"{counted(report)}{note}" if report is not None else "")
        self._small.setVisible(report is not None)
        self._measure.setText("Measure again" if report is not None else "Measure")
        self._measure.setAccessibleName(self._measure.text())
        self._measure.setEnabled(not busy and not result.eraser.problem)


def _line(found: Found, *, ruled: bool) -> QWidget:
    line = QWidget()
    column = QVBoxLayout(line)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(6)
    if ruled:
        column.addWidget(separator())
    words, level = STANDINGS[found.standing]
    head = QHBoxLayout()
    head.setSpacing(8)
    head.addWidget(ElidedLabel(found.target, role="strong"), 1)
    head.addWidget(Chip(words, level=level))
    column.addLayout(head)
    column.addWidget(Label(found.words, wrap=True, selectable=True))
    return line
