"""The interactive worker: one `python -m engines serve` process that keeps models warm and answers the window's requests.

It is started when first needed, ends with the window, and is started again when it dies: a request it died over is sent once more after
a short wait, and refused in plain words when that kills it again.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from engines.api.requests import Answer, Cancel, Done, Dropped, Refused, Release, Request
from engines.launch.serving import Lines, ServeCommand, decode, encode, serve_command

OnAnswer = Callable[[Answer], None]
_WAITS_MS = (300, 1500, 5000)
_CALM_S = 60.0
_REPORT_LINES = 12


@dataclass
class _Pending:
    request: Request
    on_answer: OnAnswer
    tries: int = 0


def new_id(kind: str) -> str:
    """An id for a request."""
    return f"{kind}-{uuid.uuid4().hex[:12]}"


class Interactive(QObject):
    """Sends requests and hands every answer to its asker, on the window's thread.

    The callback gets `Working` and `Picture` any number of times and ends with exactly one of `Done`, `Refused` or `Dropped`.
    A newer request of a kind drops an older one of that kind.
    """

    state_changed = Signal(str)

    def __init__(self, command: ServeCommand | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = command
        self._process: QProcess | None = None
        self._pending: dict[str, _Pending] = {}
        self._lines = Lines()
        self._errors: deque[str] = deque(maxlen=_REPORT_LINES)
        self._deaths: deque[float] = deque(maxlen=len(_WAITS_MS))
        self._state = "resting"
        self._stopped = False
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self._resend)

    @property
    def state(self) -> str:
        """`resting`, `ready`, `working` or `waiting` (to start again)."""
        return self._state

    @property
    def busy(self) -> bool:
        """Whether a request is unanswered."""
        return bool(self._pending)

    def request(self, request: Request, on_answer: OnAnswer) -> str:
        """Send a request and return its id; answers come to `on_answer`."""
        for other in [p for p in self._pending.values() if p.request.type == request.type]:
            self._withdraw(other)
        self._pending[request.id] = _Pending(request, on_answer)
        self._send(request)
        self._tell()
        return request.id

    def cancel(self, request_id: str) -> None:
        """Drop a request; its asker hears `Dropped` at once."""
        pending = self._pending.get(request_id)
        if pending is not None:
            self._withdraw(pending)
            self._tell()

    def release(self, then: Callable[[], None]) -> None:
        """Give the models' memory back, then call `then`; at once when no worker runs."""
        if self._process is None:
            then()
            return

        def answered(answer: Answer) -> None:
            if isinstance(answer, Done | Refused | Dropped):
                then()

        self.request(Release(id=new_id("release")), answered)

    def stop(self) -> None:
        """End the worker; whoever still waits hears `Dropped`."""
        self._stopped = True
        self._again.stop()
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect()
            process.closeWriteChannel()
            if not process.waitForFinished(800):
                process.kill()
                process.waitForFinished(1000)
            process.deleteLater()
        for pending in list(self._pending.values()):
            self._answer(Dropped(id=pending.request.id))
        self._tell()

    def _withdraw(self, pending: _Pending) -> None:
        if self._process is not None and pending.tries:
            self._write(Cancel(id=new_id("cancel"), target=pending.request.id))
        self._answer(Dropped(id=pending.request.id))

    def _send(self, request: Request) -> None:
        if self._again.isActive():
            return  # it goes out with the others once the worker is started again
        if self._process is None:
            self._start()
        pending = self._pending.get(request.id)
        if pending is not None:
            pending.tries += 1
        self._write(request)

    def _write(self, request: Request) -> None:
        if self._process is not None:
            self._process.write(encode(request))

    def _start(self) -> None:
        self._stopped = False
        self._lines = Lines()
        self._errors.clear()
        command = self._command or serve_command()
        process = QProcess(self)
        process.setProgram(command.program)
        process.setArguments(list(command.arguments))
        process.setWorkingDirectory(str(command.folder))
        environment = QProcessEnvironment()
        for name, value in command.environment.items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_errors)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed)
        self._process = process
        process.start()

    def _read(self) -> None:
        if self._process is None:
            return
        for line in self._lines.feed(bytes(self._process.readAllStandardOutput().data())):
            answer = decode(line)
            if answer is None:
                # Something printed where only answers may stand: worth keeping for the report, not worth a crash.
                self._errors.append(line[:400].decode(errors="replace"))
            else:
                self._answer(answer)
        self._tell()

    def _read_errors(self) -> None:
        if self._process is not None:
            text = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
            self._errors.extend(line[:400] for line in text.splitlines() if line.strip())

    def _answer(self, answer: Answer) -> None:
        pending = self._pending.get(answer.id)
        if pending is None:
            return  # withdrawn meanwhile
        if isinstance(answer, Done | Refused | Dropped):
            del self._pending[answer.id]
        pending.on_answer(answer)

    def _finished(self, _code: int, _status: QProcess.ExitStatus) -> None:
        # A method and not a lambda: a lambda would own this object, which owns the process, and both would die in each other's arms.
        self._ended()

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._ended()

    def _ended(self) -> None:
        if self._process is None or self._stopped:
            return
        self._read()
        self._read_errors()
        self._process.deleteLater()
        self._process = None
        now = time.monotonic()
        while self._deaths and now - self._deaths[0] > _CALM_S:
            self._deaths.popleft()
        wait_ms = _WAITS_MS[min(len(self._deaths), len(_WAITS_MS) - 1)]
        self._deaths.append(now)
        for pending in [p for p in self._pending.values() if p.tries > 1]:
            self._answer(self._obituary(pending.request.id))
        if self._pending:
            self._again.start(wait_ms)
        self._tell()

    def _obituary(self, request_id: str) -> Refused:
        lines = list(self._errors)[-4:]
        return Refused(
            id=request_id,
            title="The picture worker ended unexpectedly",
            what="\n".join(lines) or "It left no message.",
            hint="Other work is not affected. Try again with a smaller picture or fewer pictures; if it keeps happening, restart the window.",
        )

    def _resend(self) -> None:
        for pending in list(self._pending.values()):
            self._send(pending.request)
        self._tell()

    def _tell(self) -> None:
        if self._again.isActive():
            state = "waiting"
        elif self._process is None:
            state = "resting"
        else:
            state = "working" if self._pending else "ready"
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
