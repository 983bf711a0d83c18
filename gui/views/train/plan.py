"""The left column of Train: the choices, what they will take, and the button that starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from engines.api.catalog import DeviceEntry
from engines.api.job import Job
from engines.launch.forecast import Outlook, best_device, outlook
from gui.services import Services
from gui.theme import tokens as design
from gui.views.train.estimate import during, from_outlook
from gui.views.train.fits import FitsCard
from gui.views.train.readiness import Readiness
from gui.views.train.setup import SetupPanel
from gui.widgets.buttons import PrimaryButton
from gui.widgets.notice import Notice
from gui.widgets.page import GUTTER, ScrollBody
from gui.widgets.text import Label
from gui.workers.background import Task
from gui.workers.runs import RunDraft, RunView

_WIDTH_PX = 344
_PAUSE_MS = 150


class PlanColumn(QWidget):
    """Choices scroll; the forecast and the button stay in sight below them. `on_drawn` is called once the choices are there."""

    def __init__(self, services: Services, *, on_start: Callable[[], object], on_drawn: Callable[[], object]) -> None:
        super().__init__()
        self._services = services
        self._on_drawn = on_drawn
        self._readiness = Readiness()
        self._running: RunView | None = None
        self._asked: Task[Outlook] | None = None
        # The forecast reads files, so it waits until somebody has stopped typing, and is made beside the window.
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._forecast)
        self._setup = SetupPanel()
        self._fits = FitsCard(self._setup.use_less_memory)
        self._advice = Label(role="warning", wrap=True)
        self.start_button = PrimaryButton("Start training", name="train.start", icon="play", on_click=on_start)
        self.start_button.setMinimumHeight(40)
        self.start_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._fits.hide()
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
        services.hardware_found.connect(self._pause.start)
        self._setup.changed.connect(self._pause.start)

    @property
    def drawn(self) -> bool:
        """Whether the choices are there."""
        return self._setup.ready

    def draw(self) -> None:
        """Draw the choices, once the catalog is there."""
        if self._services.catalog.catalog is not None and not self._setup.ready:
            self._setup.set_catalog(self._services.catalog.catalog)
            self._pause.start()
            self._on_drawn()

    def show_plan(self, readiness: Readiness, running: RunView | None) -> None:
        """Show whether it can start, and what it takes."""
        if running is None and self._running is not None:
            self._asked = None  # it was measured meanwhile, so the forecast for the next one is better now
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
        if self._running is not None:
            self._fits.show_estimate(during(self._running.state, self._services.devices))
            self._fits.show()
        elif self._asked is None:
            self._pause.start()
        busy = runs.active() is not None or bool(runs.waiting)
        self.start_button.setText("Add to the queue" if busy else "Start training")
        self.start_button.setAccessibleName(self.start_button.text())
        self.start_button.setEnabled(self._readiness.ready and self._setup.ready)
        words = " ".join(self._readiness.advice) if self._readiness.ready else self._readiness.title
        self._advice.setText(words)
        self._advice.setVisible(bool(words))

    def _forecast(self) -> None:
        recipe, method, base = self._setup.recipe(), self._setup.job_method(), self._setup.base
        device = best_device(self._services.devices, recipe) if recipe is not None else None
        if recipe is None or method is None or device is None or self._running is not None:
            self._fits.setVisible(self._running is not None)
            return
        if self._asked is not None:
            self._asked.cancel()
        self._asked = self._services.background.run(
            lambda _task: outlook(base, recipe, method, device),
            done=lambda made: self._forecast_came(made, device),
            failed=lambda _notice: self._fits.hide(),
        )

    def _forecast_came(self, made: Outlook, device: DeviceEntry) -> None:
        if self._running is None:
            self._fits.show_estimate(from_outlook(made, device))
            self._fits.show()
