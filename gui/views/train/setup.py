"""How to teach: preset cards and the settings behind them, drawn from the catalog."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from engines.api.catalog import Catalog
from engines.api.job import Job, JobMethod
from engines.api.recipe import Preset, Recipe, apply_preset
from engines.launch.slots import asked_anew
from gui.views.train.settings import SettingsCard
from gui.widgets.card import Card, choice_card
from gui.widgets.text import Label, set_tip

_WIDTHS = ((70, 240), (90, 260), (50, 220))


class SetupPanel(QWidget):
    """The choices for the next training.

    Signals:
        changed: some choice is different now.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("scrollBody")
        self._presets: tuple[Preset, ...] = ()
        self._preset = ""
        self._filled: Job | None = None
        self._cards: dict[str, Card] = {}
        self._settings: SettingsCard | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        self._waiting = [_blank(_WIDTHS[place]) for place in range(len(_WIDTHS))]
        for card in self._waiting:
            self._column.addWidget(card)
        self._words = Label("Reading what is on offer…", role="muted", wrap=True)
        self._column.addWidget(self._words)
        self._column.addStretch(1)

    @property
    def ready(self) -> bool:
        """Whether the choices are drawn."""
        return self._settings is not None

    @property
    def base(self) -> str:
        """The chosen base model."""
        return self._settings.base if self._settings is not None else "starter"

    @property
    def method(self) -> str:
        """The chosen method's registered name."""
        return self._settings.method if self._settings is not None else ""

    @property
    def preset(self) -> str:
        """Name of the chosen preset; empty for none."""
        return self._preset

    def say(self, words: str) -> None:
        """Say why there is nothing to choose from."""
        self._words.setText(words)
        for card in self._waiting:
            card.hide()

    def set_catalog(self, catalog: Catalog) -> None:
        """Draw the choices, once."""
        if self._settings is not None:
            return
        for widget in (*self._waiting, self._words):
            widget.hide()
        self._presets = catalog.presets
        for place, preset in enumerate(catalog.presets):
            self._column.insertWidget(place, self._preset_card(preset))
        self._settings = SettingsCard(catalog, self._back)
        self._settings.changed.connect(self._changed)
        self._column.insertWidget(len(catalog.presets), self._settings)
        fitting = [preset for preset in catalog.presets if not self._settings.why_not(preset.method_name)]
        first = next((preset for preset in fitting if preset.recommended), fitting[0] if fitting else None)
        if first is not None:
            self.choose_preset(first.name)

    def choose_preset(self, name: str) -> None:
        """Take a preset's values; the prompts that a person wrote stay."""
        preset = next((preset for preset in self._presets if preset.name == name), None)
        if preset is None or self._settings is None or self._settings.why_not(preset.method_name):
            return
        self._filled = None
        self._check(name)
        kept = self._settings.recipe_values()["samples"]["prompts"]
        self._settings.use_method(preset.method_name)
        self._settings.set_values(apply_preset(preset).model_dump(mode="json"), dict(preset.method))
        if kept:
            self._settings.change({"samples": {"prompts": kept}})
        self.changed.emit()

    def fill(self, job: Job) -> None:
        """Take over everything from an earlier training."""
        if self._settings is None:
            return
        self._filled = job
        self._settings.set_base(job.base)
        self._settings.use_method(job.method.name)
        self._settings.set_values(job.recipe.model_dump(mode="json"), dict(asked_anew(job.method).settings))
        self._check(self._like(job))
        self.changed.emit()

    def turn_to(self, method: str, settings: Mapping[str, object]) -> None:
        """Take the preset that stands for a method, with some of its settings; without such a preset nothing changes."""
        preset = next((preset for preset in self._presets if preset.method_name == method), None)
        if preset is None or self._settings is None:
            return
        self.choose_preset(preset.name)
        if self.method == method:
            self._settings.change_method(dict(settings))

    def recipe(self) -> Recipe | None:
        """The chosen recipe; None while something is wrong with it."""
        return self._settings.recipe() if self._settings is not None else None

    def job_method(self) -> JobMethod | None:
        """The chosen method with its settings; None while something is wrong with them."""
        return self._settings.job_method() if self._settings is not None else None

    def problems(self) -> dict[str, str]:
        """Label -> what is wrong."""
        forms = self._settings.forms() if self._settings is not None else []
        return {label: words for form in forms for label, words in form.problems().items()}

    def focus_problem(self) -> None:
        """Put the keyboard where something is wrong."""
        forms = self._settings.forms() if self._settings is not None else []
        wrong = next((form for form in forms if form.problems()), None)
        if wrong is not None:
            wrong.focus_problem()

    def use_less_memory(self) -> None:
        """The remedy for "does not fit": one picture at a time, and recompute instead of store."""
        if self._settings is None:
            return
        loop = self._settings.recipe_values()["loop"]
        together = int(loop["batch_size"]) * int(loop["accumulate"])
        self._settings.change(
            {"loop": {"batch_size": 1, "accumulate": min(together, 64), "gradient_checkpointing": True}}
        )

    def _changed(self) -> None:
        """A preset whose method does not fit the base is not offered."""
        for preset in self._presets:
            words = self._settings.why_not(preset.method_name) if self._settings is not None else ""
            self._cards[preset.name].setEnabled(not words)
            set_tip(self._cards[preset.name], words)
            if words and preset.name == self._preset:
                self._check("")
        self.changed.emit()

    def _preset_card(self, preset: Preset) -> Card:
        tag = "recommended" if preset.recommended else ""
        card = choice_card(preset.title, preset.sentence, name=f"train.preset.{preset.name}", tag=tag)
        card.clicked.connect(lambda: self.choose_preset(preset.name))
        self._cards[preset.name] = card
        return card

    def _back(self) -> None:
        if self._filled is not None:
            self.fill(self._filled)
        else:
            self.choose_preset(self._preset)

    def _check(self, name: str) -> None:
        self._preset = name
        for key, card in self._cards.items():
            card.set_checked(key == name)

    def _like(self, job: Job) -> str:
        """The preset whose values a training had; empty for none. What was sampled does not count."""
        wanted = job.recipe.model_dump(exclude={"samples"})
        for preset in self._presets:
            same = (
                preset.method_name == job.method.name and apply_preset(preset).model_dump(exclude={"samples"}) == wanted
            )
            if same and all(job.method.settings.get(name) == value for name, value in preset.method.items()):
                return preset.name
        return ""


def _blank(widths: tuple[int, ...]) -> Card:
    """A card as it will be, its words still to come: the page has its shape from the first moment on."""
    card = Card(padding=14)
    card.body.setSpacing(10)
    for width in widths:
        bar = QFrame()
        bar.setProperty("role", "blank")
        bar.setFixedSize(width, 10)
        card.body.addWidget(bar)
    return card
