"""The left column of Images: which subjects the project holds, and the words of the one in view."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from gui import opening
from gui.models.images import dragged_ids
from gui.services import Services
from gui.theme import tokens as design
from gui.widgets.buttons import IconButton, LinkButton
from gui.widgets.card import Card
from gui.widgets.layouts import clear
from gui.widgets.mark import Mark
from gui.widgets.sheet import ask
from gui.widgets.text import ElidedLabel, Label
from projects import edits, queries
from projects.records import Concept

_CONSONANTS = "bdfgjklmnprstvz"
_VOWELS = "aeiou"
_ENDS = "bkmnrtvxz"


def invented_word(taken: frozenset[str]) -> str:
    """A short word that can be spoken and that no model has learned a meaning for."""
    while True:
        word = "".join(secrets.choice(letters) for letters in (_CONSONANTS, _VOWELS, "vzxkj", _VOWELS, _ENDS))
        if word not in taken:
            return word


class ConceptPanel(QWidget):
    """Lists the subjects and edits the words of the current one.

    Signals:
        move_asked: (ids of photos, id of the subject they were dropped on).
    """

    move_asked = Signal(object, str)

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._shown: Concept | None = None
        self._counts: dict[str, int] = {}
        self._state: object = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(design.GAP)
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        column.addLayout(self._list)
        self._add = Card(name="images.addConcept", clickable=True, padding=12)
        self._add.set_dashed(True)
        self._add.setAccessibleName("Add a subject")
        self._add.body.addWidget(Label("+ add a subject", role="muted"))
        self._add.clicked.connect(self._add_concept)
        column.addWidget(self._add)
        column.addWidget(self._words_card())
        column.addStretch(1)

    def refresh(self, counts: dict[str, int] | None = None) -> None:
        """Show the subjects as they are now; `counts` is pictures by subject."""
        if counts is not None:
            self._counts = counts
        project = self._services.session.project
        concepts = queries.concepts(project) if project is not None else ()
        state = (concepts, dict(self._counts), self._services.session.concept_id)
        if state != self._state:
            self._state = state
            self._rebuild(concepts)
        current = next((item for item in concepts if item.id == self._services.session.concept_id), None)
        self._card.setVisible(current is not None)
        self._show(current)
        editable = not self._services.session.read_only
        self._add.setEnabled(editable)
        for field in (self._name, self._trigger, self._noun):
            field.setReadOnly(not editable)
        self._dice.setEnabled(editable)
        self._remove.setVisible(editable and len(concepts) > 1)

    def _rebuild(self, concepts: tuple[Concept, ...]) -> None:
        clear(self._list)
        for concept in concepts:
            self._list.addWidget(self._row(concept))

    def commit(self) -> None:
        """Keep what is being typed."""
        for field, key in ((self._name, "name"), (self._trigger, "trigger"), (self._noun, "class_noun")):
            self._edited(field, key)

    def _words_card(self) -> Card:
        card = self._card = Card(name="images.words", padding=16)
        card.setAccessibleName("The words of this subject")
        card.body.setSpacing(5)
        self._name = _field("images.name", "Name", "What you call it", 120)
        self._trigger = _field("images.trigger", "Trigger word", "A word of its own", 60)
        self._noun = _field("images.noun", "Class", "Such as dog, mug, person", 60)
        self._dice = IconButton("dice", "Invent a trigger word", name="images.invent", on_click=self._invent)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._trigger, 1)
        row.addWidget(self._dice)
        for title, widget, help_text in (
            ("Name", self._name, ""),
            (
                "Trigger word",
                row,
                "Write it in a prompt to call this subject up. A made-up word works best: it has no other meaning.",
            ),
            ("Class", self._noun, "The ordinary word for what it is. The model starts from what it knows of that."),
        ):
            card.body.addSpacing(4)
            card.body.addWidget(Label(title, role="strong"))
            if isinstance(widget, QWidget):
                card.body.addWidget(widget)
            else:
                card.body.addLayout(widget)
            if help_text:
                card.body.addWidget(Label(help_text, role="small", wrap=True))
        self._name.editingFinished.connect(lambda: self._edited(self._name, "name"))
        self._trigger.editingFinished.connect(lambda: self._edited(self._trigger, "trigger"))
        self._noun.editingFinished.connect(lambda: self._edited(self._noun, "class_noun"))
        self._remove = LinkButton("Remove this subject…", name="images.removeConcept", on_click=self._remove_concept)
        card.body.addSpacing(4)
        foot = QHBoxLayout()
        foot.addWidget(self._remove)
        foot.addStretch(1)
        card.body.addLayout(foot)
        return card

    def _row(self, concept: Concept) -> Card:
        colour = design.concept_colour(concept.position)
        card = _SubjectCard(f"images.concept.{concept.id}", colour.name())
        card.dropped.connect(lambda ids: self.move_asked.emit(ids, concept.id))
        card.set_checked(concept.id == self._services.session.concept_id)
        count = self._counts.get(concept.id, 0)
        card.setAccessibleName(f"{concept.name}, {count} photos")
        row = QHBoxLayout()
        row.setSpacing(9)
        row.addWidget(Mark("dot", 20, colour=colour))
        row.addWidget(ElidedLabel(concept.name, role="strong"), 1)
        row.addWidget(Label(str(count), role="muted"))
        card.body.addLayout(row)
        card.clicked.connect(partial(self._choose, concept.id))
        return card

    def _show(self, concept: Concept | None) -> None:
        same = concept is not None and self._shown is not None and concept.id == self._shown.id
        pairs: tuple[tuple[QLineEdit, Callable[[Concept], str]], ...] = (
            (self._name, lambda item: item.name),
            (self._trigger, lambda item: item.trigger),
            (self._noun, lambda item: item.class_noun),
        )
        for field, read in pairs:
            # What is being typed stays, unless another subject came into view.
            if not (same and field.hasFocus() and field.isModified()):
                text = read(concept) if concept is not None else ""
                if text != field.text():  # or what is selected, to be typed over, would not be any more
                    field.setText(text)
        self._shown = concept

    def _choose(self, concept_id: str) -> None:
        self.commit()
        self._services.session.set_concept(concept_id)

    def _edited(self, field: QLineEdit, key: str) -> None:
        concept = self._shown
        if concept is None or not field.isModified() or self._services.session.read_only:
            return
        field.setModified(False)
        text = field.text().strip()
        if text == getattr(concept, key) or (key == "name" and not text):
            field.setText(getattr(concept, key))
            return
        changes = {key: text}
        opening.apply(self._services, lambda project: edits.rename_concept(project, concept.id, **changes))

    def _invent(self) -> None:
        project, concept = self._services.session.project, self._shown
        if project is None or concept is None:
            return
        taken = frozenset(item.trigger for item in queries.concepts(project))
        word = invented_word(taken)
        opening.apply(self._services, lambda opened: edits.rename_concept(opened, concept.id, trigger=word))

    def _add_concept(self) -> None:
        self.commit()
        project = self._services.session.project
        if project is None:
            return
        name = f"Subject {len(queries.concepts(project)) + 1}"
        taken = frozenset(item.trigger for item in queries.concepts(project))
        if opening.apply(self._services, lambda opened: edits.add_concept(opened, name, trigger=invented_word(taken))):
            self._services.session.set_concept(queries.concepts(project)[-1].id)
            self._name.setFocus()
            self._name.selectAll()

    def _remove_concept(self) -> None:
        concept = self._shown
        if concept is None:
            return
        count = self._counts.get(concept.id, 0)
        text = f"“{concept.name}” goes with its {count} photo{'s' if count != 1 else ''}. What was trained from them stays. You can undo this."
        if ask(self, "Remove this subject?", text, accept="Remove", danger=True, name="removeConcept"):
            opening.apply(self._services, lambda project: edits.remove_concept(project, concept.id))


class _SubjectCard(Card):
    """A subject of the list; photos of another one can be dropped on it, which `dropped` tells with their ids."""

    dropped = Signal(object)

    def __init__(self, name: str, accent: str) -> None:
        super().__init__(name=name, clickable=True, padding=12, accent=accent)
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Photos that are somewhere else already may land here."""
        if dragged_ids(event.mimeData()) and not self.is_checked():
            event.acceptProposedAction()
            self.set_ringed(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        """They went on."""
        super().dragLeaveEvent(event)
        self.set_ringed(False)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Take them, once the drag is over: the list is built anew then."""
        event.acceptProposedAction()
        self.set_ringed(False)
        ids = dragged_ids(event.mimeData())
        QTimer.singleShot(0, self, lambda: self.dropped.emit(ids))


def _field(name: str, words: str, placeholder: str, longest: int) -> QLineEdit:
    field = QLineEdit()
    field.setObjectName(name)
    field.setAccessibleName(words)
    field.setPlaceholderText(placeholder)
    field.setMaxLength(longest)
    return field
