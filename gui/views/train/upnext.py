"""What waits for its turn, and the reassurance that the window may be closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gui.views.train.words import method_title
from gui.widgets.buttons import IconButton, QuietButton
from gui.widgets.card import Card, separator
from gui.widgets.layouts import clear
from gui.widgets.plate import SHADOW_PX
from gui.widgets.text import ElidedLabel, Label
from gui.workers.runs import RunView

_CLOSE_WORDS = "You can close this window; training goes on."


class UpNextCard(Card):
    """The queue. `move` gets a run's id and its new place, `remove` an id, `begin` starts a queue nobody works through."""

    def __init__(
        self,
        *,
        move: Callable[[str, int], object],
        remove: Callable[[str], object],
        begin: Callable[[], object],
    ) -> None:
        super().__init__(name="train.upNext")
        self.body.setContentsMargins(18, 14, 18, 14 + SHADOW_PX)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setAccessibleName("Up next")
        self._move, self._remove = move, remove
        self._shown: tuple[str, ...] | None = None
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(Label("Up next", role="title"))
        self._summary = ElidedLabel(role="muted")
        head.addWidget(self._summary, 1)
        self._begin = QuietButton("Start the queue", name="train.startQueue", on_click=begin)
        head.addWidget(self._begin)
        self._close = Label(_CLOSE_WORDS, role="muted")
        head.addWidget(self._close)
        self.body.addLayout(head)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        self.body.addLayout(self._rows)

    def show_queue(self, waiting: Sequence[RunView], *, active: bool, at_work: bool) -> None:
        """Show the runs that wait."""
        self.setVisible(active or bool(waiting))
        self._summary.setText("" if waiting else "nothing waits")
        self._close.setVisible(active or at_work)
        self._begin.setVisible(bool(waiting) and not active and not at_work)
        key = tuple(f"{view.id} {view.title}" for view in waiting)
        if key == self._shown:
            return
        self._shown = key
        clear(self._rows)
        for place, view in enumerate(waiting):
            self._rows.addWidget(separator())
            self._rows.addWidget(self._row(view, place, len(waiting)))

    def _row(self, view: RunView, place: int, count: int) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 2, 0, 2)
        line.setSpacing(4)
        line.addWidget(ElidedLabel(f"{place + 1}.  {view.title}, {summary(view)}"), 1)
        up = IconButton("chevron-up", f"Sooner: {view.title}", name=f"train.queue.{place}.up", size=14)
        up.clicked.connect(lambda: self._move(view.id, place - 1))
        up.setEnabled(place > 0)
        down = IconButton("chevron-down", f"Later: {view.title}", name=f"train.queue.{place}.down", size=14)
        down.clicked.connect(lambda: self._move(view.id, place + 1))
        down.setEnabled(place < count - 1)
        away = IconButton("close", f"Take out of the queue: {view.title}", name=f"train.queue.{place}.remove", size=14)
        away.clicked.connect(lambda: self._remove(view.id))
        for button in (up, down, away):
            line.addWidget(button)
        return row


def summary(view: RunView) -> str:
    """Method and length of a run in a few words."""
    job = view.info.any_job
    if job is None:
        return "its settings cannot be read"
    learned = view.state.result is None or view.state.result.step > 0
    return (
        f"{method_title(job.method.name)}, {job.recipe.loop.steps} steps" if learned else method_title(job.method.name)
    )
