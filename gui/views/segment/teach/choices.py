"""How to teach: what the model shall answer, the way to adapt it, and every setting of both behind them."""

from __future__ import annotations

from pydantic import ValidationError
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engines.api.catalog import Catalog, MethodEntry
from engines.api.job import JobMethod
from engines.api.segment_job import SegmentJob, SegmentRecipe
from gui.forms.faces import FacedForms, Values
from gui.views.segment.teach.ways import Ways
from gui.widgets.segmented import Segmented
from gui.widgets.text import Label

_PROMPTS = {
    "both": ("Both", "It answers your clicks better, and also finds the things by itself."),
    "clicks": ("Answer clicks", "You click on a thing, it draws it better than before."),
    "automatic": ("Find by itself", "It finds everything of your labels in a picture, without a click."),
}
_FIRST = ("decoder", "sam-adapter", "lora", "salt")
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
        self._forms = FacedForms(name="segment")
        self._reference: Values = SegmentRecipe().model_dump(mode="json")
        self.ways = Ways(name="segment", first=_FIRST)
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
        return self._forms.recipe is not None

    def say(self, words: str) -> None:
        """Say why there is nothing to choose from."""
        self._words.setText(words)

    def draw(self, catalog: Catalog) -> None:
        """Draw the choices, once."""
        if self.drawn or not catalog.tuners:
            return
        self._entries = catalog.tuners
        self._words.hide()
        parts = (
            Label("What it shall do", role="strong"),
            self._prompts,
            self._sentence,
            Label("How it is taught", role="strong"),
            self.ways,
            self._forms,
        )
        self._forms.draw_recipe(catalog.segment_schema, self._reference, hidden=_HIDDEN)
        self._forms.changed.connect(self.changed)
        self._forms.turned.connect(lambda advanced: self.ways.show_papers(shown=advanced))
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
        form = self._forms.recipe
        if form is None:
            return
        self.choose_prompts(job.recipe.data.prompts)
        self.ways.choose(job.method.name)
        values = job.recipe.model_dump(mode="json")
        form.set_values(values, reference=values)
        if self._forms.own is not None:
            self._forms.own.set_values(dict(job.method.settings), reference=dict(job.method.settings))
        self.changed.emit()

    def use_less_memory(self) -> None:
        """The remedy for "does not fit": one picture at a time, and recompute instead of store."""
        if self._forms.recipe is not None:
            self._forms.recipe.set_values(
                {"loop": {"batch_size": 1, "gradient_checkpointing": True}, "data": {"objects": 4}}
            )

    def recipe(self) -> SegmentRecipe | None:
        """The chosen recipe; None while something is wrong with it."""
        form = self._forms.recipe
        if form is None or form.problems():
            return None
        values = form.values()
        values["data"]["prompts"] = self._prompts.value
        try:
            return SegmentRecipe.model_validate(values)
        except ValidationError:
            return None

    def method(self) -> JobMethod | None:
        """The chosen way with its settings; None while something is wrong with them."""
        own = self._forms.own
        if own is None or own.problems():
            return None
        return JobMethod(name=self.ways.name, settings=own.values())

    def problems(self) -> dict[str, str]:
        """Label -> what is wrong."""
        return self._forms.problems()

    def focus_problem(self) -> None:
        """Put the keyboard where something is wrong."""
        self._forms.focus_problem()

    def _prompts_chosen(self) -> None:
        self._sentence.setText(_PROMPTS[self._prompts.value][1])
        self.changed.emit()

    def _way_chosen(self, name: str) -> None:
        entry = next(entry for entry in self._entries if entry.name == name)
        self._forms.draw_own(name, entry.schema_)
        self.changed.emit()
