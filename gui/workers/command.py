"""One verb of the command line as a process beside the window: what takes long and loads torch, and ends with the window."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Sequence

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from engines.launch.local import checkout, child_environment
from gui.widgets.notice import Notice

_KEPT_LINES = 8


class Command(QObject):
    """Runs `python -m engines ...`.

    Signals:
        told: a remark along the way.
        done: it ended well; carries what it printed, read as JSON (an empty dict where it is none).
        failed: it did not; carries a `Notice`.
    """

    told = Signal(str)
    done = Signal(object)
    failed = Signal(object)

    def __init__(self, arguments: Sequence[str], what: str, parent: QObject | None = None) -> None:
        """`what` begins the sentence about a failure that has no words of its own ("The measuring")."""
        super().__init__(parent)
        self._what = what
        self._last: deque[str] = deque(maxlen=_KEPT_LINES)
        self._over = False
        self._process = QProcess(self)
        self._process.setProgram(sys.executable)
        self._process.setArguments(["-m", "engines", *arguments])
        self._process.setWorkingDirectory(str(checkout()))
        environment = QProcessEnvironment()
        for name, value in child_environment().items():
            environment.insert(name, value)
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardError.connect(self._read)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._could_not_start)

    def start(self) -> None:
        """Begin."""
        self._process.start()

    def stop(self) -> None:
        """End it, and hear no more of it."""
        self._over = True
        self._process.finished.disconnect()
        self._process.kill()
        self._process.waitForFinished(1000)

    def _read(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        for line in (line.strip() for line in text.splitlines()):
            if line:
                self._last.append(line[:400])
                self.told.emit(line[:400])

    def _finished(self, code: int, _status: QProcess.ExitStatus) -> None:
        self._ended(well=code == 0)

    def _could_not_start(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._ended(well=False)

    def _ended(self, *, well: bool) -> None:
        if self._over:
            return
        self._over = True
        self._read()
        output = bytes(self._process.readAllStandardOutput().data()).decode(errors="replace").strip()
        said = _as_json(output)
        if well:
            self.done.emit(said)
            return
        error = said.get("error")
        words = error if isinstance(error, dict) else {}
        title = str(words.get("title") or f"{self._what} did not come to the end")
        text = str(
            words.get("what") or ("" if words else "\n".join(self._last) or "Its process was ended from outside.")
        )
        self.failed.emit(Notice("bad", title, text, str(words.get("hint") or "")))


def _as_json(text: str) -> dict[str, object]:
    try:
        found = json.loads(text.splitlines()[-1]) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
