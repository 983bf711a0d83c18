"""The rail at the left: eight places, and Preferences at its foot."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QToolButton, QVBoxLayout, QWidget

from gui.theme.icons import icon
from gui.views import PLACES, PREFERENCES, Place
from gui.widgets.text import set_tip

WIDTH_PX = 76


class Rail(QWidget):
    """Sends `chosen` with the key of a place."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAccessibleName("Places")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH_PX)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 12, 8, 12)
        column.setSpacing(4)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        for number, place in enumerate(PLACES, start=1):
            column.addWidget(self._button(place, f"Ctrl+{number}"))
        column.addStretch(1)
        column.addWidget(self._button(PREFERENCES, "Ctrl+,"))

    def show_place(self, key: str) -> None:
        """Mark the place that is in view."""
        self._buttons[key].setChecked(True)

    def button(self, key: str) -> QToolButton:
        """The button of a place."""
        return self._buttons[key]

    def _button(self, place: Place, keys: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"rail.{place.key}")
        button.setProperty("kind", "rail")
        button.setAccessibleName(place.title)
        button.setAccessibleDescription(place.help)
        button.setText(place.title if place is not PREFERENCES else "Settings")
        set_tip(button, f"{place.help} ({keys})")
        button.setIcon(icon(place.icon, ink="muted", active="accent_text"))
        button.setIconSize(QSize(20, 20))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.setFixedSize(WIDTH_PX - 16, 56)
        button.clicked.connect(partial(self._clicked, place.key))
        self._group.addButton(button)
        self._buttons[place.key] = button
        return button

    def _clicked(self, key: str, _checked: bool = False) -> None:
        self.chosen.emit(key)
