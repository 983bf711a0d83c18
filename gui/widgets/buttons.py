"""Buttons: one primary thing to do, quiet ones beside it, links and icons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy, QToolButton, QWidget

from gui.theme.icons import icon as drawing
from gui.widgets.text import set_tip

Kind = Literal["primary", "quiet", "danger", "link"]


def _button(text: str, kind: Kind, icon: str, name: str, on_click: Callable[[], object] | None) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("kind", kind)
    button.setObjectName(name)
    button.setAccessibleName(text)
    # Reached by the Tab key only, so that the ring shows where the keyboard is and not where the mouse was.
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAutoDefault(False)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    if icon:
        ink = {"primary": "on_accent", "danger": "bad_text", "link": "accent_text"}.get(kind, "text")
        button.setIcon(drawing(icon, ink=ink))
        button.setIconSize(QSize(20, 16))
    if on_click is not None:
        button.clicked.connect(lambda _checked=False: on_click())
    return button


def PrimaryButton(text: str, *, name: str, icon: str = "", on_click: Callable[[], object] | None = None) -> QPushButton:  # noqa: N802
    """The one thing to do next on a page."""
    return _button(text, "primary", icon, name, on_click)


def QuietButton(text: str, *, name: str, icon: str = "", on_click: Callable[[], object] | None = None) -> QPushButton:  # noqa: N802
    """Any other thing to do."""
    return _button(text, "quiet", icon, name, on_click)


def DangerButton(text: str, *, name: str, icon: str = "", on_click: Callable[[], object] | None = None) -> QPushButton:  # noqa: N802
    """Something that takes away."""
    return _button(text, "danger", icon, name, on_click)


def LinkButton(text: str, *, name: str, icon: str = "", on_click: Callable[[], object] | None = None) -> QPushButton:  # noqa: N802
    """A way to somewhere else, written as words."""
    return _button(text, "link", icon, name, on_click)


class IconButton(QToolButton):
    """A button that is only a drawing; `tip` says in words what it does, for eyes and for screen readers."""

    def __init__(
        self,
        icon: str,
        tip: str,
        *,
        name: str,
        size: int = 18,
        checkable: bool = False,
        on_click: Callable[[], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setIconSize(QSize(size, size))
        self.set_icon(icon)
        self.set_tip(tip)
        self.setCheckable(checkable)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        if on_click is not None:
            self.clicked.connect(lambda _checked=False: on_click())

    def set_icon(self, icon: str, ink: str = "muted") -> None:
        """Another drawing."""
        self.setIcon(drawing(icon, ink=ink, active="accent_text"))

    def set_tip(self, tip: str) -> None:
        """Other words for what it does."""
        set_tip(self, tip)
        self.setAccessibleName(tip)
