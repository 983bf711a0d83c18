"""Manners of choices and number boxes: the mouse wheel scrolls the page instead of changing them, and their text has room."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractSpinBox, QWidget

_ROOM_PX = 8


class _WheelGuard(QObject):
    """Hands every wheel turn on to the widget's parent."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Let wheel events through to the scrolling page."""
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        return super().eventFilter(watched, event)


def quiet_wheel(widget: QWidget) -> None:
    """Make `widget` deaf to the wheel and to focus by wheel."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_WheelGuard(widget))


def roomy(box: QAbstractSpinBox) -> None:
    """Give the text of a number box the room at its left that other fields have; a style sheet's padding does not reach it."""
    box.lineEdit().setTextMargins(_ROOM_PX, 0, 0, 0)
