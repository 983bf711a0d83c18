"""Small files that the window keeps for its own comfort, written on another thread: a disk that is busy must not hold the window up."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from gui.workers.background import Background
from projects.files import atomic_write_json


class Keeper:
    """Writes one JSON file; only the newest content counts, and a home that cannot be written to stops nobody from working.

    Without a background it writes at once.
    """

    def __init__(self, path: Path, background: Background | None = None) -> None:
        self.path = path
        self._background = background
        self._writing = threading.Lock()
        self._waiting: list[object] = []

    def keep(self, content: object) -> None:
        """Have this written soon; the content must not change from now on."""
        self._waiting.append(content)
        if self._background is None:
            self.flush()
        else:
            self._background.run(lambda _task: self.flush())

    def flush(self) -> None:
        """Write what still waits; from any thread."""
        with self._writing:
            content = None
            while self._waiting:
                content = self._waiting.pop(0)
            if content is None:
                return
            with suppress(OSError):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                atomic_write_json(self.path, content, durable=False)
