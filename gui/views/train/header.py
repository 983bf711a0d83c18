"""The head of Train: what is taught, and the buttons that act on the training at work."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QPushButton

from engines.api.commands import Command, Pause, Resume, SampleNow, Stop
from gui.forms.quiet import quiet_wheel
from gui.services import Services
from gui.views.train.readiness import Readiness
from gui.views.train.words import plural
from gui.widgets.buttons import QuietButton
from gui.widgets.notice import Notice
from gui.widgets.page import PageHeader
from gui.workers.runs import RunView
from projects import queries


class TrainHeader(PageHeader):
    """Title, concept chooser, and Pause, Sample now, Stop and keep."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._running: RunView | None = None
        # What was asked of which training, and how it stood then: the worker answers between two steps, which can take a while.
        self._pausing: tuple[str, str] | None = None
        self._sampling: tuple[str, int] | None = None
        self._concepts = QComboBox()
        self._concepts.setObjectName("train.concept")
        self._concepts.setAccessibleName("What to teach")
        self._concepts.setMaximumWidth(220)
        quiet_wheel(self._concepts)
        self._concepts.activated.connect(lambda _i: services.session.set_concept(str(self._concepts.currentData())))
        self._pause = QuietButton("Pause", name="train.pause", on_click=self.pause_or_resume)
        self._sample = QuietButton("Sample now", name="train.sample", on_click=self.sample_now)
        self._stop = QuietButton("Stop and keep", name="train.stop", on_click=self.stop_and_keep)
        super().__init__("Train", buttons=(self._concepts, self._pause, self._sample, self._stop))

    @property
    def running(self) -> RunView | None:
        """The training the buttons act on."""
        return self._running

    def show_concept(self, readiness: Readiness) -> None:
        """Say what is taught."""
        concept = readiness.concept
        self.set_title(f"Train “{concept.name}”" if concept is not None else "Train")
        parts: list[str] = []
        if concept is not None:
            parts.append(plural(len(readiness.images), "photo"))
            if concept.trigger:
                parts.append(f"trigger word {concept.trigger}")
            if concept.class_noun:
                parts.append(f"class {concept.class_noun}")
        self.set_subtitle(", ".join(parts))
        project = self._services.session.project
        known = [(item.name, item.id) for item in queries.concepts(project)] if project is not None else []
        box = self._concepts
        if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] != known:
            box.clear()
            for name, concept_id in known:
                box.addItem(name, concept_id)
        box.setVisible(len(known) > 1)
        box.setCurrentIndex(max(box.findData(concept.id), 0) if concept is not None else -1)

    def show_run(self, running: RunView | None) -> None:
        """Offer the buttons for a training at work; None hides them."""
        fresh = running is not None and (self._running is None or running.id != self._running.id)
        self._running = running
        for button in (self._pause, self._sample, self._stop):
            button.setVisible(running is not None)
        if running is None:
            return
        state = running.state
        learning, paused = state.phase in {"training", "paused"}, state.phase == "paused"
        pausing = self._pausing == (running.id, state.phase)
        sampling = self._sampling == (running.id, len(state.samples))
        doing = ("Resuming…", "Resume") if paused else ("Pausing…", "Pause")
        _offer(self._pause, doing[0] if pausing else doing[1], enabled=learning and not pausing)
        _offer(self._sample, "Sampling…" if sampling else "Sample now", enabled=learning and not sampling)
        if fresh:
            self._stop.setEnabled(True)

    def command(self, command: Command) -> None:
        """Ask something of the training at work."""
        if self._running is not None:
            self._services.runs.command(self._running.id, command, failed=self._refused)

    def pause_or_resume(self) -> None:
        """Pause, or go on."""
        if self._running is not None and self._pause.isEnabled():
            phase = self._running.state.phase
            self._pausing = (self._running.id, phase)
            self.command(Resume() if phase == "paused" else Pause())
            self.show_run(self._running)

    def sample_now(self) -> None:
        """Have pictures made of what was learned so far."""
        if self._running is not None and self._sample.isEnabled():
            self._sampling = (self._running.id, len(self._running.state.samples))
            self.command(SampleNow())
            self.show_run(self._running)

    def stop_and_keep(self) -> None:
        """End it; what it has learned becomes the adapter."""
        if self._running is None or not self._stop.isEnabled():
            return
        self.command(Stop(keep=True))
        self._stop.setEnabled(False)
        self._services.notify(Notice("info", "Stopping", "What it has learned so far becomes the adapter."))

    def _refused(self, notice: Notice) -> None:
        self._pausing = self._sampling = None
        self.show_run(self._running)
        self._services.notify(notice)


def _offer(button: QPushButton, words: str, *, enabled: bool) -> None:
    button.setText(words)
    button.setAccessibleName(words)
    button.setEnabled(enabled)
