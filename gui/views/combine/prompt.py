"""The sentence for the whole picture: chips put subjects into it, and what is missing is said with its remedy."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QKeyEvent,
    QKeySequence,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextDocument,
)
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from engines.api.prompts import with_article
from gui.theme import tokens as design
from gui.views.combine.board import Board
from gui.views.combine.draft import MOST_SEEDS, Part, called
from gui.widgets.buttons import IconButton, LinkButton, QuietButton
from gui.widgets.flow import FlowLayout
from gui.widgets.layouts import clear
from gui.widgets.number import NumberBox
from gui.widgets.text import Label

_PAUSE_MS = 700
_HIGHEST_SEED = 2**31 - 1 - MOST_SEEDS
_LONGEST = 20_000
_MOST_REMARKS = 3


class PromptPanel(QWidget):
    """Words, chips, seed and number of pictures; it follows the board.

    Signals:
        entered: Control and Enter were pressed in the words.
    """

    entered = Signal()

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board
        self._drawn: object = None
        self.field = _PromptField()
        self.field.left.connect(self.keep)
        self.field.entered.connect(self._enter)
        self.field.textChanged.connect(self._typed)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self.keep)
        chips = QWidget()
        self._chips = FlowLayout(chips, spacing=6)
        self._remarks = QVBoxLayout()
        self._remarks.setSpacing(4)
        self._seed = NumberBox(0, _HIGHEST_SEED, name="combine.seed", words="First seed")
        self._seed.setPrefix("seed ")
        self._seed.setFixedWidth(128)
        self._seed.valueChanged.connect(lambda value: self._set("Another seed", seed=value))
        self._count = NumberBox(1, MOST_SEEDS, name="combine.count", words="How many pictures, on seeds that follow")
        self._count.setFixedWidth(118)
        self._count.valueChanged.connect(lambda value: self._set("Another number of pictures", count=value))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(chips, 1)
        row.addWidget(self._seed)
        row.addWidget(IconButton("dice", "Another seed", name="combine.dice", on_click=self._roll))
        row.addWidget(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addLayout(row)
        column.addLayout(self._remarks)
        board.changed.connect(self._renew)
        self._renew()

    def insert(self, number: int) -> None:
        """Put a subject's words where the cursor is, with an article and what parts them from their neighbours."""
        cursor = self.field.textCursor()
        text = self.field.toPlainText()
        before, after = text[: cursor.selectionStart()], text[cursor.selectionEnd() :]
        words = called(self._board.draft.parts[number])
        phrase = words if re.search(r"\b(an?|the)\s*$", before, re.IGNORECASE) else with_article(words)
        front = "" if not before or before[-1].isspace() else " "
        back = "" if not after or not after[0].isalnum() else " "
        cursor.insertText(f"{front}{phrase}{back}")
        self.field.setFocus()
        self.keep()

    def keep(self) -> None:
        """Take the words as they are into the layout."""
        self._pause.stop()
        self._set("Other words", prompt=self.field.toPlainText()[:_LONGEST])

    def _enter(self) -> None:
        self.keep()
        self.entered.emit()

    def _typed(self) -> None:
        if self.field.toPlainText() != self._board.draft.prompt:
            self._pause.start()

    def _set(self, title: str, **values: object) -> None:
        self._board.put(self._board.draft.changed(**values), title)

    def _roll(self) -> None:
        self._set("Another seed", seed=random.randint(0, 99_999))

    def _renew(self) -> None:
        draft = self._board.draft
        self.field.blockSignals(True)
        if self.field.toPlainText() != draft.prompt and not self._pause.isActive():
            self.field.setPlainText(draft.prompt)
        self.field.set_parts(draft.parts)
        self.field.blockSignals(False)
        for box, value in ((self._seed, draft.seed), (self._count, draft.count)):
            box.blockSignals(True)
            box.setValue(min(value, box.maximum()))
            box.blockSignals(False)
        self._count.setSuffix(" picture" if draft.count == 1 else " pictures")
        remarks = self._board.remarks()[:_MOST_REMARKS]
        drawn = (tuple(called(part) for part in draft.parts), remarks)
        if drawn != self._drawn:
            self._drawn = drawn
            clear(self._chips)
            for number, part in enumerate(draft.parts):
                self._chips.addWidget(self._chip(number, part))
            clear(self._remarks)
            for place, remark in enumerate(remarks):
                self._remarks.addWidget(self._remark(place, remark.text, remark.prompt))

    def _chip(self, number: int, part: Part) -> QWidget:
        chip = QuietButton(f"+ {called(part)}", name=f"combine.chip.{number}", on_click=lambda: self.insert(number))
        chip.setProperty("small", True)
        chip.setAccessibleName(f"Put “{called(part)}” into the prompt")
        return chip

    def _remark(self, place: int, text: str, mended: str) -> QWidget:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(Label(text, role="warning", wrap=True), 1)
        mend = LinkButton(
            "Put it in", name=f"combine.mend.{place}", on_click=lambda: self._set("Mend the words", prompt=mended)
        )
        mend.setAccessibleName(f"Put it in: {text}")
        row.addWidget(mend)
        return line


class _PromptField(QPlainTextEdit):
    """A few lines of words. Tab leads on.

    Signals:
        entered: Control and Enter.
        left: the keyboard is elsewhere now.
    """

    entered = Signal()
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("combine.prompt")
        self.setAccessibleName("Prompt for the whole picture")
        self.setPlaceholderText("What the whole picture shall show, in a sentence that names each subject")
        self.setTabChangesFocus(True)
        self.setFixedHeight(62)
        self.setUndoRedoEnabled(False)
        self._marks = _WordMarks(self.document())

    def set_parts(self, parts: Sequence[Part]) -> None:
        """Words that stand out, each in its subject's colour."""
        self._marks.set_words([part.trigger or part.class_noun for part in parts])

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Control and Enter makes the pictures."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and event.modifiers():
            self.entered.emit()
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """There is one history for the whole page: undo and redo are the window's, here too."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            steps = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)
            if any(event.matches(step) for step in steps):
                self.left.emit()
                event.ignore()
                return False
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """What was typed counts."""
        super().focusOutEvent(event)
        self.left.emit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Mark again in the colours of another theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._marks.rehighlight()
        super().changeEvent(event)


class _WordMarks(QSyntaxHighlighter):
    """Underlines each subject's word in its colour; the word itself keeps the ink that is easy to read."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._words: list[str] = []

    def set_words(self, words: Sequence[str]) -> None:
        """Other words, in the order of the subjects."""
        if list(words) != self._words:
            self._words = list(words)
            self.rehighlight()

    def highlightBlock(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Mark one line."""
        for number, word in enumerate(self._words):
            if not word.strip():
                continue
            look = QTextCharFormat()
            look.setFontWeight(QFont.Weight.DemiBold)
            look.setFontUnderline(True)
            look.setUnderlineColor(design.concept_colour(number))
            look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
            for found in re.finditer(rf"(?<!\w){re.escape(word.strip())}(?!\w)", text, re.IGNORECASE):
                self.setFormat(found.start(), found.end() - found.start(), look)
