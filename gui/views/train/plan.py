"""The left column of Train: the choices, what they will take, and the button that starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from engines.api.job import Job
from engines.launch.forecast import best_device, outlook
from gui.services import Services
from gui.theme import tokens as design
from gui.views.train.fits import FitsCard
from gui.views.train.foresight import Foresight, Question
from gui.views.train.readiness import Readiness
from gui.views.train.setup import SetupPanel
from gui.widgets.buttons import PrimaryButton
from gui.widgets.notice import Notice
from gui.widgets.page import GUTTER, ScrollBody
from gui.widgets.text import Label
from gui.workers.runs import RunDraft, RunView

_WIDTH_PX = 344


class PlanColumn(QWidget):
    """Choices scroll; the forecast and the button stay in sight below them. `on_drawn` is called once the choices are there."""

    def __init__(self, services: Services, *, on_start: Callable[[], object], on_drawn: Callable[[], object]) -> None:
        super().__init__()
        self._services = services
        self._on_drawn = on_drawn
        self._readiness = Readiness()
        self._running: RunView | None = None
        self._setup = SetupPanel()
        self._fits = FitsCard(self._setup.use_less_memory)
        self._foresight = Foresight(services, self._fits, self._question)
        self._advice = Label(role="warning", wrap=True)
        self.start_button = PrimaryButton("Start training", name="train.start", icon="play", on_click=on_start)
        self.start_button.setMinimumHeight(40)
        self.start_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedWidth(_WIDTH_PX + design.GAP)
        scroll = ScrollBody(margins=GUTTER)
        scroll.column.addWidget(self._setup)
        foot = QVBoxLayout()
        foot.setContentsMargins(0, 0, design.GAP, 0)
        foot.setSpacing(10)
        for widget in (self._fits, self._advice, self.start_button):
            foot.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(scroll, 1)
        column.addLayout(foot)
        catalog = services.catalog
        catalog.loaded.connect(lambda _catalog: self.draw())
        catalog.failed.connect(lambda words: self._setup.say(f"What is on offer could not be read: {words}"))
        self._setup.changed.connect(self._foresight.soon)

    @property
    def drawn(self) -> bool:
        """Whether the choices are there."""
        return self._setup.ready

    def draw(self) -> None:
        """Draw the choices, once the catalog is there."""
        if self._services.catalog.catalog is not None and not self._setup.ready:
            self._setup.set_catalog(self._services.catalog.catalog)
            self._foresight.soon()
            self._on_drawn()

    def show_plan(self, readiness: Readiness, running: RunView | None) -> None:
        """Show whether it can start, and what it takes."""
        self._readiness, self._running = readiness, running
        self._refresh()

    def fill(self, job: Job) -> None:
        """Take everything over from an earlier training."""
        self._setup.fill(job)

    def turn_to(self, method: str, settings: Mapping[str, object]) -> None:
        """Teach in another way, with some settings of it."""
        self._setup.turn_to(method, settings)

    def draft(self) -> RunDraft | None:
        """What was chosen; None when something is wrong with it, which is then said and shown."""
        concept = self._readiness.concept
        problems = self._setup.problems()
        if problems:
            label, words = next(iter(problems.items()))
            self._services.notify(Notice("warning", f"{label}: {words}", "", "Correct it and start again."))
            self._setup.focus_problem()
            return None
        recipe, method = self._setup.recipe(), self._setup.job_method()
        if concept is None or recipe is None or method is None or not self._readiness.ready:
            return None
        evaluate = self._services.preferences.values.evaluate == "yes"
        return RunDraft(concept.id, concept.name, method, recipe, base=self._setup.base, evaluate=evaluate)

    def _refresh(self) -> None:
        runs = self._services.runs
        self._foresight.follow(self._running)
        busy = runs.active() is not None or bool(runs.waiting)
        self.start_button.setText("Add to the queue" if busy else "Start training")
        self.start_button.setAccessibleName(self.start_button.text())
        self.start_button.setEnabled(self._readiness.ready and self._setup.ready)
        words = " ".join(self._readiness.advice) if self._readiness.ready else self._readiness.title
        self._advice.setText(words)
        self._advice.setVisible(bool(words))

    def _question(self) -> Question | None:
        recipe, method, base = self._setup.recipe(), self._setup.job_method(), self._setup.base
        device = best_device(self._services.devices, recipe) if recipe is not None else None
        if recipe is None or method is None or device is None:
            return None
        return Question(device, lambda: outlook(base, recipe, method, device))
