"""A button that opens a short menu of what it can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QMenu, QPushButton

from gui.theme.icons import icon as drawing
from gui.widgets.buttons import QuietButton


@dataclass(frozen=True)
class Entry:
    """One thing to do: words, what it calls, a drawing, whether it can be done now, and why not."""

    words: str
    run: Callable[[], object]
    icon: str = ""
    enabled: Callable[[], bool] = lambda: True
    why_not: str = ""


def MenuButton(text: str, entries: Sequence[Entry], *, name: str, icon: str = "") -> QPushButton:  # noqa: N802 - as the other buttons
    """A quiet button; its entries are looked at each time it is pressed."""

    def show() -> None:
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        for entry in entries:
            action = menu.addAction(entry.words, entry.run)
            if entry.icon:
                action.setIcon(drawing(entry.icon))
            usable = entry.enabled()
            action.setEnabled(usable)
            action.setToolTip("" if usable else entry.why_not)
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    button = QuietButton(text, name=name, icon=icon, on_click=show)
    return button
