"""Chips: a word or a figure on a small rounded ground."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from gui.widgets.text import restyle

Level = Literal["plain", "accent", "warning", "bad", "good"]


class Chip(QLabel):
    """One short text; `level` gives its colour. Never the only bearer of a meaning: the words say it too."""

    def __init__(
        self, text: str = "", *, level: Level = "plain", name: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setObjectName(name)
        self.setProperty("chip", level)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def set(self, text: str, level: Level = "plain") -> None:
        """Another text and colour."""
        self.setText(text)
        if self.property("chip") != level:
            self.setProperty("chip", level)
            restyle(self)
