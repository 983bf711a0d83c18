"""A page for something that is planned: what it will do, what to do meanwhile, and nothing that pretends to work."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.services import Services
from gui.theme import tokens as design
from gui.theme.icons import icon
from gui.widgets.buttons import QuietButton
from gui.widgets.card import Card
from gui.widgets.chips import Chip
from gui.widgets.page import PageHeader
from gui.widgets.text import Label


@dataclass(frozen=True)
class Plan:
    """What a place will be for. `points` are (title, sentence) pairs; `meanwhile` says what can be done today."""

    title: str
    sentence: str
    points: tuple[tuple[str, str], ...]
    meanwhile: str
    button: str
    leads_to: str


PLANS: dict[str, Plan] = {
    "erase": Plan(
        "Erase",
        "Make a model forget something, and prove that the rest is unharmed.",
        (
            ("Name what should go", "An object, a style or a likeness, in your own words."),
            ("Say what must stay", "Neighbours that resemble it are watched while it is being forgotten."),
            ("See the proof", "Before and after for the thing itself and for its neighbours, with intervals."),
        ),
        "Until then, Compare shows what an adapter changes and what it leaves alone.",
        "Go to Compare",
        "compare",
    ),
}


class LaterPage(QWidget):
    """Says what will be here."""

    def __init__(self, services: Services, key: str) -> None:
        super().__init__()
        plan = PLANS[key]
        self.title = plan.title
        self.setProperty("role", "page")
        self.setObjectName(f"page.{key}")
        card = Card(name=f"{key}.plan", padding=28)
        card.setAccessibleName(f"{plan.title}, not built yet")
        card.setMaximumWidth(720)
        card.body.setSpacing(18)
        card.body.addLayout(self._head(key))
        for title, sentence in plan.points:
            words = QVBoxLayout()
            words.setSpacing(3)
            words.addWidget(Label(title, role="strong"))
            words.addWidget(Label(sentence, role="muted", wrap=True))
            card.body.addLayout(words)
        card.body.addWidget(Label(plan.meanwhile, wrap=True))
        row = QHBoxLayout()
        row.addWidget(
            QuietButton(plan.button, name=f"{key}.meanwhile", on_click=lambda: services.navigate(plan.leads_to))
        )
        row.addStretch(1)
        card.body.addLayout(row)
        page = QVBoxLayout(self)
        page.setContentsMargins(design.PAGE_MARGIN, design.PAGE_MARGIN - 6, design.PAGE_MARGIN, 20)
        page.setSpacing(18)
        page.addWidget(PageHeader(plan.title, plan.sentence))
        page.addWidget(card)
        page.addStretch(1)

    @staticmethod
    def _head(key: str) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(12)
        picture = Label()
        picture.setPixmap(icon(key, ink="accent").pixmap(QSize(36, 36)))
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        head.addWidget(picture)
        head.addWidget(Label("What this place will do", role="title"))
        head.addWidget(Chip("not built yet"))
        head.addStretch(1)
        return head
