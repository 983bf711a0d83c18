"""One export at work in a process beside the window; it goes on when its dialog is closed, and says where it went."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from gui.services import Services
from gui.views.segment.exporting.wish import ExportWish
from gui.widgets.notice import Notice
from gui.workers.command import Command
from projects.files import leftovers_of

_STEP = re.compile(r"Exporting: (\d+) of (\d+) (.+)")


class Exporting(QObject):
    """Lives until its export is over, whoever else listens.

    Signals:
        told: (steps done, steps in all, what is being done).
        done: it went well, and the window was told where it lies.
        stopped: it was ended, and nothing of it is left.
        failed: carries the `Notice` about it.
    """

    told = Signal(int, int, str)
    done = Signal()
    stopped = Signal()
    failed = Signal(object)

    def __init__(self, services: Services, wish: ExportWish) -> None:
        super().__init__(services)
        self._services, self._wish = services, wish
        self._command = Command(wish.arguments(), "The export", self)
        self._command.told.connect(self._say)  # no lambda: it would hold what owns it
        self._command.done.connect(self._went_well)
        self._command.failed.connect(self._went_wrong)
        services.stopping.connect(self.stop)

    def start(self) -> None:
        """Begin."""
        self._command.start()

    def stop(self) -> None:
        """End it, and clear away what was written so far."""
        self._command.stop()
        for leftover in leftovers_of(self._wish.target):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                with suppress(OSError):
                    leftover.unlink()
        self._over()
        self.stopped.emit()

    def _say(self, line: str) -> None:
        self.told.emit(*step_of(line))

    def _went_well(self, document: Mapping[str, object]) -> None:
        self._over()
        self._services.notify(said(self._wish, document))
        self.done.emit()

    def _went_wrong(self, notice: Notice) -> None:
        self._over()
        self.failed.emit(notice)

    def _over(self) -> None:
        self._services.stopping.disconnect(self.stop)
        self.deleteLater()


def step_of(line: str) -> tuple[int, int, str]:
    """(2, 5, "Writing and checking decoder.onnx") of what the command line says; nobody knows how much of other remarks there is."""
    step = _STEP.fullmatch(line)
    return (int(step[1]), int(step[2]), step[3]) if step is not None else (0, 0, line.removesuffix("...").strip())


def said(wish: ExportWish, document: Mapping[str, object]) -> Notice:
    """Where it went, and what is worth knowing of it."""
    loss, note = document.get("encoder_int8"), document.get("note")
    hint = str(note) if note else ""
    if isinstance(loss, Mapping):
        hint = (
            f"With weights of eight bits, masks agree with the exact ones to an overlap of {float(loss['overlap']):.3f} "
            f"(measured on {loss['pictures']} pictures)."
        )
    place = wish.target if wish.kind == "onnx" else wish.target.parent

    def show() -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(place)))

    title = f"“{wish.source.title}” was exported"
    return Notice("good", title, f"It went to {wish.target}", hint, (("Show in folder", show),), stays=True)
