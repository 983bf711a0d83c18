"""The tools at the left of the canvas."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QToolButton

from gui.theme.icons import icon
from gui.views.segment.hands import TOOLS, Hands
from gui.widgets.card import Card, separator
from gui.widgets.text import set_tip

_BUTTON_PX = 36


class ToolRail(Card):
    """One button a tool; below them what is done with the whole picture. `find` and `accept` are called when they are pressed."""

    def __init__(self, hands: Hands, *, find: Callable[[], object], accept: Callable[[], object]) -> None:
        super().__init__(name="segment.tools", padding=9)
        self.setAccessibleName("Tools")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._hands = hands
        self.body.setSpacing(5)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        for words in TOOLS:
            button = _button(words.key, words.icon, f"{words.title} ({words.letter})", checkable=True)
            button.clicked.connect(partial(self._take, words.key))
            self._group.addButton(button)
            self._buttons[words.key] = button
            self.body.addWidget(button)
        self.body.addWidget(separator())
        self.find_button = _button("find", "sparkle", "Find everything in this picture (F)")
        self.find_button.clicked.connect(lambda _checked=False: find())
        self.body.addWidget(self.find_button)
        self.accept_button = _button("accept", "check", "Keep it (Enter)")
        self.accept_button.clicked.connect(lambda _checked=False: accept())
        self.body.addWidget(self.accept_button)
        self.body.addStretch(1)
        hands.tool_changed.connect(self._show_tool)
        self._show_tool()

    def enable(self, *, marking: bool, accepting: bool, finding: bool) -> None:
        """Offer what can be done: marking at all, keeping what is in hand, looking for everything."""
        for key, button in self._buttons.items():
            button.setEnabled(marking or key == "pick")
        self.accept_button.setEnabled(accepting)
        self.find_button.setEnabled(finding)

    def _take(self, tool: str, _checked: bool = False) -> None:
        self._hands.take(tool)

    def _show_tool(self) -> None:
        self._buttons[self._hands.tool].setChecked(True)


def _button(key: str, drawing: str, tip: str, *, checkable: bool = False) -> QToolButton:
    button = QToolButton()
    button.setObjectName(f"segment.tool.{key}")
    button.setProperty("kind", "tool")
    button.setIcon(icon(drawing, ink="text", active="on_accent"))
    button.setIconSize(QSize(18, 18))
    button.setFixedSize(_BUTTON_PX, _BUTTON_PX)
    set_tip(button, tip)
    button.setAccessibleName(tip)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button
