"""How the subjects are brought together: only ways that fit are offered, the best first; of the others it is said why not."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QVBoxLayout, QWidget

from engines.api.catalog import MethodEntry
from engines.launch.composing import Offer
from gui.forms.form import SettingsForm
from gui.views.combine.board import Board
from gui.views.combine.fine import FineTuning
from gui.widgets.buttons import LinkButton
from gui.widgets.card import Card, choice_card, separator
from gui.widgets.layouts import clear
from gui.widgets.text import Label


class StrategyCard(Card):
    """Follows the board."""

    def __init__(self, board: Board) -> None:
        super().__init__("How to bring them together", name="combine.strategy", padding=16)
        self._board = board
        self._drawn: object = None
        self._cards: dict[str, Card] = {}
        self._form: SettingsForm | None = None
        self._shown = ""
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        self._more = LinkButton("Advanced", name="combine.advanced", icon="chevron-down", on_click=self._turn)
        self._paper = Label(role="small", wrap=True)
        self._fine = FineTuning(board)
        self._advanced = QWidget()
        self._place = QVBoxLayout(self._advanced)
        self._place.setContentsMargins(0, 0, 0, 0)
        self._place.setSpacing(8)
        self._place.addWidget(self._paper)
        self._place.addWidget(self._fine)
        self._advanced.hide()
        self.body.addLayout(self._list)
        self.body.addWidget(self._more)
        self.body.addWidget(self._advanced)
        board.changed.connect(self._renew)
        self._renew()

    def choose(self, name: str) -> None:
        """Take a way to compose."""
        entry = next((offer.entry for offer in self._board.offers() if offer.entry.name == name), None)
        title = entry.title if entry is not None else name
        self._board.put(self._board.draft.changed(strategy=name), f"Choose “{title}”")

    def _renew(self) -> None:
        offers = self._board.offers() if self._board.draft.parts else ()
        drawn = tuple((offer.entry.name, offer.why) for offer in offers)
        if drawn != self._drawn:
            self._drawn = drawn
            self._draw(offers)
        chosen = self._board.offer() if offers else None
        for name, card in self._cards.items():
            card.set_checked(chosen is not None and chosen.entry.name == name)
        self._show_form(chosen.entry if chosen is not None else None)
        self._more.setVisible(bool(offers))
        self._fine.show_draft()

    def _draw(self, offers: tuple[Offer, ...]) -> None:
        clear(self._list)
        self._cards = {}
        fitting = [offer for offer in offers if not offer.why]
        for place, offer in enumerate(fitting):
            entry = offer.entry
            tag = "best fit" if place == 0 and len(fitting) > 1 else ""
            card = choice_card(entry.title, entry.sentence, name=f"combine.way.{entry.name}", tag=tag)
            card.clicked.connect(partial(self.choose, entry.name))
            self._cards[entry.name] = card
            self._list.addWidget(card)
        if not offers:
            words = "Ways to bring subjects together are offered here once there are some."
            self._list.addWidget(Label(words, role="muted", wrap=True))
        others = [offer for offer in offers if offer.why]
        if others:
            self._list.addWidget(Label("Not for this picture", role="small"))
        for offer in others:
            self._list.addWidget(Label(f"{offer.entry.title}: {offer.why}", role="small", wrap=True))

    def _turn(self) -> None:
        self._advanced.setVisible(self._advanced.isHidden())
        self._more.setAccessibleDescription("open" if self._advanced.isVisible() else "closed")

    def _show_form(self, entry: MethodEntry | None) -> None:
        """The settings of the way that counts."""
        name = entry.name if entry is not None else ""
        if name != self._shown:
            self._shown = name
            if self._form is not None:
                self._form.hide()
                self._form.deleteLater()
                self._form = None
            self._paper.setText(entry.paper if entry is not None else "")
            if entry is not None and entry.schema_.get("properties"):
                self._form = SettingsForm(entry.schema_, name=f"combine.way.{name}.settings")
                self._form.set_advanced(advanced=True)
                self._form.changed.connect(self._set)
                self._place.insertWidget(1, self._form)
                self._place.insertWidget(1, separator())
        if self._form is not None and entry is not None:
            kept = self._board.draft.settings.get(name, {})
            if kept != _changes(self._form, entry):
                self._form.blockSignals(True)
                self._form.set_values({**_defaults(entry), **kept})
                self._form.blockSignals(False)

    def _set(self) -> None:
        offer = self._board.offer()
        if self._form is None or self._form.problems() or offer is None or offer.entry.name != self._shown:
            return
        settings = {**self._board.draft.settings, self._shown: _changes(self._form, offer.entry)}
        self._board.put(
            self._board.draft.changed(settings={k: v for k, v in settings.items() if v}), "Change a setting"
        )


def _defaults(entry: MethodEntry) -> dict[str, object]:
    properties = entry.schema_.get("properties", {})
    return {name: node["default"] for name, node in properties.items() if "default" in node}


def _changes(form: SettingsForm, entry: MethodEntry) -> dict[str, object]:
    """What differs from the defaults."""
    defaults = _defaults(entry)
    return {name: value for name, value in form.values().items() if name in defaults and value != defaults[name]}
