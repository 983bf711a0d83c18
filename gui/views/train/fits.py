"""The Fits card: what the training will take of this computer, as far as it is known, and what to change when it does not fit."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QProgressBar

from gui.views.train.estimate import Estimate
from gui.widgets.buttons import LinkButton
from gui.widgets.card import Card
from gui.widgets.chips import Chip
from gui.widgets.text import Label

_TITLES = {True: "Fits", False: "Does not fit", None: "This computer"}


class FitsCard(Card):
    """Shows an `Estimate`; `on_remedy` is offered when it does not fit."""

    def __init__(self, on_remedy: Callable[[], object]) -> None:
        super().__init__(name="train.fits", padding=16)
        self.setAccessibleName("What it takes")
        head = QHBoxLayout()
        head.setSpacing(10)
        self._title = Label("This computer", role="title")
        self._chip = Chip(name="train.fits.memory")
        head.addWidget(self._title)
        head.addWidget(self._chip)
        head.addStretch(1)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._bar.setAccessibleName("Memory it takes")
        self._words = Label(role="muted", wrap=True)
        self._counted = Label(role="small", wrap=True)
        self._remedy = LinkButton("Use less memory", name="train.fits.remedy", on_click=on_remedy)
        self.body.setSpacing(8)
        self.body.addLayout(head)
        self.body.addWidget(self._bar)
        self.body.addWidget(self._words)
        self.body.addWidget(self._counted)
        self.body.addWidget(self._remedy)

    def show_estimate(self, estimate: Estimate) -> None:
        """Show what is known."""
        fits = estimate.fits
        self._title.setText(_TITLES[fits])
        chip = estimate.chip()
        self._chip.set(chip, "warning" if fits is False else "accent" if fits else "plain")
        self._chip.setVisible(bool(chip))
        self._bar.setVisible(fits is not None)
        self._bar.setValue(round(estimate.share * 1000))
        short = f"It needs more memory than is free. {estimate.remedy}".strip()
        self._words.setText(short if fits is False else estimate.sentence())
        self._counted.setText(estimate.counted)
        self._counted.setVisible(bool(estimate.counted))
        self._remedy.setVisible(fits is False)
