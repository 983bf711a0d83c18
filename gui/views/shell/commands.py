"""Binds the commands to their keys and to the palette: those of the window always, those of a page while it is in view."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from gui import opening
from gui.actions import PALETTE, Action, window_actions
from gui.services import Services


class Commands(QObject):
    """All commands of one window."""

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self.always = window_actions()
        self._page: tuple[Action, ...] = ()
        self._page_bound: list[QAction] = []
        self._bound = [self._bind(action) for action in self.always]

    def set_page(self, actions: Sequence[Action]) -> None:
        """Bind the commands of the page that has come into view, in place of the last page's."""
        for bound in self._page_bound:
            self._window.removeAction(bound)
            bound.deleteLater()
        self._page = tuple(actions)
        self._page_bound = [self._bind(action) for action in self._page]

    def run(self, action: Action) -> None:
        """Do it, if it can be done now."""
        if action.enabled(self._services):
            action.run(self._services)

    def offered(self) -> tuple[Action, ...]:
        """What the palette shows: what can be done now on this page, then in the window, then the recent projects."""
        commands = (action for action in (*self._page, *self.always) if action.id != PALETTE)
        usable = [action for action in commands if action.enabled(self._services)]
        return (*usable, *self._recent())

    def by_id(self, action_id: str) -> Action:
        """One command; `KeyError` when there is none."""
        return {action.id: action for action in (*self.always, *self._page)}[action_id]

    def fill_menu(self, menu: QMenu, ids: Sequence[str]) -> None:
        """Put commands into a menu; an empty id is a line."""
        menu.clear()
        for action_id in ids:
            if not action_id:
                menu.addSeparator()
                continue
            action = self.by_id(action_id)
            entry = menu.addAction(action.title)
            entry.setEnabled(action.enabled(self._services))
            entry.triggered.connect(partial(self._triggered, action))

    def _bind(self, action: Action) -> QAction:
        bound = QAction(action.title, self._window)
        bound.setObjectName(action.id)
        bound.setShortcuts([QKeySequence(keys) for keys in action.keys])
        bound.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        bound.triggered.connect(partial(self._triggered, action))
        self._window.addAction(bound)
        return bound

    def _triggered(self, action: Action, _checked: bool = False) -> None:
        self.run(action)

    def _recent(self) -> tuple[Action, ...]:
        return tuple(
            Action(
                f"recent.{item.root}",
                f"Open {item.name}",
                partial(_open, item.root),
                icon="folder",
                words=f"project {item.root}",
            )
            for item in self._services.recents.items
        )


def _open(root: str, services: Services) -> None:
    opening.open_path(services, Path(root), then=lambda: services.navigate("images"))
