"""Commands to a running job: one small JSON file each in the run's `inbox/`, taken between steps in the order they were sent."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

from pydantic import ValidationError

from engines.api.commands import COMMANDS, Command
from engines.launch.folder import INBOX
from projects.files import atomic_write_text

_LIMIT_BYTES = 64 * 1024
_sent = itertools.count()


def send(folder: Path, command: Command) -> None:
    """Leave a command for the worker of the run in `folder`; it is there whole or not at all."""
    inbox = folder / INBOX
    inbox.mkdir(exist_ok=True)
    name = f"{time.time_ns():020d}-{os.getpid()}-{next(_sent):06d}.json"
    atomic_write_text(inbox / name, command.model_dump_json())


class Inbox:
    """The worker's side of a run's inbox."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / INBOX
        self.refused = 0

    def take(self) -> list[Command]:
        """Take and remove what was sent since the last call; files that are no commands are removed and counted."""
        commands: list[Command] = []
        for path in self._waiting():
            try:
                with path.open("rb") as file:
                    text = file.read(_LIMIT_BYTES + 1)
                path.unlink()
            except OSError:  # withdrawn meanwhile, or still held by another program: the next call sees it again
                continue
            try:
                commands.append(COMMANDS.validate_json(text))
            except ValidationError:
                self.refused += 1
        return commands

    def forget(self, *, before: float) -> None:
        """Remove commands sent before a moment (seconds since the epoch): they were meant for an earlier worker."""
        for path in self._waiting():
            if int(path.name.split("-")[0]) < before * 1e9:
                path.unlink(missing_ok=True)

    def _waiting(self) -> list[Path]:
        try:
            with os.scandir(self._folder) as entries:
                names = [entry.name for entry in entries if entry.name.endswith(".json") and entry.name[:1].isdigit()]
        except OSError:
            return []
        return [self._folder / name for name in sorted(names)]
