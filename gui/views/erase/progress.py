"""How far an erasure is: what is being done, how much of it, and how long it still takes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy

from engines.api.run_state import RunState
from gui.views.train.words import duration, standing
from gui.widgets.card import Card
from gui.widgets.chips import Chip
from gui.widgets.progress import ProgressLine
from gui.widgets.text import ElidedLabel
from gui.workers.runs import RunView

_LEAST_S = 2.0


@dataclass(frozen=True)
class _Mark:
    """What was being done, since when, and how much of it was done then."""

    run: str
    text: str
    since: float
    done: int


class ProgressCard(Card):
    """Shown while a run does something else than learn: reading words, solving, measuring what came of it."""

    def __init__(self) -> None:
        super().__init__(name="erase.progressCard")
        self.setAccessibleName("How far it is")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._mark: _Mark | None = None
        self._title = ElidedLabel(role="title")
        self._left = Chip(name="erase.left")
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._title, 1)
        head.addWidget(self._left)
        self._line = ProgressLine(name="erase.progress")
        self.body.addLayout(head)
        self.body.addWidget(self._line)
        self.hide()

    def show_run(self, view: RunView | None) -> None:
        """Show where a run stands; hidden while it learns or rests."""
        state = view.state if view is not None else None
        doing = state is not None and state.phase in {"preparing", "finishing"}
        self.setVisible(doing)
        if view is None or state is None or not doing:
            self._mark = None
            return
        self._title.setText(view.title)
        self._line.set(state.done, state.total, state.text or standing(state))
        left = self._seconds_left(view.id, state)
        self._left.setText(f"about {duration(left)} left" if left > 0 else "")
        self._left.setVisible(left > 0)

    def _seconds_left(self, run: str, state: RunState) -> float:
        """Of what is being done; 0 while it cannot be told."""
        mark, now = self._mark, time.monotonic()
        if mark is None or (mark.run, mark.text) != (run, state.text) or state.done < mark.done:
            self._mark = _Mark(run, state.text, now, state.done)
            return 0.0
        passed, done = now - mark.since, state.done - mark.done
        if passed < _LEAST_S or done <= 0 or state.total <= state.done:
            return 0.0
        return passed * (state.total - state.done) / done
