"""What a job will take, told beside its choices: asked for when somebody has stopped choosing, and made beside the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer

from engines.api.catalog import DeviceEntry
from engines.launch.forecast import Outlook
from gui.services import Services
from gui.views.train.estimate import during, from_outlook
from gui.views.train.fits import FitsCard
from gui.workers.background import Task
from gui.workers.runs import RunView

_PAUSE_MS = 150


@dataclass(frozen=True)
class Question:
    """A forecast to be made: on which device, and how; `outlook` reads files and runs on another thread."""

    device: DeviceEntry
    outlook: Callable[[], Outlook]


class Foresight(QObject):
    """Fills a card. `ask` says what is to be foreseen at the moment, None while that cannot be said."""

    def __init__(self, services: Services, card: FitsCard, ask: Callable[[], Question | None]) -> None:
        super().__init__(card)
        self._services, self._card, self._ask = services, card, ask
        self._running: RunView | None = None
        self._asked: Task[Outlook] | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._foresee)
        card.hide()
        services.hardware_found.connect(self._pause.start)

    def soon(self) -> None:
        """Something was chosen; it is looked at when nothing more comes for a moment."""
        self._pause.start()

    def follow(self, running: RunView | None) -> None:
        """Tell of the run at work instead, or of what is chosen when there is none."""
        if running is None and self._running is not None:
            self._asked = None  # it was measured meanwhile, so the forecast for the next one is better now
        self._running = running
        if running is not None:
            self._card.show_estimate(during(running.state, self._services.devices))
            self._card.show()
        elif self._asked is None:
            self._pause.start()

    def _foresee(self) -> None:
        question = self._ask() if self._running is None else None
        if question is None:
            self._card.setVisible(self._running is not None)
            return
        if self._asked is not None:
            self._asked.cancel()
        self._asked = self._services.background.run(
            lambda _task: question.outlook(),
            done=lambda made: self._came(made, question.device),
            failed=lambda _notice: self._card.hide(),
            owner=self,
        )

    def _came(self, made: Outlook, device: DeviceEntry) -> None:
        if self._running is None:
            self._card.show_estimate(from_outlook(made, device))
            self._card.show()
