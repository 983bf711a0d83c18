"""The words to try: one line in which the trigger word stands out, the seed, the strength, and Try."""

from __future__ import annotations

import random
import re

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QSyntaxHighlighter, QTextCharFormat, QTextDocument, QTextOption
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QPlainTextEdit, QSpinBox, QVBoxLayout, QWidget

from gui.forms.quiet import quiet_wheel, roomy
from gui.theme import tokens as design
from gui.views.compare.subject import Asked
from gui.widgets.buttons import IconButton, QuietButton
from gui.widgets.text import Label, set_tip

_HIGHEST_SEED = 2**31 - 1
_LONGEST = 2000


class PromptBar(QWidget):
    """Words, seed and, unless somebody else asks for it, strength.

    Signals:
        pressed: Try was pressed, or Enter in the words.
        edited: the words, the seed or the strength is different now.
    """

    pressed = Signal()
    edited = Signal()

    def __init__(self, *, strength: bool = True) -> None:
        super().__init__()
        self._trigger = ""
        self._news = ""
        self.field = _PromptField()
        self.field.entered.connect(self.pressed)
        self.field.textChanged.connect(self._changed)
        self._seed = QSpinBox()
        self._seed.setObjectName("compare.seed")
        self._seed.setAccessibleName("Seed")
        self._seed.setRange(0, _HIGHEST_SEED)
        self._seed.setPrefix("seed ")
        self._seed.setFixedWidth(116)
        quiet_wheel(self._seed)
        roomy(self._seed)
        self._seed.valueChanged.connect(lambda _value: self.edited.emit())
        dice = IconButton("dice", "Another seed", name="compare.dice", on_click=self._roll)
        self._strength = QDoubleSpinBox()
        self._strength.setObjectName("compare.strength")
        self._strength.setAccessibleName("Strength of the adapter")
        set_tip(self._strength, "How strongly the adapter acts: 1 as it was taught, 0 not at all")
        self._strength.setRange(0.0, 2.0)
        self._strength.setSingleStep(0.1)
        self._strength.setDecimals(2)
        self._strength.setValue(1.0)
        self._strength.setPrefix("strength ")
        self._strength.setFixedWidth(132)
        quiet_wheel(self._strength)
        roomy(self._strength)
        self._strength.valueChanged.connect(lambda _value: self.edited.emit())
        self.try_button = QuietButton("Try", name="compare.try", on_click=self.pressed.emit)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.field, 1)
        for widget in (self._seed, dice, self._strength, self.try_button):
            row.addWidget(widget)
        if not strength:
            self._strength.hide()  # showing what has no parent yet would make a window of it
        self._hint = Label(role="small", wrap=True)
        self._hint.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._hint)

    @property
    def asked(self) -> Asked:
        """What is asked for now."""
        words = self.field.toPlainText().strip()
        return Asked(words, self._seed.value(), round(self._strength.value(), 2))

    def set_all(self, prompt: str, seed: int, trigger: str) -> None:
        """Show other words, without a signal for each."""
        self._trigger = trigger
        self.field.set_trigger(trigger)
        for widget in (self.field, self._seed, self._strength):
            widget.blockSignals(True)
        self.field.setPlainText(prompt)
        self._seed.setValue(seed)
        self._strength.setValue(1.0)
        for widget in (self.field, self._seed, self._strength):
            widget.blockSignals(False)
        self._say()

    def say_news(self, news: str) -> None:
        """Say something about the pictures on show; empty for nothing."""
        self._news = news
        self._say()

    def _changed(self) -> None:
        self._say()
        self.edited.emit()

    def _say(self) -> None:
        words = self.asked.prompt
        missing = bool(words) and bool(self._trigger) and self._trigger.casefold() not in words.casefold()
        hints = [
            self._news,
            f"The words do not name “{self._trigger}”, so the adapter may not show." if missing else "",
        ]
        self._hint.setText(" ".join(hint for hint in hints if hint))
        self._hint.setVisible(any(hints))
        self.try_button.setEnabled(0 < len(words) <= _LONGEST)

    def _roll(self) -> None:
        self._seed.setValue(random.randint(0, 99_999))
        self.pressed.emit()


class _PromptField(QPlainTextEdit):
    """One line of words."""

    entered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("compare.prompt")
        self.setAccessibleName("Prompt")
        self.setPlaceholderText("Words to try")
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setWordWrapMode(QTextOption.WrapMode.NoWrap)
        self.setProperty("line", "one")
        self.setFixedHeight(34)
        self._marks = _TriggerMarks(self.document())

    def set_trigger(self, trigger: str) -> None:
        """The word that stands out."""
        self._marks.set_trigger(trigger)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter tries the words instead of breaking the line."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.entered.emit()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Mark again in the colours of another theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._marks.rehighlight()
        super().changeEvent(event)


class _TriggerMarks(QSyntaxHighlighter):
    """Colours the trigger word."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._pattern: re.Pattern[str] | None = None

    def set_trigger(self, trigger: str) -> None:
        """Another word."""
        word = trigger.strip()
        self._pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE) if word else None
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Colour one line."""
        if self._pattern is None:
            return
        look = QTextCharFormat()
        look.setForeground(design.current().colour("accent_text"))
        look.setFontWeight(QFont.Weight.DemiBold)
        for found in self._pattern.finditer(text):
            self.setFormat(found.start(), found.end() - found.start(), look)
