"""The buttons that act on a run at work: Pause, Sample now, Stop and keep."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from engines.api.commands import Command, Pause, Resume, SampleNow, Stop
from gui.services import Services
from gui.widgets.buttons import QuietButton
from gui.widgets.notice import Notice
from gui.workers.runs import RunView


class RunControls(QWidget):
    """Shown while there is a run to act on; `name` begins the object names of the buttons."""

    def __init__(self, services: Services, *, name: str) -> None:
        super().__init__()
        self._services = services
        self._running: RunView | None = None
        # What was asked of which run, and how it stood then: the worker answers between two steps, which can take a while.
        self._pausing: tuple[str, str] | None = None
        self._sampling: tuple[str, int] | None = None
        self._pause = QuietButton("Pause", name=f"{name}.pause", on_click=self.pause_or_resume)
        self._sample = QuietButton("Sample now", name=f"{name}.sample", on_click=self.sample_now)
        self._stop = QuietButton("Stop and keep", name=f"{name}.stop", on_click=self.stop_and_keep)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for button in (self._pause, self._sample, self._stop):
            row.addWidget(button)
        self.hide()

    @property
    def running(self) -> RunView | None:
        """The run the buttons act on."""
        return self._running

    def show_run(self, running: RunView | None) -> None:
        """Offer the buttons for a run at work; None hides them."""
        fresh = running is not None and (self._running is None or running.id != self._running.id)
        self._running = running
        self.setVisible(running is not None)
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
        """Ask something of the run at work."""
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
