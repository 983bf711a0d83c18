"""Ways to do something, as cards: the few that fit most first, all of them on demand."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engines.api.catalog import MethodEntry
from gui.widgets.buttons import LinkButton
from gui.widgets.card import Card, choice_card
from gui.widgets.text import Label


class Ways(QWidget):
    """Cards of which one is chosen; `name` begins their object names, `first` are registered names of those that show at once.

    Signals:
        chosen: name of another way.
    """

    chosen = Signal(str)

    def __init__(self, *, name: str, first: Sequence[str]) -> None:
        super().__init__()
        self._name, self._first = name, tuple(first)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._cards: dict[str, Card] = {}
        self._papers: list[Label] = []
        self._more = LinkButton("More ways", name=f"{name}.ways.more", on_click=self._show_all)
        self.name = ""

    def set_entries(self, entries: Sequence[MethodEntry]) -> None:
        """Draw the cards, once."""
        first = self._first
        order = sorted(entries, key=lambda entry: first.index(entry.name) if entry.name in first else len(first))
        for entry in order:
            card = choice_card(
                entry.title, entry.missing or entry.sentence, name=f"{self._name}.way.{entry.name}", tag=entry.tag
            )
            card.setEnabled(not entry.missing)
            paper = Label(entry.paper, role="small", wrap=True)
            paper.hide()
            card.body.addWidget(paper)
            self._papers.append(paper)
            card.clicked.connect(lambda name=entry.name: self.choose(name))
            card.setVisible(entry.name in first)
            self._cards[entry.name] = card
            self._column.addWidget(card)
        self._column.addWidget(self._more)
        self._more.setVisible(any(entry.name not in first for entry in entries))

    def choose(self, name: str) -> None:
        """Choose a way; one that is not on offer is left."""
        card = self._cards.get(name)
        if card is None or not card.isEnabled() or name == self.name:
            return
        self.name = name
        card.show()
        for key, other in self._cards.items():
            other.set_checked(key == name)
        self.chosen.emit(name)

    def show_papers(self, *, shown: bool) -> None:
        """Name the papers that the ways come from."""
        for paper in self._papers:
            paper.setVisible(shown and bool(paper.text()))

    def _show_all(self) -> None:
        for card in self._cards.values():
            card.show()
        self._more.hide()
