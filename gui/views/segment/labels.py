"""The labels: what things can be. One is in hand, and new marks get it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QColorDialog, QHBoxLayout, QMenu

from gui.theme import icons
from gui.views.segment.board import Board
from gui.views.segment.marks import FIRST_LABEL
from gui.views.segment.rows import ROW_PX, Row, RowList
from gui.views.train.words import plural
from gui.widgets.buttons import IconButton
from gui.widgets.card import Card
from gui.widgets.sheet import ask
from gui.widgets.text import Label as Words
from projects import edits_regions
from projects.records import Label

_LEAST_ROWS, _MOST_ROWS = 2, 6


class LabelsCard(Card):
    """Lists the labels and edits them."""

    def __init__(self, board: Board) -> None:
        super().__init__(name="segment.labels", padding=12)
        self.setAccessibleName("Labels")
        self._board = board
        self._new = ""
        head = QHBoxLayout()
        head.setContentsMargins(4, 0, 0, 0)
        head.addWidget(Words("Labels", role="title"))
        head.addStretch(1)
        self._add = IconButton("plus", "Add a label (L)", name="segment.addLabel", on_click=self.add)
        head.addWidget(self._add)
        self.list = RowList(name="segment.labelList", words="Labels", editable=True)
        self._hint = Words(
            "A label says what a thing is: cell, leaf, crack. Your first mark makes one.", role="small", wrap=True
        )
        self.body.setSpacing(4)
        self.body.addLayout(head)
        self.body.addWidget(self._hint)
        self.body.addWidget(self.list)
        self.list.chosen.connect(self._chosen)
        self.list.rows.named.connect(self._named)
        self.list.menu_asked.connect(self._menu)
        self.list.remove_asked.connect(lambda: self._remove(self._current()))
        board.contents_changed.connect(self._refresh)
        board.label_changed.connect(self._refresh)
        self._refresh()

    def add(self) -> None:
        """Add a label and let its name be typed."""
        names = {label.name.casefold() for label in self._board.contents.labels}
        number, name = 1, FIRST_LABEL
        while name.casefold() in names:
            number += 1
            name = f"{FIRST_LABEL} {number}"
        self._board.add_label(name, lambda change: self._wait_for(change.ids[0]))

    def _wait_for(self, label_id: str) -> None:
        self._new = label_id

    def _refresh(self) -> None:
        labels, hand = self._board.contents.labels, self._board.label
        rows = []
        for number, label in enumerate(labels):
            used = self._board.contents.used(label.id)
            key = str(number + 1) if number < 9 else ""
            rows.append(
                Row(label.id, label.name, label.colour, str(used), key, tip=f"{label.name}, {plural(used, 'region')}")
            )
        self.list.set_rows(rows, {hand.id} if hand is not None else ())
        self.list.setMinimumHeight(ROW_PX * min(len(rows), _LEAST_ROWS))
        self.list.setMaximumHeight(ROW_PX * min(len(rows), _MOST_ROWS))
        self.list.setVisible(bool(rows))
        self.list.rows.editable = self._board.can_edit
        self._hint.setVisible(not rows)
        self._add.setEnabled(self._board.can_edit)
        if self._new and any(label.id == self._new for label in labels):
            new, self._new = self._new, ""
            self.list.edit_row(new)

    def _chosen(self, ids: tuple[str, ...]) -> None:
        if ids:
            self._board.choose_label(ids[0])

    def _current(self) -> Label | None:
        return self._board.label

    def _named(self, label_id: str, name: str) -> None:
        self._board.do(partial(edits_regions.rename_label, label_id=label_id, name=name))

    def _menu(self, label_id: str, point: QPoint) -> None:
        label = self._board.contents.label(label_id)
        if label is None or not self._board.can_edit:
            return
        menu = QMenu(self)
        menu.addAction("Rename", partial(self.list.edit_row, label_id))
        colours = menu.addMenu("Colour")
        for colour in edits_regions.PALETTE:
            colours.addAction(_swatch(colour), colour, partial(self._recolour, label_id, colour))
        colours.addAction("Another…", partial(self._ask_colour, label))
        others = [other for other in self._board.contents.labels if other.id != label_id]
        if others:
            merge = menu.addMenu("Merge into")
            for other in others:
                merge.addAction(other.name.replace("&", "&&"), partial(self._merge, label_id, other.id))
            self._order_entries(menu, label_id)
        menu.addSeparator()
        menu.addAction("Remove…", partial(self._remove, label))
        menu.popup(point)

    def _order_entries(self, menu: QMenu, label_id: str) -> None:
        ids = [label.id for label in self._board.contents.labels]
        place = ids.index(label_id)
        if place > 0:
            menu.addAction("Move up", partial(self._swap, ids[place], ids[place - 1]))
        if place + 1 < len(ids):
            menu.addAction("Move down", partial(self._swap, ids[place + 1], ids[place]))

    def _swap(self, lower: str, upper: str) -> None:
        self._board.do(partial(edits_regions.reorder_labels, label_ids=(lower, upper)))

    def _recolour(self, label_id: str, colour: str) -> None:
        self._board.do(partial(edits_regions.recolour_label, label_id=label_id, colour=colour))

    def _ask_colour(self, label: Label) -> None:
        chosen = QColorDialog.getColor(QColor(label.colour), self, f"Colour of “{label.name}”")
        if chosen.isValid():
            self._recolour(label.id, chosen.name())

    def _merge(self, label_id: str, into: str) -> None:
        self._board.do(partial(edits_regions.merge_labels, label_ids=(label_id,), into=into))

    def _remove(self, label: Label | None) -> None:
        if label is None or not self._board.can_edit:
            return
        used = self._board.contents.used(label.id)
        text = f"“{label.name}” goes with its {plural(used, 'region')}, in all pictures. You can undo this."
        if not used or ask(self, "Remove this label?", text, accept="Remove", danger=True, name="removeLabel"):
            self._board.do(partial(edits_regions.remove_labels, label_ids=(label.id,)))


def _swatch(colour: str) -> QIcon:
    return QIcon(icons.pixmap("dot", QSize(16, 16).width(), colour=QColor(colour)))
