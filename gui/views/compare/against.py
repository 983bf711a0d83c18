"""The card that chooses what an adapter is compared with: its base, or another training of the same subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gui.views.compare.subject import Subject
from gui.widgets.card import Card
from gui.widgets.choice_box import ChoiceBox
from gui.widgets.text import Label

_BASE = "The model before it was taught"


class AgainstCard(Card):
    """`choose` gets the rival chosen, or None for the base. Hidden while there is no choice."""

    def __init__(self, choose: Callable[[Subject | None], object]) -> None:
        super().__init__("Compare with", name="compare.againstCard")
        self._rivals: list[Subject] = []
        self._choice = ChoiceBox(name="compare.against", label="What the adapter is compared with", letters=22)
        self._choice.activated.connect(lambda place: choose(self._rivals[place - 1] if place else None))
        self._words = Label(
            "The same words and seeds: that training on the left, this one on the right.",
            role="small",
            wrap=True,
        )
        self.body.addWidget(self._choice)
        self.body.addWidget(self._words)
        self.hide()

    def show_rivals(self, rivals: Sequence[Subject], chosen: Subject | None) -> None:
        """Show what there is to choose from."""
        self._rivals = list(rivals)
        self._choice.clear()
        self._choice.addItem(_BASE)
        for rival in rivals:
            self._choice.addItem(rival.label)
        place = next((i for i, one in enumerate(rivals, start=1) if chosen is not None and one.id == chosen.id), 0)
        self._choice.setCurrentIndex(place)
        self._words.setVisible(place > 0)
        self.setVisible(bool(rivals))
