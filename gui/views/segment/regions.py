"""What is marked in the picture on the board, the topmost first."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QMenu, QSizePolicy, QWidget

from gui.views.segment import marks
from gui.views.segment.board import Board
from gui.views.segment.looks import NO_LABEL
from gui.views.segment.rows import Row, RowList
from gui.views.segment.scenes import Marked
from gui.views.train.words import plural
from gui.widgets.buttons import IconButton, LinkButton
from gui.widgets.card import Card
from gui.widgets.text import Label, set_tip

_TEACH = (
    "Nothing is marked in this picture yet.\n\nClick on a thing and see what the model takes it for; click again to add to it, click with the "
    "right button to take away, press Enter to keep it. Or paint it, or draw its outline."
)


class RegionsCard(Card):
    """Lists the regions; what is chosen here is chosen on the canvas too."""

    def __init__(self, board: Board) -> None:
        super().__init__(name="segment.regions", padding=12)
        self.setAccessibleName("Marks in this picture")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._board = board
        head = QHBoxLayout()
        head.setContentsMargins(4, 0, 0, 0)
        head.setSpacing(4)
        self._title = Label("In this picture", role="title")
        head.addWidget(self._title)
        head.addStretch(1)
        self._eye = IconButton("eye", "Hide all marks (H)", name="segment.hideAll", on_click=self.toggle_all)
        self._away = IconButton(
            "trash", "Remove the chosen marks (Delete)", name="segment.remove", on_click=board.remove_selected
        )
        head.addWidget(self._eye)
        head.addWidget(self._away)
        self._waiting = QWidget()
        row = QHBoxLayout(self._waiting)
        row.setContentsMargins(4, 0, 4, 2)
        row.setSpacing(14)
        self._proposed = Label(role="small")
        row.addWidget(self._proposed, 1)
        row.addWidget(LinkButton("Keep all", name="segment.keepAll", on_click=self._keep_all))
        row.addWidget(LinkButton("Drop all", name="segment.dropAll", on_click=self._drop_all))
        self._teach = Label(_TEACH, role="small", wrap=True)
        self._teach.setContentsMargins(4, 4, 4, 4)
        self._empty = QCheckBox("Checked: nothing is here")
        self._empty.setObjectName("segment.checkedEmpty")
        set_tip(
            self._empty,
            "The model learns that there is nothing to find in this picture, and the figures count what it invents (O)",
        )
        self._empty.clicked.connect(lambda checked: board.check_empty(empty=checked))
        self.list = RowList(name="segment.regionList", words="Marks in this picture", several=True)
        self.body.setSpacing(4)
        self.body.addLayout(head)
        self.body.addWidget(self._waiting)
        self.body.addWidget(self._empty)
        self.body.addWidget(self._teach)
        self.body.addWidget(self.list, 100)
        self.body.addStretch(1)
        self.list.chosen.connect(board.select)
        self.list.icon_pressed.connect(self._toggle)
        self.list.menu_asked.connect(self._menu)
        self.list.remove_asked.connect(board.remove_selected)
        board.regions_changed.connect(self._refresh)
        board.contents_changed.connect(self._refresh)
        self._refresh()

    def toggle_all(self) -> None:
        """See the picture alone, or with its marks again."""
        self._board.hide_all(hidden=not self._board.all_hidden)

    def _refresh(self) -> None:
        board = self._board
        rows = [self._row(item) for item in reversed(board.marked)]
        self.list.set_rows(rows, board.selected)
        self.list.setVisible(bool(rows))
        self._empty.setVisible(not rows and board.image is not None)
        self._empty.setChecked(board.contents.empty(board.image))
        self._empty.setEnabled(board.can_edit)
        self._teach.setVisible(not rows and board.image is not None and not board.contents.empty(board.image))
        count = len(board.proposals)
        self._waiting.setVisible(count > 0 and board.can_edit)
        self._proposed.setText(f"{plural(count, 'proposal')} to look at")
        self._title.setText(f"In this picture, {len(rows)}" if rows else "In this picture")
        self._eye.setVisible(bool(rows))
        self._eye.set_icon("hide" if board.all_hidden else "eye")
        self._eye.set_tip("Show the marks again (H)" if board.all_hidden else "Hide all marks (H)")
        self._away.setVisible(bool(board.selected) and board.can_edit)

    def _row(self, item: Marked) -> Row:
        region, image = item.region, self._board.image
        label = self._board.contents.label(region.label_id)
        name = label.name if label is not None else ""
        share = region.area / (image.width * image.height) if image is not None else 0.0
        hidden = region.id in self._board.hidden
        note = "proposal" if not region.accepted else _share(share)
        state = "hidden" if hidden else "a proposal" if not region.accepted else f"{region.area} pixels"
        return Row(
            region.id,
            name,
            label.colour if label is not None else NO_LABEL.name(),
            note,
            icon="hide" if hidden else "eye",
            faint=hidden or not region.accepted,
            tip=f"{name}, {state}",
        )

    def _toggle(self, region_id: str) -> None:
        self._board.hide(self._board.hidden ^ {region_id})

    def _menu(self, region_id: str, point: QPoint) -> None:
        board = self._board
        if not board.can_edit:
            return
        if region_id not in board.selected:
            board.select({region_id})
        chosen = tuple(board.selected)
        menu = QMenu(self)
        if set(chosen) & set(board.proposals):
            menu.addAction("Keep", lambda: board.do(marks.accept(chosen)))
        relabel = menu.addMenu("It is")
        for label in board.contents.labels:
            relabel.addAction(label.name.replace("&", "&&"), partial(self._relabel, chosen, label.id))
        menu.addAction("Show" if region_id in board.hidden else "Hide", partial(self._toggle, region_id))
        menu.addSeparator()
        menu.addAction("Remove", board.remove_selected)
        menu.popup(point)

    def _relabel(self, region_ids: tuple[str, ...], label_id: str) -> None:
        self._board.do(marks.relabel(region_ids, label_id))

    def _keep_all(self) -> None:
        self._board.do(marks.accept(self._board.proposals))

    def _drop_all(self) -> None:
        self._board.do(marks.remove(self._board.proposals))


def _share(share: float) -> str:
    """How much of the picture it covers."""
    percent = share * 100
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %" if percent >= 0.1 else "< 0.1 %"
