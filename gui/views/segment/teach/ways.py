"""The ways to adapt, as cards: the few that fit most pictures first, all of them on demand."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engines.api.catalog import MethodEntry
from gui.widgets.buttons import LinkButton
from gui.widgets.card import Card, choice_card
from gui.widgets.text import Label

_FIRST = ("decoder", "sam-adapter", "lora", "salt")


class Ways(QWidget):
    """Cards of which one is chosen.

    Signals:
        chosen: name of another way.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._cards: dict[str, Card] = {}
        self._papers: list[Label] = []
        self._more = LinkButton("More ways", name="segment.ways.more", on_click=self._show_all)
        self.name = ""

    def set_entries(self, entries: tuple[MethodEntry, ...]) -> None:
        """Draw the cards, once."""
        order = sorted(entries, key=lambda entry: _FIRST.index(entry.name) if entry.name in _FIRST else len(_FIRST))
        for entry in order:
            card = choice_card(
                entry.title, entry.missing or entry.sentence, name=f"segment.way.{entry.name}", tag=entry.tag
            )
            card.setEnabled(not entry.missing)
            paper = Label(entry.paper, role="small", wrap=True)
            paper.hide()
            card.body.addWidget(paper)
            self._papers.append(paper)
            card.clicked.connect(lambda name=entry.name: self.choose(name))
            card.setVisible(entry.name in _FIRST)
            self._cards[entry.name] = card
            self._column.addWidget(card)
        self._column.addWidget(self._more)
        self._more.setVisible(any(entry.name not in _FIRST for entry in entries))

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
