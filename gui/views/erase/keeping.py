"""The card for what must stay: words as chips, and the neighbours of what goes, offered."""

from __future__ import annotations

from functools import partial

from gui.views.erase import draft as drafts
from gui.views.erase.board import Board
from gui.views.erase.chips import ChipRow, Word, WordField
from gui.widgets.buttons import LinkButton
from gui.widgets.card import Card
from gui.widgets.text import Label

_OFFERED = 8


class KeepingCard(Card):
    """Follows the board."""

    def __init__(self, board: Board) -> None:
        super().__init__("What must stay", name="erase.keeping", padding=16)
        self._board = board
        self.field = WordField(
            name="erase.keep",
            spoken="What must stay as it is, in a word or two; several parted by commas",
            example="what resembles it, such as duck",
        )
        self.field.entered.connect(self._keep)
        self._kept, self._offered = ChipRow(name="erase.kept"), ChipRow(name="erase.neighbours")
        self._words = Label("These lie near what goes:", role="small", wrap=True)
        self._all = LinkButton("Keep all of these", name="erase.keepAll", on_click=self._keep_all)
        for widget in (self.field, self._kept, self._words, self._offered, self._all):
            self.body.addWidget(widget)
        board.changed.connect(self._renew)
        board.hinted.connect(self._renew)
        self._renew()

    def _renew(self) -> None:
        board = self._board
        chips = [Word(word, f"“{word}” need not stay", partial(self._let_go, word)) for word in board.draft.keep]
        self._kept.show_words(chips, otherwise=self.field)
        near = board.neighbours()[:_OFFERED]
        offers = [Word(word, f"Keep “{word}” as it is", partial(self._keep, (word,)), offered=True) for word in near]
        self._offered.show_words(offers, otherwise=self.field)
        self._words.setVisible(bool(offers))
        self._all.setVisible(len(offers) > 1)

    def _keep(self, words: tuple[str, ...]) -> None:
        self._board.put(drafts.kept(self._board.draft, words), f"Keep {', '.join(words[:3])}")

    def _keep_all(self) -> None:
        self._keep(self._board.neighbours()[:_OFFERED])

    def _let_go(self, word: str) -> None:
        left = tuple(one for one in self._board.draft.keep if one != word)
        self._board.put(self._board.draft.changed(keep=left), f"{word} need not stay")
