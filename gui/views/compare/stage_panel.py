"""The large picture area: the two pictures over each other or the grid, the words to try, and how far the making is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from gui.canvas.compare import CompareView, Mode
from gui.canvas.loading import read_for
from gui.views.compare.grid import GridView
from gui.views.compare.pairing import Pairing
from gui.views.compare.prompt import PromptBar
from gui.widgets.buttons import QuietButton
from gui.widgets.card import Card
from gui.widgets.progress import ProgressLine
from gui.workers.background import Background

_EMPTY = "Press Try to see the same words before and after."


class PicturePanel(Card):
    """Holds the views. `on_stop` drops what is being made, `on_grid` has the grid made."""

    def __init__(self, background: Background, *, on_stop: Callable[[], object], on_grid: Callable[[], object]) -> None:
        super().__init__(name="compare.pictures", padding=14)
        self.setAccessibleName("Before and after")
        self._background = background
        self._images = {"before": QImage(), "after": QImage()}
        self.view = CompareView(_EMPTY)
        self.view.setObjectName("compare.view")
        self.view.setAccessibleName("Before and after")
        self.grid = GridView(background)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.grid)
        self.prompt = PromptBar()
        self._make = QuietButton("Make the grid", name="compare.makeGrid", on_click=on_grid)
        self._make.hide()
        self._progress = QWidget()
        row = QHBoxLayout(self._progress)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self._line = ProgressLine(name="compare.progress")
        row.addWidget(self._line, 1)
        row.addWidget(QuietButton("Stop", name="compare.stop", on_click=on_stop))
        self._progress.hide()
        self.body.addWidget(self._stack, 1)
        self.body.addWidget(self._progress)
        self.body.addWidget(self.prompt)
        self.body.addWidget(self._make)

    @property
    def pair(self) -> tuple[QImage, QImage]:
        """The pictures on show; null where there is none."""
        return self._images["before"], self._images["after"]

    def set_mode(self, mode: str) -> None:
        """`slider`, `side`, `blink`, `difference` or `grid`."""
        self._stack.setCurrentWidget(self.grid if mode == "grid" else self.view)
        self.prompt.setVisible(mode != "grid")
        self._make.setVisible(mode == "grid")
        modes: dict[str, Mode] = {"slider": "slider", "side": "side", "blink": "blink", "difference": "difference"}
        if mode in modes:
            self.view.set_mode(modes[mode])

    def put(self, side: str, file: Path | None, *, still: Callable[[], bool] = lambda: True) -> None:
        """Show a file as `before` or `after`, None for nothing; left alone when `still` says that it is not wanted any more."""
        if file is None:
            self._set(side, QImage())
            return
        read_for(self._background, self, file, 0, lambda image: self._set(side, image) if still() else None)

    def show_grid(self, pairing: Pairing) -> None:
        """Lay the grid out, with the pictures that were made while it was taught."""
        prompts = pairing.subject.prompts
        self.grid.lay_out(tuple(column.title for column in pairing.columns), prompts)
        seed = self.prompt.asked.seed
        for prompt in prompts:
            for place, column in enumerate(pairing.columns):
                found = column.subject.sample(column.stage.step if column.stage is not None else 0, prompt, seed)
                if found is not None:
                    self.grid.put(place, prompt, found)

    def show_progress(self, words: str, done: int, total: int) -> None:
        """Show how far it is; empty words for nothing under way."""
        self._progress.setVisible(bool(words))
        if words:
            self._line.set(done, total, words)

    def _set(self, side: str, image: QImage) -> None:
        self._images[side] = image
        if side == "before":
            self.view.set_before(image)
        else:
            self.view.set_after(image)
