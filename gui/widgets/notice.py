"""Notices: what happened, in plain words, with the way out; one at a time at the foot of the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.widgets.buttons import IconButton, QuietButton
from gui.widgets.layouts import clear
from gui.widgets.mark import Mark
from gui.widgets.text import Label
from projects.errors import UserError

Level = Literal["info", "good", "warning", "bad"]
_ICONS: dict[Level, tuple[str, str]] = {
    "info": ("info", "accent"),
    "good": ("done", "good"),
    "warning": ("warning", "warning"),
    "bad": ("error", "bad"),
}


@dataclass(frozen=True)
class Notice:
    """One message.

    Attributes:
        level: info and good go away by themselves after a while; warning and bad stay until they are closed.
        hint: what to do about it; empty for nothing.
        actions: (words, what to call) pairs, shown as buttons.
        stays: it stays until it is closed, whatever its level: news of something that took long.
    """

    level: Level
    title: str
    text: str = ""
    hint: str = ""
    actions: tuple[tuple[str, Callable[[], object]], ...] = ()
    stays: bool = False

    @property
    def lasting(self) -> bool:
        """Whether it stays until it is closed."""
        return self.stays or self.level in {"warning", "bad"}


def of_error(
    error: UserError, *, level: Level = "bad", actions: tuple[tuple[str, Callable[[], object]], ...] = ()
) -> Notice:
    """The notice for an expected failure."""
    return Notice(level, error.title, error.what, error.hint, actions)


class NoticeBar(QFrame):
    """Shows the newest notice; others wait their turn behind it."""

    STAY_MS = 7000

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noticeBar")
        self.setAccessibleName("Notice")
        self._waiting: list[Notice] = []
        self._shown: Notice | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 10, 12)
        row.setSpacing(12)
        self._icon = Mark("info", 22, ink="accent")
        words = QVBoxLayout()
        words.setSpacing(2)
        self._title = Label(role="strong", wrap=True)
        self._text = Label(wrap=True, selectable=True)
        self._hint = Label(role="muted", wrap=True)
        for label in (self._title, self._text, self._hint):
            words.addWidget(label)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        row.addWidget(self._icon)
        row.addLayout(words, 1)
        row.addLayout(self._buttons)
        row.addWidget(IconButton("close", "Close this notice", name="noticeBar.close", on_click=self.close_current))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.close_current)
        self.hide()

    @property
    def shown(self) -> Notice | None:
        """The notice on show."""
        return self._shown

    def show_notice(self, notice: Notice) -> None:
        """Show a notice; what was shown and still needs an answer comes back when this one is closed."""
        if self._shown is not None and self._shown.lasting and self._shown != notice:
            self._waiting.append(self._shown)
        self._present(notice)

    def height_at(self, width: int) -> int:
        """The height that shows all of the notice at this width."""
        layout = self.layout()
        return layout.totalHeightForWidth(width) if layout is not None else self.sizeHint().height()

    def close_passing(self) -> None:
        """Put away a notice that only told of something under way."""
        if self._shown is not None and self._shown.level == "info":
            self.close_current()

    def close_current(self) -> None:
        """Put the notice away."""
        self._timer.stop()
        self._shown = None
        if self._waiting:
            self._present(self._waiting.pop())
        else:
            self.hide()

    def _present(self, notice: Notice) -> None:
        self._shown = notice
        icon, ink = _ICONS[notice.level]
        self._icon.set_icon(icon, ink)
        for label, text in ((self._title, notice.title), (self._text, notice.text), (self._hint, notice.hint)):
            label.setText(text)
            label.setVisible(bool(text))
        clear(self._buttons)
        for index, (words, call) in enumerate(notice.actions):
            button = QuietButton(words, name=f"noticeBar.action{index}", on_click=partial(self._act, call))
            self._buttons.addWidget(button)
            button.show()  # a layout counts only what is shown, and the bar's height is asked for at once
        if notice.lasting:
            self._timer.stop()
        else:
            self._timer.start(self.STAY_MS)
        self.show()
        self.raise_()

    def _act(self, call: Callable[[], object]) -> None:
        self.close_current()
        call()
