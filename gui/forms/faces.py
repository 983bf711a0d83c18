"""A card of settings with a simple and an advanced face: a recipe that holds for every way to do something, and below it the chosen way's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from gui.forms.form import SettingsForm
from gui.forms.spec import Path
from gui.widgets.card import Card
from gui.widgets.segmented import Segmented
from gui.widgets.text import Label

Values = dict[str, Any]


class FacedForms(Card):
    """Holds both forms, once they are drawn. `name` begins the object names.

    Signals:
        changed: some setting is different now.
        turned: the other face shows; carries whether it is the advanced one.
    """

    changed = Signal()
    turned = Signal(bool)

    def __init__(self, *, name: str) -> None:
        super().__init__(name=f"{name}.settings", padding=16)
        self.setAccessibleName("Settings")
        self._name = name
        self.recipe: SettingsForm | None = None
        self.own: SettingsForm | None = None
        head = QHBoxLayout()
        head.addWidget(Label("Settings", role="title"))
        head.addStretch(1)
        faces = [("simple", "Simple"), ("advanced", "Advanced")]
        self._face = Segmented(faces, name=f"{name}.face", label="How many settings to show")
        self._face.changed.connect(lambda _key: self._turn())
        head.addWidget(self._face)
        self._recipe_place, self._own_place = QVBoxLayout(), QVBoxLayout()
        self.body.setSpacing(8)
        self.body.addLayout(head)
        self.body.addLayout(self._recipe_place)
        self.body.addLayout(self._own_place)

    @property
    def advanced(self) -> bool:
        """Whether the advanced face shows."""
        return self._face.value == "advanced"

    def draw_recipe(self, schema: Mapping[str, Any], values: Values, *, hidden: frozenset[Path]) -> None:
        """Draw the settings that every way has, in place of those drawn before; `values` count as unchanged."""
        self._drop(self.recipe)
        self.recipe = SettingsForm(schema, name=f"{self._name}.recipe", hidden=hidden)
        self.recipe.set_values(values, reference=values)
        self.recipe.changed.connect(self.changed)
        self.recipe.set_advanced(advanced=self.advanced)
        self._recipe_place.addWidget(self.recipe)

    def draw_own(self, way: str, schema: Mapping[str, Any]) -> None:
        """Draw the settings of another way (its registered name)."""
        self._drop(self.own)
        self.own = SettingsForm(schema, name=f"{self._name}.way.{way}.settings")
        self.own.changed.connect(self.changed)
        self.own.set_advanced(advanced=self.advanced)
        self._own_place.addWidget(self.own)

    def problems(self) -> dict[str, str]:
        """Label -> what is wrong."""
        return {label: words for form in self._forms() for label, words in form.problems().items()}

    def focus_problem(self) -> None:
        """Put the keyboard where something is wrong."""
        wrong = next((form for form in self._forms() if form.problems()), None)
        if wrong is not None:
            wrong.focus_problem()

    def _turn(self) -> None:
        for form in self._forms():
            form.set_advanced(advanced=self.advanced)
        self.turned.emit(self.advanced)

    def _forms(self) -> list[SettingsForm]:
        return [form for form in (self.recipe, self.own) if form is not None]

    @staticmethod
    def _drop(form: SettingsForm | None) -> None:
        if form is not None:
            form.hide()
            form.deleteLater()
