"""The words of one subject: what calls it, and what its own place is told."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QWidget

from engines.api.compose_words import own_words
from gui.views.combine.board import Board
from gui.widgets.sheet import Sheet
from gui.widgets.text import Label


def ask_words(board: Board, number: int, parent: QWidget) -> None:
    """Ask for the words of a subject; what is left empty is made from the prompt."""
    part = board.draft.parts[number]
    concept = board.composition().concepts[number]
    sheet = Sheet(
        parent.window(),
        f"Words of {part.name}",
        "The trigger word is the one it was taught with; the kind says what it is in ordinary words.",
        name="combine.wordsSheet",
        accept="Use these words",
    )
    meant = own_words(concept.model_copy(update={"words": ""}), board.composition())
    fields = {
        "trigger": _field(sheet, "Trigger word", part.trigger, "", "trigger"),
        "class_noun": _field(sheet, "Kind of thing", part.class_noun, "bear", "classNoun"),
        "words": _field(sheet, "What its own place is told", part.words, meant, "own"),
        "negative": _field(
            sheet, "What its own place shall not show", part.negative, "nothing in particular", "negative"
        ),
    }
    if sheet.exec():
        values = {key: field.text().strip() for key, field in fields.items()}
        board.set_part(number, f"Other words for {part.name}", **values)


def _field(sheet: Sheet, title: str, text: str, meant: str, name: str) -> QLineEdit:
    field = QLineEdit(text)
    field.setObjectName(f"combine.wordsSheet.{name}")
    field.setAccessibleName(title)
    field.setPlaceholderText(meant)
    field.setMaxLength(200 if name in {"trigger", "classNoun"} else 4000)
    sheet.body.addWidget(Label(title, role="small"))
    sheet.body.addWidget(field)
    return field
