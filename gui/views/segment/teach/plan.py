"""The left column of Teach: the choices, what they take, what is learned from, and the button that starts."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from engines.api.segment_job import SegmentJob
from engines.launch.forecast import best_device
from engines.launch.segment_forecast import segment_outlook
from gui.services import Services
from gui.theme import tokens as design
from gui.views.segment.teach.base_model import SegmentBaseSheet, base_title
from gui.views.segment.teach.choices import Choices
from gui.views.segment.teach.readiness import Readiness
from gui.views.train.fits import FitsCard
from gui.views.train.foresight import Foresight, Question
from gui.widgets.buttons import LinkButton, PrimaryButton
from gui.widgets.notice import Notice
from gui.widgets.page import GUTTER, ScrollBody
from gui.widgets.text import ElidedLabel, Label
from gui.workers.adapting import SegmentDraft
from gui.workers.runs import RunView

_WIDTH_PX = 344


class TeachPlan(QWidget):
    """Choices scroll; the forecast and the button stay in sight below them.

    Signals:
        base_chosen: another model shall answer and be taught.
    """

    base_chosen = Signal(str)

    def __init__(self, services: Services, *, on_start: Callable[[], object]) -> None:
        super().__init__()
        self._services = services
        self._readiness = Readiness()
        self._running: RunView | None = None
        self.base = "starter"
        self.choices = Choices()
        self._fits = FitsCard(self.choices.use_less_memory)
        self._foresight = Foresight(services, self._fits, self._question)
        self._sentence = Label(role="muted", wrap=True)
        self._advice = Label(role="warning", wrap=True)
        self.start_button = PrimaryButton("Start teaching", name="segment.start", icon="play", on_click=on_start)
        self.start_button.setMinimumHeight(40)
        self.start_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedWidth(_WIDTH_PX + design.GAP)
        scroll = ScrollBody(margins=GUTTER)
        scroll.column.addWidget(self._base_row())
        scroll.column.addWidget(self.choices)
        foot = QVBoxLayout()
        foot.setContentsMargins(0, 0, design.GAP, 0)
        foot.setSpacing(8)
        for widget in (self._fits, self._sentence, self._advice, self.start_button):
            foot.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(scroll, 1)
        column.addLayout(foot)
        services.catalog.loaded.connect(lambda _catalog: self.draw())
        services.catalog.failed.connect(lambda words: self.choices.say(f"What is on offer could not be read: {words}"))
        self.choices.changed.connect(self._foresight.soon)

    def draw(self) -> None:
        """Draw the choices, once the catalog is there."""
        if self._services.catalog.catalog is not None and not self.choices.drawn:
            self.choices.draw(self._services.catalog.catalog)
            self._foresight.soon()
            self._refresh()

    def show_plan(self, readiness: Readiness, running: RunView | None) -> None:
        """Show whether it can start, and what it takes."""
        self._readiness, self._running = readiness, running
        self._refresh()

    def show_base(self, base: str) -> None:
        """Another model is in use."""
        self.base = base
        self._base_words.setText(base_title(base))
        self._foresight.soon()

    def fill(self, job: SegmentJob) -> None:
        """Take everything over from an earlier adaptation."""
        self.choices.fill(job)
        self.base_chosen.emit(job.base)

    def draft(self, title: str) -> SegmentDraft | None:
        """What was chosen; None when something is wrong with it, which is then said and shown."""
        problems = self.choices.problems()
        if problems:
            label, words = next(iter(problems.items()))
            self._services.notify(Notice("warning", f"{label}: {words}", "", "Correct it and start again."))
            self.choices.focus_problem()
            return None
        recipe, method = self.choices.recipe(), self.choices.method()
        if recipe is None or method is None or not self._readiness.ready:
            return None
        return SegmentDraft(title, method, recipe, self.base)

    def _base_row(self) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(Label("Model", role="strong"))
        self._base_words = ElidedLabel(base_title(self.base), role="muted")
        line.addWidget(self._base_words, 1)
        line.addWidget(LinkButton("Change…", name="segment.base", on_click=self._choose_base))
        return row

    def _choose_base(self) -> None:
        sheet = SegmentBaseSheet(self.window(), self.base)
        if sheet.exec():
            self.base_chosen.emit(sheet.base)

    def _refresh(self) -> None:
        runs, readiness = self._services.runs, self._readiness
        self._foresight.follow(self._running)
        busy = runs.active() is not None or bool(runs.waiting)
        self.start_button.setText("Add to the queue" if busy else "Start teaching")
        self.start_button.setAccessibleName(self.start_button.text())
        self.start_button.setEnabled(readiness.ready and self.choices.drawn)
        self._sentence.setText(readiness.sentence)
        self._sentence.setVisible(bool(readiness.sentence))
        self._advice.setText(" ".join(readiness.advice))
        self._advice.setVisible(bool(readiness.advice))

    def _question(self) -> Question | None:
        recipe, method, base = self.choices.recipe(), self.choices.method(), self.base
        device = best_device(self._services.devices, recipe) if recipe is not None else None
        if recipe is None or method is None or device is None:
            return None
        return Question(device, lambda: segment_outlook(base, recipe, method, device))
