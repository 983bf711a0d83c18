"""Which earlier erasures act while the next one is made: one request to forget after another."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QCheckBox, QVBoxLayout

from gui.views.erase.board import Board
from gui.widgets.card import Card
from gui.widgets.layouts import clear
from gui.widgets.text import Label, set_tip
from gui.workers.runs import Runs

_MOST = 8
_LONGEST = 34


class EarlierCard(Card):
    """Boxes for the finished erasures of the chosen base; hidden while there is none."""

    def __init__(self, board: Board, runs: Runs) -> None:
        super().__init__("After earlier ones", name="erase.earlier", padding=16)
        self._board = board
        self._shown: list[tuple[str, str]] = []
        self._ticks: dict[str, QCheckBox] = {}
        self._boxes = QVBoxLayout()
        self.body.addWidget(
            Label(
                "Those ticked act while this one is made, and are measured together with it.", role="small", wrap=True
            )
        )
        self.body.addLayout(self._boxes)
        board.changed.connect(self._renew)
        runs.changed.connect(self._renew)
        self._renew()

    def _renew(self) -> None:
        views = self._board.earlier()[:_MOST]
        self.setVisible(bool(views))
        shown = [(view.id, view.title) for view in views]
        if shown != self._shown:
            self._shown = shown
            clear(self._boxes)
            self._ticks = {run: self._box(run, title) for run, title in shown}
            for box in self._ticks.values():
                self._boxes.addWidget(box)
        for run, box in self._ticks.items():
            box.blockSignals(True)
            box.setChecked(run in self._board.draft.after)
            box.blockSignals(False)

    def _box(self, run: str, title: str) -> QCheckBox:
        short = title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…"
        box = QCheckBox(short.replace("&", "&&"))
        box.setObjectName(f"erase.after.{run}")
        box.setAccessibleName(title)
        set_tip(box, title)
        box.toggled.connect(partial(self._tick, run, title))
        return box

    def _tick(self, run: str, title: str, on: bool) -> None:
        draft = self._board.draft
        after = (*draft.after, run) if on else tuple(one for one in draft.after if one != run)
        self._board.put(draft.changed(after=after), f"{'After' if on else 'Not after'} {title}")
