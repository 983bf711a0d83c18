"""Dialogs: a question, or a few fields, with one primary answer."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.theme import tokens as design
from gui.widgets.buttons import DangerButton, PrimaryButton, QuietButton
from gui.widgets.text import Label


class Sheet(QDialog):
    """A dialog with a title, a sentence, a `body` to fill, and its buttons. Escape is always "no"."""

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        text: str = "",
        *,
        name: str,
        accept: str = "OK",
        reject: str = "Cancel",
        danger: bool = False,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(460)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 20)
        column.setSpacing(design.GAP)
        column.addWidget(Label(title, role="title", wrap=True))
        if text:
            column.addWidget(Label(text, role="muted", wrap=True))
        self.body = QVBoxLayout()
        self.body.setSpacing(10)
        column.addLayout(self.body)
        column.addStretch(1)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(10)
        self.buttons.addStretch(1)
        make = DangerButton if danger else PrimaryButton
        self.accept_button: QPushButton = make(accept, name=f"{name}.accept", on_click=self.accept)
        # What takes something away wants a hand on it; the Enter key alone says no.
        default = self.accept_button
        self.reject_button: QPushButton | None = None
        if reject:
            self.reject_button = QuietButton(reject, name=f"{name}.reject", on_click=self.reject)
            self.buttons.addWidget(self.reject_button)
            default = self.reject_button if danger else default
        default.setDefault(True)
        self.buttons.addWidget(self.accept_button)
        if danger:
            default.setFocus()
        column.addLayout(self.buttons)


def ask(
    parent: QWidget | None,
    title: str,
    text: str,
    *,
    accept: str,
    reject: str = "Cancel",
    danger: bool = False,
    name: str = "ask",
) -> bool:
    """Ask a question and wait for the answer."""
    return (
        Sheet(parent, title, text, name=name, accept=accept, reject=reject, danger=danger).exec()
        == QDialog.DialogCode.Accepted
    )
