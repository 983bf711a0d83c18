"""What somebody asks of a running job: commands from the inbox, and the system's wish that the process end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from engines.api.commands import Command, Stop
from engines.launch.inbox import Inbox

_LOOK_S = 0.05
_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")


class Controls:
    """Commands waiting to be obeyed. Looking costs nothing most of the time: the inbox is read at most twenty times a second."""

    def __init__(self, folder: Path, *, born: float) -> None:
        self._inbox = Inbox(folder)
        self._inbox.forget(before=born)
        self._waiting: deque[Command] = deque()
        self._looked = float("-inf")
        self.must_leave = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the system's wish to end (SIGTERM, Ctrl+C, a closed terminal) as "save and leave"; a second one ends at once."""
        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for name in _SIGNALS:
                number = getattr(signal, name, None)
                if number is not None:
                    before[number] = signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the system's signature
        if self.must_leave:
            os._exit(130)
        self.must_leave = True

    def take(self) -> list[Command]:
        """What came since the last call, in order."""
        self._look()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def wants_end(self) -> bool:
        """Whether somebody asked to stop; the command itself stays waiting."""
        self._look()
        return self.must_leave or any(isinstance(command, Stop) for command in self._waiting)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            self._waiting.extend(self._inbox.take())
