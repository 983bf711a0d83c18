"""The card for what must not appear: words as chips, other words for them, and what comes instead."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from gui.views.erase import draft as drafts
from gui.views.erase.asking import Hint
from gui.views.erase.board import Board
from gui.views.erase.chips import ChipRow, Word, WordField
from gui.views.erase.draft import Target
from gui.widgets.buttons import IconButton, LinkButton
from gui.widgets.card import Card, separator
from gui.widgets.layouts import clear
from gui.widgets.text import ElidedLabel, Label

_OFFERED = 4


class TargetsCard(Card):
    """Follows the board."""

    def __init__(self, board: Board) -> None:
        super().__init__("What must not appear", name="erase.targets", padding=16)
        self._board = board
        self._rows: list[TargetRow] = []
        self.field = WordField(
            name="erase.target",
            spoken="What must not appear, in a word or two; several parted by commas",
            example="snowman, a style, a name",
        )
        self.field.entered.connect(self._add)
        self._place = QVBoxLayout()
        self._place.setSpacing(10)
        self._asking = Label(role="small", wrap=True)
        self._asking.hide()
        self.body.addWidget(self.field)
        self.body.addLayout(self._place)
        self.body.addWidget(self._asking)
        board.changed.connect(self._renew)
        board.hinted.connect(self._hinted)
        self._renew()

    def _add(self, words: tuple[str, ...]) -> None:
        self._board.put(drafts.added(self._board.draft, words), f"Erase {', '.join(words[:3])}")

    def _renew(self) -> None:
        targets = self._board.draft.targets
        if len(self._rows) != len(targets):
            had = any(row.has_keyboard() for row in self._rows)
            clear(self._place)
            self._rows = [TargetRow(self._board, number) for number in range(len(targets))]
            for row in self._rows:
                self._place.addWidget(row)
            if had:
                self.field.setFocus()
        for row, target in zip(self._rows, targets, strict=True):
            row.show_target(target)
        self._hinted()

    def _hinted(self) -> None:
        asking = self._board.suggester.asking
        self._asking.setText(f"Looking for words near “{asking}”…")
        self._asking.setVisible(bool(asking) and bool(self._rows))
        for row, target in zip(self._rows, self._board.draft.targets, strict=True):
            row.show_hints(target)


class TargetRow(QWidget):
    """One concept."""

    def __init__(self, board: Board, number: int) -> None:
        super().__init__()
        self._board, self._number = board, number
        name = f"erase.target.{number}"
        self._word = ElidedLabel(role="strong")
        self._away = IconButton("close", "", name=f"{name}.remove", size=14, on_click=self._remove)
        self._instead = QLineEdit()
        self._instead.setObjectName(f"{name}.instead")
        self._instead.setPlaceholderText("nothing in particular")
        self._instead.setMaxLength(drafts.LONGEST)
        self._instead.setProperty("small", True)
        self._instead.editingFinished.connect(self._surrogate)
        self._also, self._offered = ChipRow(name=f"{name}.also"), ChipRow(name=f"{name}.offered")
        self._offer_words = Label("Other words for it? A press erases them along.", role="small", wrap=True)
        self._problem = Label(role="bad", wrap=True)
        self._again = LinkButton("Ask again", name=f"{name}.again", on_click=board.ask_again)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self._word, 1)
        head.addWidget(self._away)
        instead = QHBoxLayout()
        instead.setSpacing(8)
        instead.addWidget(Label("Instead", role="muted"))
        instead.addWidget(self._instead, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(separator())
        column.addLayout(head)
        column.addWidget(self._also)
        column.addLayout(instead)
        for widget in (self._offer_words, self._offered, self._problem, self._again):
            column.addWidget(widget)
            widget.hide()

    def has_keyboard(self) -> bool:
        """Whether the keyboard is somewhere in this row."""
        return self.focusWidget() is not None and self.focusWidget().hasFocus()

    def show_target(self, target: Target) -> None:
        """Show its words."""
        self._word.setText(target.word)
        self._away.set_tip(f"Do not erase “{target.word}”")
        self._instead.setAccessibleName(f"What comes instead of “{target.word}”")
        if not self._instead.hasFocus() or self._instead.text() != target.surrogate:
            self._instead.setText(target.surrogate)
        chips = [
            Word(word, f"Do not erase “{word}” along", partial(self._set_also, target.also, without=word))
            for word in target.also
        ]
        self._also.show_words(chips, otherwise=self._instead)

    def show_hints(self, target: Target) -> None:
        """Show what is known of them."""
        hints = [hint for word in target.words if (hint := self._board.hint(word)) is not None]
        own = self._board.hint(target.word) or Hint()
        gone = {word.casefold() for word in self._board.draft.words}
        gone |= {word.casefold() for word in (*self._board.draft.keep, target.surrogate)}
        near = [word for word in own.synonyms if word.casefold() not in gone][:_OFFERED]
        chips = [
            Word(word, f"Erase “{word}” along", partial(self._set_also, (*target.also, word)), offered=True)
            for word in near
        ]
        self._offered.show_words(chips, otherwise=self._instead)
        self._offer_words.setVisible(bool(chips))
        wrong = next((hint for hint in hints if hint.problem), None)
        self._problem.setText(wrong.problem if wrong is not None else "")
        self._problem.setVisible(wrong is not None)
        self._again.setVisible(wrong is not None and not wrong.unknown)

    def _set_also(self, also: tuple[str, ...], without: str = "") -> None:
        words = tuple(word for word in also if word != without)
        title = f"Leave out {without}" if without else f"Erase {words[-1]} along"
        self._board.put(self._board.draft.with_target(self._number, also=words), title)

    def _surrogate(self) -> None:
        words = " ".join(self._instead.text().split())
        self._board.put(self._board.draft.with_target(self._number, surrogate=words), "Change what comes instead")

    def _remove(self) -> None:
        word = self._board.draft.targets[self._number].word
        self._board.put(self._board.draft.without_target(self._number), f"Leave out {word}")
