"""Asks for a training's title."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QWidget

from gui.widgets.sheet import Sheet


def ask_title(parent: QWidget | None, title: str) -> str:
    """Ask for another title; empty when the person thought better of it."""
    sheet = Sheet(parent, "Rename this training", name="renameRun", accept="Rename")
    field = QLineEdit(title)
    field.setObjectName("renameRun.title")
    field.setAccessibleName("Title of the training")
    field.setMaxLength(120)
    field.selectAll()
    field.textChanged.connect(lambda text: sheet.accept_button.setEnabled(bool(text.strip())))
    sheet.body.addWidget(field)
    field.setFocus()
    return field.text().strip() if sheet.exec() else ""
