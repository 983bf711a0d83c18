"""The queue of a project: runs that wait for their turn, in a file that may be edited while they run.

The list is `runs/queue.json`. A detached process (`python -m engines queue PROJECT`) works through it one run after the other, so that
the night's work goes on when the window is closed; it ends when nothing waits any more.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from engines.api.errors import JobError
from engines.launch import local
from engines.launch.folder import JOB, LOG, RUNS, has_begun, run_folders
from engines.launch.follow import read_state
from engines.launch.lock import FolderLock, is_held
from projects.files import atomic_write_json

_LIST = "queue.json"
_WORKER_LOCK = "queue.lock"
_EDIT_LOCK = "queue-edit.lock"
_LOOK_S = 0.5
_EDIT_WAIT_S = 10.0
_LIST_BYTES = 2**20

Say = Callable[[str], None]
How = Literal["started", "queued"]


def waiting(root: Path) -> tuple[str, ...]:
    """Ids of the runs that wait, the next one first; a damaged list counts as empty."""
    try:
        text = (root / RUNS / _LIST).read_text(encoding="utf-8")
        ids = json.loads(text[:_LIST_BYTES])["waiting"]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(item for item in ids if isinstance(item, str) and _is_name(item)) if isinstance(ids, list) else ()


def add(root: Path, run: str) -> None:
    """Put a run at the end of the queue; one that waits already keeps its place.

    Raises:
        JobError: there is no such run.
    """
    if not _is_name(run) or not (root / RUNS / run / JOB).is_file():
        raise JobError("There is no such run", f"“{run}” is not among the project's runs.")
    with _editing(root) as ids:
        if run not in ids:
            ids.append(run)


def remove(root: Path, run: str) -> bool:
    """Take a run out of the queue; its folder stays as it is. Tells whether it waited (and was not started a moment ago)."""
    with _editing(root) as ids:
        waited = run in ids
        if waited:
            ids.remove(run)
    return waited


def move(root: Path, run: str, place: int) -> None:
    """Put a waiting run at another place, 0 being the next one."""
    with _editing(root) as ids:
        if run in ids:
            ids.remove(run)
            ids.insert(max(0, place), run)


def busy(root: Path) -> Path | None:
    """The run of this project that is at work now; None when all rest."""
    return next((folder for folder in run_folders(root) if local.at_work(folder)), None)


def is_running(root: Path) -> bool:
    """Whether a process is working through the queue."""
    return is_held(root / RUNS / _WORKER_LOCK)


def begin(folder: Path) -> How:
    """Start a run, or resume it when it has begun before; while another run of the project is at work, put it in the queue.

    Raises:
        JobError: the folder is no run, or is at work itself.
    """
    root = folder.resolve().parents[1]
    current = busy(root)
    if current is not None and current.name == folder.name:
        raise JobError("This run is already at work", f"A worker is busy with {folder.name}.")
    if current is None and not waiting(root) and not is_running(root):
        local.start(folder, resume=has_begun(folder))
        return "started"
    add(root, folder.name)
    ensure_running(root)
    return "queued"


def ensure_running(root: Path) -> None:
    """Start the detached process that works through the queue, unless one is at it."""
    if not is_running(root):
        command = [sys.executable, "-m", "engines", "queue", str(root.resolve())]
        local.spawn_detached(command, log=root / RUNS / f"queue-{LOG}")


def work_through(root: Path, *, say: Say) -> bool:
    """Run what waits, one after the other, until nothing waits; what is added meanwhile is run too.

    Args:
        root: the project's folder.
        say: called with one line at the start and the end of each run.

    Returns:
        False when another process is already working through this queue.
    """
    lock = FolderLock(root / RUNS / _WORKER_LOCK)
    (root / RUNS).mkdir(exist_ok=True)
    if not lock.take(wait_s=1.0):
        return False
    try:
        while True:
            current = busy(root)
            if current is not None:
                _wait_for(current)
                continue
            # The empty list and the end of this worker are one step, or a run added in between would wait for ever; a run leaves the
            # list only once it is at work, or a power cut in between would lose it.
            with _editing(root) as ids:
                if not ids:
                    lock.release()
                    return True
                following = root / RUNS / ids[0]
                started = _start(following, say)
                ids.pop(0)
            if started:
                _see_through(following, say)
    finally:
        lock.release()


def _start(folder: Path, say: Say) -> bool:
    try:
        local.start(folder, resume=has_begun(folder))
    except (JobError, OSError) as error:
        say(f"{folder.name}: skipped. {error}")
        return False
    say(f"{folder.name}: started.")
    return True


def _see_through(folder: Path, say: Say) -> None:
    _wait_for(folder)
    state = read_state(folder)
    ending = f" {state.failure.title}." if state.failure is not None else ""
    say(f"{folder.name}: {state.phase}.{ending}")


def _wait_for(folder: Path) -> None:
    while local.at_work(folder):
        time.sleep(_LOOK_S)


@contextmanager
def _editing(root: Path) -> Iterator[list[str]]:
    """Give the list to change; it is written back when the block ends well."""
    (root / RUNS).mkdir(exist_ok=True)
    lock = FolderLock(root / RUNS / _EDIT_LOCK)
    if not lock.take(wait_s=_EDIT_WAIT_S):
        raise JobError("The queue is busy", "Another program is changing it and does not let go.", "Try again.")
    try:
        before = waiting(root)
        ids = list(before)
        try:
            yield ids
        finally:
            if tuple(ids) != before:
                atomic_write_json(root / RUNS / _LIST, {"format": 1, "waiting": ids})
    finally:
        lock.release()


def _is_name(text: str) -> bool:
    return bool(text) and Path(text).name == text and text not in {".", ".."}
