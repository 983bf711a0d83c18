"""The part that pictures play in a training: of the picture on the board, and of all of them."""

from __future__ import annotations

from collections import Counter
from functools import partial

from PySide6.QtWidgets import QHBoxLayout

from gui.views.segment.board import Board
from gui.views.segment.words import OPEN, PARTS
from gui.widgets.buttons import LinkButton
from gui.widgets.card import Card
from gui.widgets.choice_box import ChoiceBox
from gui.widgets.text import Label, set_tip
from projects import edits_regions
from projects.records import Split


class PartsCard(Card):
    """Shown once something is marked."""

    def __init__(self, board: Board) -> None:
        super().__init__(name="segment.parts", padding=12)
        self.setAccessibleName("What pictures are for")
        self._board = board
        self._choice = ChoiceBox(name="segment.part", label="What this picture is for")
        self._choice.addItem(OPEN.title, None)
        for part, words in PARTS.items():
            self._choice.addItem(words.title, part)
        self._choice.activated.connect(self._chosen)
        head = QHBoxLayout()
        head.setContentsMargins(4, 0, 4, 0)
        head.addWidget(Label("This picture", role="title"))
        head.addStretch(1)
        self._counts = Label(role="small", wrap=True)
        self._counts.setContentsMargins(4, 0, 4, 0)
        self._split = LinkButton("", name="segment.split", on_click=self._split_rest)
        foot = QHBoxLayout()
        foot.setContentsMargins(4, 0, 4, 0)
        foot.addWidget(self._split)
        foot.addStretch(1)
        self.body.setSpacing(6)
        self.body.addLayout(head)
        self.body.addWidget(self._choice)
        self.body.addWidget(self._counts)
        self.body.addLayout(foot)
        board.image_changed.connect(self._refresh)
        board.contents_changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        contents, image = self._board.contents, self._board.image
        self.setVisible(image is not None and contents.marked > 0)
        split = image.split if image is not None else None
        self._choice.setCurrentIndex(self._choice.findData(split) if split is not None else 0)
        self._choice.setEnabled(self._board.can_edit)
        marked = [image for image in contents.images if image.id in contents.accepted]
        counts = Counter(image.split for image in marked)
        parts: list[tuple[Split, str]] = [
            ("train", "to learn from"),
            ("validation", "watched"),
            ("test", "for the figures"),
        ]
        words = [f"{counts[part]} {what}" for part, what in parts if counts[part]]
        words += [f"{counts[None]} not decided"] if counts[None] else []
        self._counts.setText("Of the marked pictures: " + ", ".join(words) + "." if words else "")
        self._split.setVisible(self._board.can_edit and len(marked) > 1)
        self._split.setText("Decide for the rest" if counts[None] else "Decide anew")
        self._split.setAccessibleName(self._split.text())
        by_hand = "" if counts[None] else "Those that you chose stay. "
        set_tip(
            self._split, f"{by_hand}Pictures that resemble each other stay together, so that the figures are honest."
        )

    def _chosen(self, place: int) -> None:
        image = self._board.image
        if image is not None:
            self._board.set_split((image.id,), self._choice.itemData(place))

    def _split_rest(self) -> None:
        contents = self._board.contents
        rest = any(image.split is None for image in contents.images if image.id in contents.accepted)
        self._board.do(partial(edits_regions.split_pictures, again=not rest))
