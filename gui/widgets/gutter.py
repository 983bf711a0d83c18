"""A column that scrolls without moving: its scroll bar stands in the gap beside the cards, which keep their width when it appears."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gui.theme import tokens as design

_BAR_PX = 12


class GutterScroll(QScrollArea):
    """Put things into `column`. The area is wider than its cards by one gap, in which the bar comes and goes."""

    def __init__(self, *, spacing: int = design.GAP, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)
        inner = QWidget()
        inner.setObjectName("scrollBody")
        self.column = QVBoxLayout(inner)
        self.column.setContentsMargins(0, 0, design.GAP, 0)
        self.column.setSpacing(spacing)
        self.setWidget(inner)
        inner.setAutoFillBackground(False)  # Qt turns it on for whatever it scrolls
        self.verticalScrollBar().rangeChanged.connect(self._make_room)

    def _make_room(self, _low: int, high: int) -> None:
        # Only the margin moves, so the cards stay where they are.
        self.column.setContentsMargins(0, 0, design.GAP - _BAR_PX if high > 0 else design.GAP, 0)
