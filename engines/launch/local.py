"""Start a run on this computer as a detached process that outlives the window, and tell whether its worker still lives."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from engines.api.errors import JobError
from engines.api.run_state import RunState
from engines.launch.folder import JOB, LOCK, LOG, WORKER, has_begun
from engines.launch.lock import is_held
from projects.files import atomic_write_text

_CLOCK_SLACK_S = 2.0
# Variables of another Python's set-up: inherited, they make our interpreter load that one's libraries.
_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Launched:
    """The process last put to work on a run, as told by `worker.json`. Times are seconds since the epoch."""

    pid: int
    pid_created: float
    host: str
    noted: float


def start(folder: Path, *, resume: bool = False) -> int:
    """Start the worker of a run and return its pid at once. It goes on when this process ends.

    Args:
        folder: the run's folder.
        resume: go on from the last checkpoint; without it, a run that has begun is refused.

    Raises:
        JobError: the folder is no run, is at work already, or has begun and `resume` is not set.
    """
    folder = folder.resolve()
    if not (folder / JOB).is_file():
        raise JobError("This folder is not a run", f"There is no {JOB} in {folder}.")
    if at_work(folder):
        raise JobError("This run is already at work", f"A worker is busy with {folder.name}.")
    if has_begun(folder) and not resume:
        raise JobError(
            "This run has begun before",
            "Starting it afresh would overwrite what it made.",
            "Resume it, or start a new run with the same settings.",
        )
    command = [sys.executable, "-m", "engines", "run", str(folder)]
    process = spawn_detached([*command, "--resume"] if resume else command, log=folder / LOG)
    note_worker(folder, process.pid)
    return process.pid


def spawn_detached(command: list[str], *, log: Path) -> subprocess.Popen[bytes]:
    """Start a process of ours that survives this one; what it prints is appended to `log`."""
    with log.open("ab") as output:
        process = _popen(command, output.fileno())
    # Somebody must reap the child or it stays in the process table; a thread of its own also keeps the object alive.
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
    with suppress(psutil.Error, OSError):  # training gives way to the window
        psutil.Process(process.pid).nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 5)
    return process


def _popen(command: list[str], output: int) -> subprocess.Popen[bytes]:
    environment = child_environment()
    if sys.platform == "win32":
        # A hidden console of its own instead of none at all: the interpreter of a virtual environment starts a second process, which
        # would otherwise open a visible one. Leaving the job object lets the worker outlive whatever started the window.
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        for extra in (subprocess.CREATE_BREAKAWAY_FROM_JOB, 0):
            with suppress(PermissionError):
                return subprocess.Popen(  # noqa: S603 - our own interpreter and arguments, no shell
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=checkout(),
                    env=environment,
                    creationflags=flags | extra,
                )
        raise JobError("The worker could not be started", "Windows refused to start another process.")
    return subprocess.Popen(  # noqa: S603 - our own interpreter and arguments, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=checkout(),
        env=environment,
        start_new_session=True,
    )


def checkout() -> Path:
    """Folder that holds the `engines` package."""
    return Path(__file__).resolve().parents[2]


def child_environment() -> dict[str, str]:
    """This process's environment without another Python's traces, and with our packages importable."""
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    conda = os.environ.get("CONDA_PREFIX")
    if conda and Path(sys.prefix).resolve() != Path(conda).resolve():
        environment = {name: value for name, value in environment.items() if not name.startswith(("CONDA_", "_CONDA_"))}
    environment.update(PYTHONPATH=str(checkout()), PYTHONUTF8="1", PYTHONUNBUFFERED="1", PYTHONNOUSERSITE="1")
    return environment


def note_worker(folder: Path, pid: int) -> None:
    """Write down which process works on a run, so that a later window recognises it or its end."""
    created = noted = time.time()
    with suppress(psutil.Error):
        created = psutil.Process(pid).create_time()
    note = {"pid": pid, "pid_created": created, "host": socket.gethostname(), "noted": noted}
    atomic_write_text(folder / WORKER, json.dumps(note))


def launched(folder: Path) -> Launched | None:
    """The process last put to work on a run; None when there was none or the note is damaged."""
    try:
        note = json.loads((folder / WORKER).read_text(encoding="utf-8")[:4096])
        return Launched(int(note["pid"]), float(note["pid_created"]), str(note["host"]), float(note["noted"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def alive(state: RunState) -> bool:
    """Whether the process named in a run's events still exists on this computer (pid and creation time)."""
    return process_lives(state.pid, state.pid_created)


def process_lives(pid: int, created: float) -> bool:
    """Whether the process with this pid is the one created then, and not another that was given the same number."""
    if pid <= 0:
        return False
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - created) > _CLOCK_SLACK_S and created > 0:
            return False
        return bool(process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # it exists and belongs to somebody else, so it is not ours
        return False


def at_work(folder: Path) -> bool:
    """Whether a worker is busy with this run: it holds the folder's lock, or was started a moment ago and lives."""
    note = launched(folder)
    if note is not None and note.host == socket.gethostname() and process_lives(note.pid, note.pid_created):
        return True
    return is_held(folder / LOCK)
