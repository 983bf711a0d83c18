"""The worker's pen: appends events to a run's `events.jsonl`, whole lines only, in order."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from engines.api.events import Event, to_line
from engines.launch.folder import EVENTS


class Journal:
    """An open events file. Only the holder of the folder's lock may have one."""

    def __init__(self, folder: Path) -> None:
        path = folder / EVENTS
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, 0o644)
        self._end_torn_line(path)

    def _end_torn_line(self, path: Path) -> None:
        """A worker killed in mid-word left half a line: end it, or the first new event would be lost with it."""
        size = path.stat().st_size
        if size == 0:
            return
        with path.open("rb") as file:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                os.write(self._descriptor, b"\n")

    def tell(self, event: Event, *, durable: bool = False) -> None:
        """Append one event; with `durable` it also survives a power cut. Raises OSError when the disk is full."""
        data = to_line(event).encode("utf-8") + b"\n"
        written = os.write(self._descriptor, data)
        if written < len(data):  # a nearly full disk takes part of a line: the next attempt raises
            os.write(self._descriptor, data[written:])
        if durable:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; harmless the second time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
