"""Asks for the trigger word where one is missing."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QWidget

from gui.services import Services
from gui.widgets.notice import of_error
from gui.widgets.sheet import Sheet
from projects import edits
from projects.errors import ProjectError
from projects.records import Concept


def suggested(name: str) -> str:
    """A word made of the concept's name: `Teal bear` gives `tealbear`."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())[:40]


def ask_trigger(services: Services, parent: QWidget | None, concept: Concept, text: str) -> None:
    """Ask, and store the answer; it can be undone."""
    sheet = Sheet(parent, "Choose a trigger word", text, name="trigger", accept="Use this word")
    field = QLineEdit(suggested(concept.name))
    field.setObjectName("trigger.word")
    field.setAccessibleName("Trigger word")
    field.setMaxLength(80)
    field.selectAll()
    field.textChanged.connect(lambda typed: sheet.accept_button.setEnabled(bool(typed.strip())))
    sheet.accept_button.setEnabled(bool(field.text()))
    sheet.body.addWidget(field)
    field.setFocus()
    if not sheet.exec():
        return
    word = field.text().strip()
    try:
        services.session.apply(lambda project: edits.rename_concept(project, concept.id, trigger=word))
    except ProjectError as error:
        services.notify(of_error(error))
