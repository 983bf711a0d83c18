"""How to erase: cards for the ways, in plain words, and every setting behind them."""

from __future__ import annotations

from pydantic import ValidationError
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engines.api.catalog import Catalog, MethodEntry
from engines.api.erase_job import EraseJob, EraseRecipe
from engines.api.job import JobMethod
from gui.forms.faces import FacedForms, Values
from gui.forms.spec import parse
from gui.views.segment.teach.ways import Ways
from gui.widgets.text import Label

_FIRST = ("spm", "uce", "esd")
_HIDDEN = frozenset({("loop", "text_encoder_learning_rate"), ("loop", "compile")})
_LEARNING = ("loop", "samples")
_OF_ALL = frozenset({("loop", "device"), ("loop", "precision")})


class Choices(QWidget):
    """The choices for the next erasure; drawn once the catalog is there.

    Signals:
        changed: some choice is different now.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("scrollBody")
        self._catalog: Catalog | None = None
        self._reference: Values = EraseRecipe().model_dump(mode="json")
        self.ways = Ways(name="erase", first=_FIRST)
        self.forms = FacedForms(name="erase")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        self._words = Label("Reading what is on offer…", role="muted", wrap=True)
        self._column.addWidget(self._words)
        self._column.addStretch(1)

    @property
    def drawn(self) -> bool:
        """Whether the choices are there."""
        return self._catalog is not None

    def say(self, words: str) -> None:
        """Say why there is nothing to choose from."""
        self._words.setText(words)

    def draw(self, catalog: Catalog) -> None:
        """Draw the choices, once."""
        if self.drawn or not catalog.erasers:
            return
        self._catalog = catalog
        self._words.hide()
        for place, part in enumerate((Label("How", role="strong"), self.ways, self.forms)):
            self._column.insertWidget(place, part)
        self.forms.changed.connect(self.changed)
        self.forms.turned.connect(lambda advanced: self.ways.show_papers(shown=advanced))
        self.ways.chosen.connect(self._way_chosen)
        self.ways.set_entries(catalog.erasers)
        usable = [entry.name for entry in catalog.erasers if not entry.missing]
        self.ways.choose(next((name for name in (*_FIRST, *usable) if name in usable), ""))

    def entry(self) -> MethodEntry | None:
        """The chosen way."""
        found = self._catalog.erasers if self._catalog is not None else ()
        return next((entry for entry in found if entry.name == self.ways.name), None)

    def fill(self, job: EraseJob) -> None:
        """Take the way and its settings over from an earlier erasure."""
        self.ways.choose(job.method.name)
        values, own = job.recipe.model_dump(mode="json"), dict(job.method.settings)
        if self.forms.recipe is not None:
            self.forms.recipe.set_values(values, reference=values)
        if self.forms.own is not None and self.ways.name == job.method.name:
            self.forms.own.set_values(own, reference=own)
        self.changed.emit()

    def use_less_memory(self) -> None:
        """The remedy for "does not fit": one at a time, one other word a step, and recompute instead of store."""
        if self.forms.recipe is not None and self.forms.own is not None:
            self.forms.recipe.set_values({"loop": {"batch_size": 1, "gradient_checkpointing": True}})
            if "anchors" in self.forms.own.values():
                self.forms.own.set_values({"anchors": 1})

    def recipe(self) -> EraseRecipe | None:
        """The chosen recipe; None while something is wrong with it."""
        form = self.forms.recipe
        if form is None or form.problems():
            return None
        try:
            return EraseRecipe.model_validate(form.values())
        except ValidationError:
            return None

    def method(self) -> JobMethod | None:
        """The chosen way with its settings; None while something is wrong with them."""
        own = self.forms.own
        return JobMethod(name=self.ways.name, settings=own.values()) if own is not None and not own.problems() else None

    def _way_chosen(self, name: str) -> None:
        entry = self.entry()
        if entry is None or self._catalog is None:
            return
        kept = self.forms.recipe.values() if self.forms.recipe is not None else self._reference
        # What is solved at once has no steps and no samples; their settings would only be in the way.
        paths = {spec.path for spec in parse(self._catalog.erase_schema)}
        idle = {path for path in paths if path[0] in _LEARNING and path not in _OF_ALL}
        hidden = _HIDDEN if entry.learns else _HIDDEN | idle
        self.forms.draw_recipe(self._catalog.erase_schema, self._reference, hidden=hidden)
        if self.forms.recipe is not None:
            self.forms.recipe.set_values(kept)
        self.forms.draw_own(name, entry.schema_)
        self.changed.emit()
