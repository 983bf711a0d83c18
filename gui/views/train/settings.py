"""The Settings card of Train: base model, method and every setting of both, simple or advanced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engines.api.catalog import Catalog, MethodEntry, lacking
from engines.api.job import JobMethod
from engines.api.recipe import Recipe
from engines.launch.family import family_of
from gui.forms.form import SettingsForm
from gui.views.train.base_model import BaseSheet, base_title
from gui.widgets.buttons import LinkButton
from gui.widgets.card import Card, choice_card, separator
from gui.widgets.segmented import Segmented
from gui.widgets.text import ElidedLabel, Label

Values = dict[str, Any]


class SettingsCard(Card):
    """Holds the forms. `on_back` puts everything back to the preset.

    Signals:
        changed: some setting is different now.
    """

    changed = Signal()

    def __init__(self, catalog: Catalog, on_back: Callable[[], object]) -> None:
        super().__init__(name="train.settings", padding=16)
        self.setAccessibleName("Settings")
        self._catalog = catalog
        self.base = "starter"
        self.method = ""
        self._family = family_of(self.base)
        self._method_cards: dict[str, tuple[Card, Label]] = {}
        self._method_form: SettingsForm | None = None
        head = QHBoxLayout()
        head.addWidget(Label("Settings", role="title"))
        head.addStretch(1)
        faces = [("simple", "Simple"), ("advanced", "Advanced")]
        self._face = Segmented(faces, name="train.face", label="How many settings to show")
        self._face.changed.connect(lambda _key: self._show_face())
        head.addWidget(self._face)
        self._changes = LinkButton("", name="train.changes", icon="undo", on_click=on_back)
        self._changes.setAccessibleName("Put all changes back")
        self._changes.hide()
        self._recipe_form = SettingsForm(catalog.recipe_schema, name="train.recipe")
        self._recipe_form.changed.connect(self._edited)
        self._method_place = QVBoxLayout()
        self.body.setSpacing(8)
        self.body.addLayout(head)
        self.body.addWidget(self._changes)
        self.body.addWidget(self._base_row())
        self.body.addWidget(separator())
        self._methods = self._method_choice(catalog)
        self.body.addWidget(self._methods)
        self.body.addWidget(self._recipe_form)
        self.body.addLayout(self._method_place)
        self._offer()

    def set_base(self, base: str) -> None:
        """Choose another base model; a method that does not fit it is not offered."""
        self.base, self._family = base, family_of(base)
        self._base_words.setText(base_title(base))
        self._offer()
        self.changed.emit()

    def why_not(self, name: str) -> str:
        """Why a method is not on offer with the chosen base, in words; empty when it is."""
        entry = self._entry(name)
        if entry is None:
            return "This way to teach is not installed here."
        family = next((one for one in self._catalog.backbones if one.name == self._family), None)
        return entry.missing or (lacking(entry.needs, family.abilities, family.title) if family is not None else "")

    def use_method(self, name: str) -> None:
        """Choose another method; one that is not on offer is left."""
        entry = self._entry(name)
        if entry is None or name == self.method or self.why_not(name):
            return
        self.method = name
        for key, (card, _words) in self._method_cards.items():
            card.set_checked(key == name)
        if self._method_form is not None:
            self._method_form.hide()
            self._method_form.deleteLater()
        self._method_form = SettingsForm(_with_heading(entry), name=f"train.method.{name}.settings")
        self._method_form.changed.connect(self._edited)
        self._method_place.addWidget(self._method_form)
        self._show_face()
        self.changed.emit()

    def set_values(self, recipe: Values, method: Values) -> None:
        """Show values; they count as unchanged from now on. `method` goes over the method's own defaults."""
        self._recipe_form.set_values(recipe, reference=recipe)
        if self._method_form is not None:
            entry = self._entry(self.method)
            properties = entry.schema_.get("properties", {}) if entry is not None else {}
            own = {name: node["default"] for name, node in properties.items() if "default" in node}
            own.update({name: value for name, value in method.items() if name in properties})
            self._method_form.set_values(own, reference=own)

    def change(self, recipe: Values) -> None:
        """Change some settings of the recipe; they count as changed."""
        self._recipe_form.set_values(recipe)

    def change_method(self, settings: Values) -> None:
        """Change some settings of the method; they count as changed."""
        if self._method_form is not None:
            self._method_form.set_values(settings)

    def recipe_values(self) -> Values:
        """The recipe as it is in the form."""
        return self._recipe_form.values()

    def recipe(self) -> Recipe | None:
        """The recipe; None while something is wrong with it."""
        if self._recipe_form.problems():
            return None
        try:
            return Recipe.model_validate(self._recipe_form.values())
        except ValidationError:
            return None

    def job_method(self) -> JobMethod | None:
        """The method with its settings; None while there is none or something is wrong with them."""
        if self._method_form is None or self._method_form.problems():
            return None
        return JobMethod(name=self.method, settings=self._method_form.values())

    def forms(self) -> list[SettingsForm]:
        """The forms on the card."""
        return [form for form in (self._recipe_form, self._method_form) if form is not None]

    def _base_row(self) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(Label("Base model"))
        self._base_words = ElidedLabel(base_title(self.base), role="muted")
        line.addWidget(self._base_words, 1)
        line.addWidget(LinkButton("Change…", name="train.base", on_click=self._choose_base))
        return row

    def _method_choice(self, catalog: Catalog) -> QWidget:
        """The methods under their papers' names, for those who know them; the presets choose for everybody else."""
        choice = QWidget()
        column = QVBoxLayout(choice)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for entry in catalog.methods:
            column.addWidget(self._method_card(entry))
        return choice

    def _method_card(self, entry: MethodEntry) -> Card:
        card = choice_card(entry.title, entry.sentence, name=f"train.method.{entry.name}", tag=entry.tag)
        why_not = Label(role="warning", wrap=True)
        card.body.addWidget(why_not)
        if entry.paper:
            card.body.addWidget(Label(entry.paper, role="small", wrap=True))
        card.clicked.connect(lambda: self.use_method(entry.name))
        self._method_cards[entry.name] = (card, why_not)
        return card

    def _offer(self) -> None:
        """Offer the methods that fit the base, and leave one that does not."""
        for name, (card, label) in self._method_cards.items():
            words = self.why_not(name)
            card.setEnabled(not words)
            label.setText(words)
            label.setVisible(bool(words))
        if not self.method or self.why_not(self.method):
            usable = next((entry.name for entry in self._catalog.methods if not self.why_not(entry.name)), "")
            self.use_method(usable)

    def _choose_base(self) -> None:
        sheet = BaseSheet(self.window(), self.base)
        if sheet.exec():
            self.set_base(sheet.base)

    def _show_face(self) -> None:
        advanced = self._face.value == "advanced"
        self._methods.setVisible(advanced and len(self._catalog.methods) > 1)
        for form in self.forms():
            form.set_advanced(advanced=advanced)

    def _edited(self) -> None:
        count = sum(form.changes() for form in self.forms())
        self._changes.setVisible(count > 0)
        self._changes.setText(f"{count} changed; put all back")
        self._changes.setAccessibleName(self._changes.text())
        self.changed.emit()

    def _entry(self, name: str) -> MethodEntry | None:
        return next((entry for entry in self._catalog.methods if entry.name == name), None)


def _with_heading(entry: MethodEntry) -> Values:
    """The method's schema, its fields gathered under the method's name."""
    schema = dict(entry.schema_)
    properties: Values = {}
    for name, node in schema.get("properties", {}).items():
        extra = dict(node.get("lorikeet") or {})
        extra["group"] = extra.get("group") or entry.title
        properties[name] = {**node, "lorikeet": extra}
    schema["properties"] = properties
    return schema
