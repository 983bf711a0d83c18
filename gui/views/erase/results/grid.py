"""The table of pictures: a row for every word, pairs from the same words and seed side by side. A press shows a pair large, under the slider."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engines.api.erase_report import ErasePicture, EraseRow
from gui.canvas.loading import show_file
from gui.views.erase.results.measured import Result
from gui.views.erase.results.words import GROUPS, seen
from gui.widgets.buttons import LinkButton
from gui.widgets.card import Card
from gui.widgets.layouts import clear
from gui.widgets.picture import PictureView
from gui.widgets.text import ElidedLabel, Label
from gui.workers.background import Background

_CELL_PX, _WORDS_PX, _BETWEEN_PX = 84, 148, 14
_MOST_PAIRS = 6
_AT_ONCE = 24
_A_STEP = 2


class GridCard(Card):
    """Shows the pictures of a report.

    Signals:
        picked: a pair is to be seen large; carries its `ErasePicture`.
    """

    picked = Signal(object)

    def __init__(self, background: Background) -> None:
        super().__init__("The same words and seeds", name="erase.grid", padding=16)
        self._background = background
        self._result: Result | None = None
        self._shown = 0
        self._rows: list[GridRow] = []
        self._most = _AT_ONCE
        self._place = QVBoxLayout()
        self._place.setSpacing(10)
        self._more = LinkButton("Show all words", name="erase.grid.more", on_click=self._show_all)
        self._later = QTimer(self)
        self._later.setInterval(0)
        self._later.timeout.connect(self._build_some)
        if self.head is not None:
            self.head.insertWidget(1, ElidedLabel("a press shows a pair large", role="muted"), 1)
        self.body.addLayout(self._place)
        self.body.addWidget(self._more)
        self._more.hide()
        self.hide()

    def show_result(self, result: Result | None) -> None:
        """Show another report; hidden while there is none."""
        before = self._result
        if (
            result is not None
            and before is not None
            and (result.folder, result.report) == (before.folder, before.report)
        ):
            return
        self._result, self._most = result, _AT_ONCE
        self._clear()
        self.setVisible(result is not None and result.report is not None)
        self._later.start()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """As many pairs as there is room for."""
        super().resizeEvent(event)
        self._fit()

    def _clear(self) -> None:
        clear(self._place)
        self._rows = []

    def _show_all(self) -> None:
        self._most = 10**6
        self._later.start()

    def _build_some(self) -> None:
        """A few rows at a time; all at once would be felt."""
        report = self._result.report if self._result is not None else None
        rows = report.rows if report is not None else ()
        for row in rows[len(self._rows) : min(len(self._rows) + _A_STEP, self._most)]:
            headed = not self._rows or self._rows[-1].row.group != row.group
            made = GridRow(row, headed=headed, number=len(self._rows))
            made.wanted.connect(self._load)
            made.picked.connect(self.picked)
            self._rows.append(made)
            self._place.addWidget(made)
            made.show_pairs(self._pairs())
        if len(self._rows) >= min(len(rows), self._most):
            self._later.stop()
        self._more.setVisible(len(rows) > self._most)

    def _pairs(self) -> int:
        room = self.contentsRect().width() - 2 * 16 - _WORDS_PX
        return max(1, min(room // (2 * _CELL_PX + 4 + _BETWEEN_PX), _MOST_PAIRS))

    def _fit(self) -> None:
        for row in self._rows:
            row.show_pairs(self._pairs())

    def _load(self, view: PictureView, name: str) -> None:
        if self._result is not None:
            show_file(self._background, view, self._result.picture(name), _CELL_PX * 2)


class GridRow(QWidget):
    """One word, below the heading of the group that begins with it.

    Signals:
        wanted: pixels are wanted; carries (view, name of the file).
        picked: see `GridCard`.
    """

    wanted = Signal(object, str)
    picked = Signal(object)

    def __init__(self, row: EraseRow, *, headed: bool, number: int) -> None:
        super().__init__()
        self.row = row
        self._number = number
        self._pairs: list[QWidget] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        if headed:
            column.addWidget(Label(GROUPS[row.group], role="small"))
        line = QHBoxLayout()
        line.setSpacing(_BETWEEN_PX)
        words = QWidget()
        words.setFixedWidth(_WORDS_PX)
        said = QVBoxLayout(words)
        said.setContentsMargins(0, 0, 0, 0)
        said.setSpacing(2)
        said.addStretch(1)
        said.addWidget(ElidedLabel(row.word, role="strong"))
        said.addWidget(ElidedLabel(seen(row), role="small"))
        said.addStretch(1)
        line.addWidget(words)
        self._line = line
        line.addStretch(1)
        column.addLayout(line)

    def show_pairs(self, count: int) -> None:
        """Show as many pairs, made when they are first seen."""
        pictures = self.row.pictures[:count]
        for place in range(len(self._pairs), len(pictures)):
            pair = self._pair(place, pictures[place])
            self._pairs.append(pair)
            self._line.insertWidget(place + 1, pair)
        for place, pair in enumerate(self._pairs):
            pair.setVisible(place < len(pictures))

    def _pair(self, place: int, picture: ErasePicture) -> QWidget:
        pair = QWidget()
        line = QHBoxLayout(pair)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        for side, name in (("base", picture.base), ("eraser", picture.erased)):
            view = PictureView(name=f"erase.grid.{self._number}.{place}.{side}", radius=8)
            view.setFixedSize(_CELL_PX, _CELL_PX)
            view.set_clickable(
                f"{'Base' if side == 'base' else 'With the eraser'}: {picture.prompt}, seed {picture.seed}"
            )
            view.clicked.connect(partial(self.picked.emit, picture))
            column = QVBoxLayout()
            column.setSpacing(2)
            if self._number == 0:
                column.addWidget(Label(side, role="small"), 0, Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(view)
            line.addLayout(column)
            self.wanted.emit(view, name)
        return pair
