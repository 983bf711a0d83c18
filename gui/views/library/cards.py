"""The adapters as cards: picture, trigger word, and the facts on one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.canvas.loading import show_file
from gui.views.library.items import Item
from gui.widgets.buttons import IconButton
from gui.widgets.card import Card
from gui.widgets.chips import Chip
from gui.widgets.flow import FlowLayout
from gui.widgets.layouts import clear
from gui.widgets.picture import PictureView
from gui.widgets.text import ElidedLabel, set_tip
from gui.workers.background import Background

_WIDTH, _PICTURE = 214, 150


class CardWall(QWidget):
    """Shows items; `choose` gets the one clicked, `mark` the one whose star was pressed."""

    def __init__(
        self, background: Background, *, choose: Callable[[Item], object], mark: Callable[[Item], object]
    ) -> None:
        super().__init__()
        self._background = background
        self._choose, self._mark = choose, mark
        self._cards: dict[str, Card] = {}
        self._shown: tuple[Item, ...] = ()
        self._flow = FlowLayout(self, spacing=14)

    def show_items(self, items: Sequence[Item], chosen: str) -> None:
        """Show these items."""
        if tuple(items) != self._shown:
            self._shown = tuple(items)
            clear(self._flow)
            self._cards = {}
            for item in items:
                card = self._card(item)
                self._cards[item.id] = card
                self._flow.addWidget(card)
        for key, card in self._cards.items():
            card.set_checked(key == chosen)

    def _card(self, item: Item) -> Card:
        card = Card(name=f"library.{item.id}", clickable=True, padding=10)
        card.setAccessibleName(f"{item.title}, {item.facts()}")
        card.setFixedWidth(_WIDTH)
        card.clicked.connect(lambda: self._choose(item))
        picture = PictureView()
        picture.setFixedHeight(_PICTURE)
        if item.picture is not None:
            show_file(self._background, picture, item.picture, _PICTURE * 2)
        star = IconButton(
            "star",
            "A favourite no more" if item.favourite else "Mark as a favourite",
            name=f"library.{item.id}.star",
            size=16,
        )
        star.set_icon("star", "accent" if item.favourite else "muted")
        star.clicked.connect(lambda: self._mark(item))
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(ElidedLabel(item.title, role="strong"), 1)
        row.addWidget(star)
        words = QVBoxLayout()
        words.setContentsMargins(4, 0, 4, 4)
        words.setSpacing(4)
        words.addLayout(row)
        words.addWidget(ElidedLabel(item.facts(), role="small"))
        chips = QHBoxLayout()
        chips.setSpacing(6)
        if item.trigger:
            trigger = Chip(item.trigger[:24])
            set_tip(trigger, f"Trigger word: {item.trigger}")
            chips.addWidget(trigger)
        if item.segments:
            chips.addWidget(Chip("segments"))
        if item.erases:
            erases = Chip("erases")
            set_tip(erases, f"Erases {', '.join(item.erases[:8])}")
            chips.addWidget(erases)
        if item.imported:
            chips.addWidget(Chip("imported"))
        if item.problem:
            chips.addWidget(Chip("cannot be read", level="bad"))
        chips.addStretch(1)
        words.addLayout(chips)
        card.body.setSpacing(8)
        card.body.addWidget(picture)
        card.body.addLayout(words)
        return card
