"""Runs one import as a process beside the window and hands its progress and its report over, on the window's thread."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from engines.launch.local import checkout, child_environment
from gui.widgets.notice import Notice, of_error
from projects.errors import UserError
from projects.import_process import report_of

_MODULE = "projects.import_process"
_LAST_ERRORS = 400


class ImportProcess(QObject):
    """One import: of files and folders into a concept (empty for none), or of masks as `projects.import_process` describes them.

    Signals:
        progressed: (done, total, name of the last file), a few times a second.
        finished: carries the `ImportReport`.
        failed: carries a `Notice`.
    """

    progressed = Signal(int, int, str)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(
        self, root: Path, asked: Sequence[Path] | Mapping[str, object], concept_id: str, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._asked = dict(asked) if isinstance(asked, Mapping) else [str(path) for path in asked]
        self._last = b""
        self._rest = b""
        self._process = QProcess(self)
        self._process.setProgram(sys.executable)
        self._process.setArguments(["-m", _MODULE, str(root), concept_id])
        self._process.setWorkingDirectory(str(checkout()))
        environment = QProcessEnvironment()
        for name, value in child_environment().items():
            environment.insert(name, value)
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._ended)
        self._process.errorOccurred.connect(self._error)

    def start(self) -> None:
        """Begin."""
        self._process.start()
        self._process.write(json.dumps(self._asked).encode() + b"\n")

    def stop(self) -> None:
        """Stop after the file under way; the report still comes."""
        self._process.closeWriteChannel()

    def abandon(self, wait_ms: int = 2000) -> None:
        """The window closes: stop, and hear no more of it. What came in is in the project."""
        self._process.finished.disconnect()
        self.stop()
        if not self._process.waitForFinished(wait_ms):
            self._process.kill()
            self._process.waitForFinished(1000)

    def _read(self) -> None:
        *lines, self._rest = (self._rest + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        for line in lines:
            if line.startswith(b'{"done"'):
                told = json.loads(line)
                self.progressed.emit(int(told["done"]), int(told["total"]), str(told["name"]))
            elif line:
                self._last = line

    def _ended(self, _code: int, _status: QProcess.ExitStatus) -> None:
        self._read()
        try:
            report = report_of(json.loads(self._last))
        except UserError as error:
            self.failed.emit(of_error(error))
        except (ValueError, KeyError, TypeError):
            errors = bytes(self._process.readAllStandardError().data()).decode(errors="replace").strip()
            self.failed.emit(
                Notice(
                    "bad",
                    "The import ended early",
                    errors[-_LAST_ERRORS:] or "Its process was ended from outside.",
                    "What came in before is there. Try again with the photos that are missing.",
                )
            )
        else:
            self.finished.emit(report)

    def _error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.failed.emit(Notice("bad", "The import could not begin", self._process.errorString()))
