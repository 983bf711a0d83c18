"""A drawing that stands by itself, in a colour that follows the theme."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui.theme import icons
from gui.theme import tokens as design


class Mark(QWidget):
    """Shows one of `resources/icons`.

    Args:
        icon: its name.
        size: edge in pixels.
        ink: the token it is drawn in.
        colour: a fixed colour in place of a token (to tell subjects apart).
    """

    def __init__(
        self, icon: str, size: int, *, ink: str = "muted", colour: QColor | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._icon = icon
        self._ink = ink
        self._colour = colour
        self.setFixedSize(size, size)

    def set_icon(self, icon: str, ink: str) -> None:
        """Another drawing."""
        self._icon, self._ink = icon, ink
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name
        """Draw it."""
        colour = self._colour or design.current().colour(self._ink)
        with QPainter(self) as painter:
            icons.paint(painter, self._icon, QRectF(self.rect()), colour)
