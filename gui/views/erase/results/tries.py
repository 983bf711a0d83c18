"""Whether the concept can be brought back: what was tried, what came of it, and what an eraser does not promise."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engines.api.erase_report import Attempt, Circumvention
from gui.views.erase.results.measured import Result
from gui.views.erase.results.words import PROMISE, recovered
from gui.widgets.buttons import LinkButton, QuietButton
from gui.widgets.card import Card
from gui.widgets.chips import Chip
from gui.widgets.layouts import clear
from gui.widgets.text import ElidedLabel, Label

_WAYS = {"paraphrase": "Other words", "misspelling": "Misspelt", "made-up word": "A word made up for it"}


class TriesCard(Card):
    """Shows the attempts of a report, or offers to make them."""

    def __init__(self, on_try: Callable[[], object]) -> None:
        super().__init__("Can it be got around?", name="erase.tries", padding=16)
        self._shown: tuple[Circumvention, ...] = ()
        self._words = Label(wrap=True)
        self._words.setObjectName("erase.recovered")
        self._place = QVBoxLayout()
        self._place.setSpacing(6)
        self._list = QWidget()
        self._list.setLayout(self._place)
        self._place.setContentsMargins(0, 0, 0, 0)
        self._toggle = LinkButton("Show the attempts", name="erase.tries.show", on_click=self._turn)
        self._try = QuietButton("Try to bring it back", name="erase.tries.try", on_click=on_try)
        self._list.hide()
        self._toggle.hide()
        for widget in (self._words, self._toggle, self._list, self._try, Label(PROMISE, role="small", wrap=True)):
            self.body.addWidget(widget)

    def show_result(self, result: Result, *, busy: bool) -> None:
        """Show what was tried; `busy` while something is being measured."""
        tried = result.report.circumvention if result.report is not None else ()
        if tried != self._shown:
            self._shown = tried
            self._draw()
        offer = "Asks in other words, misspelt, and with a word that is taught to mean it. Takes some minutes."
        self._words.setText(" ".join(one.words for one in tried) or offer)
        self._toggle.setVisible(bool(tried))
        self._try.setText("Try again" if tried else "Try to bring it back")
        self._try.setAccessibleName(self._try.text())
        self._try.setEnabled(not busy and not result.eraser.problem)

    def _draw(self) -> None:
        clear(self._place)
        for one in self._shown:
            if len(self._shown) > 1:
                count = f"{recovered(one.attempts)} of {len(one.attempts)}"
                self._place.addWidget(ElidedLabel(f"{one.target}, {count}", role="strong"))
            for attempt in one.attempts:
                self._place.addWidget(_line(attempt))
        self._show(shown=False)

    def _turn(self) -> None:
        self._show(shown=self._list.isHidden())

    def _show(self, *, shown: bool) -> None:
        self._list.setVisible(shown)
        self._toggle.setText("Hide the attempts" if shown else "Show the attempts")
        self._toggle.setAccessibleName(self._toggle.text())


def _line(attempt: Attempt) -> QWidget:
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    words = QVBoxLayout()
    words.setSpacing(0)
    words.addWidget(ElidedLabel(attempt.prompt))
    words.addWidget(ElidedLabel(_WAYS[attempt.way], role="small"))
    row.addLayout(words, 1)
    count = f"{attempt.seen} of {attempt.of}"
    row.addWidget(
        Chip(f"back, {count}" if attempt.recovered else count, level="warning" if attempt.recovered else "plain")
    )
    return line
