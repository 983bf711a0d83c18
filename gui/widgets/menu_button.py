"""A button that opens a short menu of what it can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QPushButton

from gui.theme.icons import icon as drawing
from gui.widgets.buttons import QuietButton
from gui.widgets.text import set_tip


@dataclass(frozen=True)
class Entry:
    """One thing to do.

    Attributes:
        icon: a drawing; empty for none.
        enabled: whether it can be done now; `why_not` says why it cannot.
        checked: whether it is the choice that holds; None when it is no choice.
    """

    words: str
    run: Callable[[], object]
    icon: str = ""
    enabled: bool = True
    why_not: str = ""
    checked: bool | None = None


def MenuButton(  # noqa: N802 - as the other buttons
    text: str, entries: Callable[[], Sequence[Entry | None]], *, name: str, icon: str = ""
) -> QPushButton:
    """A quiet button; `entries` are asked for each time it is pressed, None being a line between them."""

    def show() -> None:
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        for entry in entries():
            if entry is None:
                menu.addSeparator()
                continue
            action = menu.addAction(entry.words.replace("&", "&&"), entry.run)
            action.setEnabled(entry.enabled)
            set_tip(action, "" if entry.enabled else entry.why_not)
            if entry.icon:
                action.setIcon(drawing(entry.icon))
            if entry.checked is not None:
                action.setCheckable(True)
                action.setChecked(entry.checked)
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    button = QuietButton(text, name=name, icon=icon, on_click=show)
    if icon == "chevron-down":
        button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # an arrow stands behind the words
    return button
