"""Words as chips: those that were named, which a press takes away, and those that are offered, which a press takes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QWidget

from gui.theme.icons import icon as drawing
from gui.views.erase.draft import split
from gui.widgets.buttons import QuietButton
from gui.widgets.flow import FlowLayout
from gui.widgets.layouts import clear
from gui.widgets.text import set_tip

_LONGEST = 28


@dataclass(frozen=True)
class Word:
    """A chip.

    Attributes:
        spoken: what a press does, for eyes that point and for screen readers.
        on_click: does it.
        offered: whether it is not there yet.
    """

    text: str
    spoken: str
    on_click: Callable[[], object]
    offered: bool = False


class ChipRow(QWidget):
    """Chips side by side; the keyboard stays at its place when one of them goes. `name` begins their object names."""

    def __init__(self, *, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._name = name
        self._shown: list[tuple[str, str, bool]] = []
        self._chips: list[QPushButton] = []
        self._flow = FlowLayout(self, spacing=6)
        self.hide()

    def show_words(self, words: Sequence[Word], *, otherwise: QWidget | None = None) -> None:
        """Show these; the keyboard goes to the next one, or to `otherwise`, when the chip that had it is gone."""
        shown = [(word.text, word.spoken, word.offered) for word in words]
        self.setVisible(bool(words))
        if shown == self._shown:
            return
        self._shown = shown
        focused = QApplication.focusWidget()
        at = next((place for place, chip in enumerate(self._chips) if chip is focused), -1)
        clear(self._flow)
        self._chips = [self._chip(place, word) for place, word in enumerate(words)]
        for chip in self._chips:
            self._flow.addWidget(chip)
            chip.show()  # what is not there yet cannot have the keyboard
        if at >= 0:
            after = self._chips[min(at, len(self._chips) - 1)] if self._chips else otherwise
            if after is not None:
                after.setFocus(Qt.FocusReason.TabFocusReason)
        self.updateGeometry()

    def _chip(self, place: int, word: Word) -> QPushButton:
        short = word.text if len(word.text) <= _LONGEST else f"{word.text[: _LONGEST - 1]}…"
        text = f"+ {short}" if word.offered else short
        chip = QuietButton(text.replace("&", "&&"), name=f"{self._name}.{place}", on_click=word.on_click)
        chip.setProperty("small", True)
        chip.setAccessibleName(word.spoken)
        set_tip(chip, word.spoken)
        if not word.offered:
            chip.setIcon(drawing("close", ink="muted"))
            chip.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the cross stands behind the word
        return chip


class WordField(QLineEdit):
    """A line for one word or several, parted by commas.

    Signals:
        entered: Enter was pressed, or the line was left; carries the words.
    """

    entered = Signal(object)

    def __init__(self, *, name: str, spoken: str, example: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(spoken)
        self.setPlaceholderText(example)
        self.setMaxLength(4000)
        self.editingFinished.connect(self._enter)

    def event(self, event: QEvent) -> bool:
        """An empty line has no history of its own: undo and redo are the window's then."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and not self.text():
            steps = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)
            if any(event.matches(step) for step in steps):
                event.ignore()
                return False
        return super().event(event)

    def _enter(self) -> None:
        words = split(self.text())
        if words or self.text():
            self.clear()
        if words:
            self.entered.emit(words)
