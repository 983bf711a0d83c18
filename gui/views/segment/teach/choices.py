"""How to teach: what the model shall answer, the way to adapt it, and every setting of both behind them."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engines.api.catalog import Catalog, MethodEntry
from engines.api.job import JobMethod
from engines.api.segment_job import SegmentJob, SegmentRecipe
from gui.forms.form import SettingsForm
from gui.views.segment.teach.ways import Ways
from gui.widgets.card import Card
from gui.widgets.segmented import Segmented
from gui.widgets.text import Label

Values = dict[str, Any]
_PROMPTS = {
    "both": ("Both", "It answers your clicks better, and also finds the things by itself."),
    "clicks": ("Answer clicks", "You click on a thing, it draws it better than before."),
    "automatic": ("Find by itself", "It finds everything of your labels in a picture, without a click."),
}
# Shown as cards, or without meaning here: pictures are asked, not words.
_HIDDEN = frozenset(
    {
        ("data", "prompts"),
        ("samples", "prompts"),
        ("samples", "seed"),
        ("samples", "inference_steps"),
        ("samples", "guidance"),
        ("loop", "text_encoder_learning_rate"),
    }
)


class Choices(QWidget):
    """The choices for the next adaptation; drawn once the catalog is there.

    Signals:
        changed: some choice is different now.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("scrollBody")
        self._entries: tuple[MethodEntry, ...] = ()
        self._form: SettingsForm | None = None
        self._own: SettingsForm | None = None
        self._reference: Values = SegmentRecipe().model_dump(mode="json")
        self.ways = Ways()
        options = [(key, title) for key, (title, _sentence) in _PROMPTS.items()]
        self._prompts = Segmented(options, name="segment.prompts", label="What it shall do")
        self._prompts.changed.connect(lambda _key: self._prompts_chosen())
        self._sentence = Label(role="muted", wrap=True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        self._words = Label("Reading what is on offer…", role="muted", wrap=True)
        self._column.addWidget(self._words)
        self._column.addStretch(1)

    @property
    def drawn(self) -> bool:
        """Whether the choices are there."""
        return self._form is not None

    def say(self, words: str) -> None:
        """Say why there is nothing to choose from."""
        self._words.setText(words)

    def draw(self, catalog: Catalog) -> None:
        """Draw the choices, once."""
        if self._form is not None or not catalog.tuners:
            return
        self._entries = catalog.tuners
        self._words.hide()
        parts = (
            Label("What it shall do", role="strong"),
            self._prompts,
            self._sentence,
            Label("How it is taught", role="strong"),
            self.ways,
            self._settings_card(catalog),
        )
        for place, part in enumerate(parts):
            self._column.insertWidget(place, part)
        self._prompts_chosen()
        self.ways.chosen.connect(self._way_chosen)
        self.ways.set_entries(catalog.tuners)
        self.ways.choose("decoder")
        if not self.ways.name:
            self.ways.choose(catalog.tuners[0].name)

    def choose_prompts(self, key: str) -> None:
        """What the model shall answer."""
        self._prompts.set_value(key)
        self._prompts_chosen()

    def fill(self, job: SegmentJob) -> None:
        """Take everything over from an earlier adaptation."""
        if self._form is None:
            return
        self.choose_prompts(job.recipe.data.prompts)
        self.ways.choose(job.method.name)
        values = job.recipe.model_dump(mode="json")
        self._form.set_values(values, reference=values)
        if self._own is not None:
            self._own.set_values(dict(job.method.settings), reference=dict(job.method.settings))
        self.changed.emit()

    def use_less_memory(self) -> None:
        """The remedy for "does not fit": one picture at a time, and recompute instead of store."""
        if self._form is not None:
            self._form.set_values({"loop": {"batch_size": 1, "gradient_checkpointing": True}, "data": {"objects": 4}})

    def recipe(self) -> SegmentRecipe | None:
        """The chosen recipe; None while something is wrong with it."""
        if self._form is None or self._form.problems():
            return None
        values = self._form.values()
        values["data"]["prompts"] = self._prompts.value
        try:
            return SegmentRecipe.model_validate(values)
        except ValidationError:
            return None

    def method(self) -> JobMethod | None:
        """The chosen way with its settings; None while something is wrong with them."""
        if self._own is None or self._own.problems():
            return None
        return JobMethod(name=self.ways.name, settings=self._own.values())

    def problems(self) -> dict[str, str]:
        """Label -> what is wrong."""
        return {label: words for form in self._forms() for label, words in form.problems().items()}

    def focus_problem(self) -> None:
        """Put the keyboard where something is wrong."""
        wrong = next((form for form in self._forms() if form.problems()), None)
        if wrong is not None:
            wrong.focus_problem()

    def _settings_card(self, catalog: Catalog) -> Card:
        card = Card(name="segment.settings", padding=16)
        card.setAccessibleName("Settings")
        head = QHBoxLayout()
        head.addWidget(Label("Settings", role="title"))
        head.addStretch(1)
        faces = [("simple", "Simple"), ("advanced", "Advanced")]
        self._face = Segmented(faces, name="segment.face", label="How many settings to show")
        self._face.changed.connect(lambda _key: self._show_face())
        head.addWidget(self._face)
        self._form = SettingsForm(catalog.segment_schema, name="segment.recipe", hidden=_HIDDEN)
        self._form.set_values(self._reference, reference=self._reference)
        self._form.changed.connect(self.changed)
        self._place = QVBoxLayout()
        card.body.setSpacing(8)
        card.body.addLayout(head)
        card.body.addWidget(self._form)
        card.body.addLayout(self._place)
        return card

    def _prompts_chosen(self) -> None:
        self._sentence.setText(_PROMPTS[self._prompts.value][1])
        self.changed.emit()

    def _way_chosen(self, name: str) -> None:
        entry = next(entry for entry in self._entries if entry.name == name)
        if self._own is not None:
            self._own.hide()
            self._own.deleteLater()
        self._own = SettingsForm(entry.schema_, name=f"segment.way.{name}.settings")
        self._own.changed.connect(self.changed)
        self._place.addWidget(self._own)
        self._show_face()
        self.changed.emit()

    def _show_face(self) -> None:
        advanced = self._face.value == "advanced"
        self.ways.show_papers(shown=advanced)
        for form in self._forms():
            form.set_advanced(advanced=advanced)

    def _forms(self) -> list[SettingsForm]:
        return [form for form in (self._form, self._own) if form is not None]
