"""Follow a run by its events file: read only what is new, keep the state, and notice when the worker is gone."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from engines.api.events import Event, Failed, from_line
from engines.api.run_state import RunState, advance, interrupted
from engines.launch.folder import EVENTS, LOCK, LOG
from engines.launch.local import Launched, launched, process_lives
from engines.launch.lock import is_held

_CHUNK_BYTES = 256 * 2**10
_LINE_BYTES = 2**20
_LIFE_CHECK_S = 1.0
_SILENCE_S = 600.0
_TAIL_BYTES = 4096


class Follower:
    """Follows one run.

    Attributes:
        state: where the run stands, with `interrupted` applied when the worker is gone.
        events: what came with the last poll.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = RunState()
        self.events: list[Event] = []
        self._told = RunState()
        self._heard = 0.0
        self._offset = 0
        self._half = b""
        self._behind = False
        self._checked = float("-inf")

    def poll(self, *, at_once: bool = False) -> bool:
        """Read what is new; tells whether `state` changed.

        Args:
            at_once: also look at once whether the worker lives, which is otherwise done once a second.

        Costs microseconds when nothing happened, and reads at most a quarter of a megabyte: a long run is caught up with over several
        calls, so that whoever polls from a window stays responsive.
        """
        self.events = []
        self._read()
        now = time.monotonic()
        if not self.events and (self._behind or (not at_once and now - self._checked < _LIFE_CHECK_S)):
            return False
        self._checked = now
        state = self._told if self._behind else self._with_life(self._told)
        changed = bool(self.events) or state != self.state
        self.state = state
        return changed

    def catch_up(self) -> RunState:
        """Read all there is and return the state."""
        self.poll()
        while self._behind:
            self.poll()
        return self.state

    def _read(self) -> None:
        path = self.folder / EVENTS
        self._behind = False
        try:
            size = os.stat(path).st_size  # noqa: PTH116 - asked several times a second
            if size < self._offset:  # replaced by a shorter file: begin again
                self._offset, self._half, self._told, self._heard = 0, b"", RunState(), 0.0
            if size == self._offset:
                return
            with path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_CHUNK_BYTES)
        except OSError:  # not there yet, or out of reach for the moment
            return
        self._offset += len(data)
        self._behind = bool(data) and self._offset < size
        self._take(data)

    def _take(self, data: bytes) -> None:
        *lines, self._half = (self._half + data).split(b"\n")
        if len(self._half) > _LINE_BYTES:  # no event is this long: do not keep it in memory
            self._half = b"?"
        for line in lines:
            if not line.strip():
                continue
            try:
                event = from_line(line)
            except ValidationError:
                self._told = replace(self._told, broken_lines=self._told.broken_lines + 1)
                continue
            self.events.append(event)
            self._heard = max(self._heard, event.time)
            self._told = advance(self._told, event)

    def _with_life(self, told: RunState) -> RunState:
        note = launched(self.folder)
        if note is not None and note.noted > self._heard:
            return self._with_newcomer(told, note)
        if told.alive and not self._lives(told.pid, told.pid_created, told.host):
            return interrupted(told)
        return told

    def _with_newcomer(self, told: RunState, note: Launched) -> RunState:
        """A process was put to work that has not written its first event yet."""
        if self._lives(note.pid, note.pid_created, note.host):
            return replace(
                told, phase="preparing", text="Starting", pid=note.pid, pid_created=note.pid_created, failure=None
            )
        if told.alive:
            return interrupted(told)
        return told if told.phase == "finished" else self._stillborn(told)

    def _lives(self, pid: int, created: float, host: str) -> bool:
        if host in {"", socket.gethostname()}:
            # Creation times shift when the clock is set; the lock does not.
            return process_lives(pid, created) or is_held(self.folder / LOCK)
        # Another computer's process cannot be asked: the lock tells where the file system carries locks, else recent words do.
        if is_held(self.folder / LOCK):
            return True
        try:
            return time.time() - os.stat(self.folder / EVENTS).st_mtime < _SILENCE_S  # noqa: PTH116 - see above
        except OSError:
            return False

    def _stillborn(self, told: RunState) -> RunState:
        """The worker ended before it said a word: show the end of its log."""
        failure = Failed(
            time=self._heard,
            title="The worker ended before it began",
            what=log_tail(self.folder),
            hint="The whole log lies in the run's folder (log.txt).",
            expected=False,
        )
        return replace(told, phase="failed", failure=failure, text=failure.title)


def log_tail(folder: Path, *, lines: int = 8) -> str:
    """The last lines of a run's log; empty when there is none."""
    try:
        with (folder / LOG).open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            text = file.read(_TAIL_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])


def read_state(folder: Path) -> RunState:
    """The state of a run as it is now."""
    return Follower(folder).catch_up()
