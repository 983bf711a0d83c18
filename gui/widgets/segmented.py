"""A row of two to five choices of which exactly one holds."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from gui.widgets.text import set_tip


class Segmented(QFrame):
    """Choices side by side.

    Args:
        options: (key, words) pairs in order.
        name: object name; each choice gets `name.key`.

    Signals:
        changed: the key of the new choice.
    """

    changed = Signal(str)

    def __init__(
        self, options: Sequence[tuple[str, str]], *, name: str, label: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "segmented")
        self.setObjectName(name)
        self.setAccessibleName(label or name)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(3, 3, 3, 3)
        row.setSpacing(2)
        self._group = QButtonGroup(self)
        self._keys: list[str] = []
        for key, words in options:
            button = QPushButton(words)
            button.setProperty("kind", "segment")
            button.setObjectName(f"{name}.{key}")
            button.setAccessibleName(words)
            button.setCheckable(True)
            button.setAutoDefault(False)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            self._group.addButton(button, len(self._keys))
            self._keys.append(key)
            row.addWidget(button)
        self._group.idClicked.connect(lambda index: self.changed.emit(self._keys[index]))
        if self._keys:
            self._group.button(0).setChecked(True)

    @property
    def value(self) -> str:
        """Key of the choice that holds."""
        return self._keys[self._group.checkedId()]

    def set_value(self, key: str) -> None:
        """Choose without a signal; `ValueError` for an unknown key."""
        self._group.button(self._keys.index(key)).setChecked(True)

    def set_enabled(self, key: str, *, enabled: bool, why: str = "") -> None:
        """Offer one choice or not, with the reason as its tooltip."""
        button = self._group.button(self._keys.index(key))
        button.setEnabled(enabled)
        set_tip(button, "" if enabled else why)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Left and right move the choice."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        index = (self._group.checkedId() + step) % len(self._keys)
        button = self._group.button(index)
        if button.isEnabled():
            button.setFocus(Qt.FocusReason.TabFocusReason)
            button.click()
