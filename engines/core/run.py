"""One job folder from start to end: admit, prepare, train, check, finish; and every failure in words or with a report.

The worker's process is nothing but this function. It writes only into the run's folder (and the project's cache through the task), and
whether the window that started it still lives makes no difference.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from engines.api import events as ev
from engines.api.places import state_home
from engines.core.admission import Admitted, admit, lock_of
from engines.core.guard import Failure, guarded
from engines.launch.folder import LOG
from engines.launch.local import note_worker

FINE, EXPECTED, BUG, STOPPED = 0, 3, 4, 130
"""Exit codes: finished; a failure in plain words; a bug with a report; ended on request, to be resumed."""

if TYPE_CHECKING:  # the module loads torch, which a refusal should not wait for
    from engines.core.tasks import TaskBuilder

_log = logging.getLogger(__name__)


def run_folder(folder: Path, *, resume: bool = False, task_builder: TaskBuilder | None = None) -> int:
    """Run the job in `folder` and return the process's exit code.

    Args:
        folder: a run's folder as `engines.launch.folder.create_run` makes it.
        resume: go on from the last whole checkpoint; without it, a folder that has begun is refused.
        task_builder: stands in for the registered builder of the job's kind (tests).
    """
    folder = folder.resolve()
    lock = lock_of(folder)
    crashes = state_home() / "crashes"
    try:
        admitted = guarded(
            lambda: admit(folder, lock, resume=resume), reports=(crashes,), about={"doing": "admitting a run"}
        )
        if isinstance(admitted, Failure):
            return _say(admitted)
        note_worker(folder, os.getpid())
        with _logged(folder):
            return _work(admitted, task_builder, crashes)
    finally:
        lock.release()


def _work(admitted: Admitted, task_builder: TaskBuilder | None, crashes: Path) -> int:
    from engines.core.controls import Controls
    from engines.core.journal import Journal

    folder, job = admitted.folder, admitted.job
    about = {"doing": f"run ({job.kind})", "method": job.method.name, "base": job.base.partition(":")[0]}
    controls = Controls(folder, born=psutil.Process().create_time() - 1.0)
    with Journal(folder) as journal, controls.listening():

        def work() -> int:
            from engines.core.life import Life  # loads torch

            return STOPPED if Life(admitted, journal, controls, task_builder).live() is None else FINE

        def remedy() -> str:
            from engines.launch.outlooks import remedy_of

            return remedy_of(job)

        outcome = guarded(work, reports=(folder, crashes), about=about, remedy=remedy)
        if isinstance(outcome, Failure):
            report = Path(outcome.report).name if outcome.report else ""
            failed = ev.Failed(
                title=outcome.title, what=outcome.what, hint=outcome.hint, expected=outcome.expected, report=report
            )
            with suppress(OSError):  # a full disk: the log and the exit code still tell
                journal.tell(failed, durable=True)
            return _say(outcome)
        return outcome


def _say(failure: Failure) -> int:
    """Print a failure for the log and the terminal, and give its exit code."""
    parts = [f"{failure.title}.", failure.what, failure.hint, failure.report]
    print("\n".join(part for part in parts if part), file=sys.stderr, flush=True)
    return EXPECTED if failure.expected else BUG


@contextmanager
def _logged(folder: Path) -> Iterator[None]:
    """Send log records, and the trace of a crash in native code, to the run's log."""
    handler = logging.FileHandler(folder / LOG, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    enabled = faulthandler.is_enabled()
    if not enabled:
        faulthandler.enable(handler.stream if handler.stream is not None else sys.stderr)
    begun = time.monotonic()
    _log.info("worker %d begins", os.getpid())
    try:
        yield
    finally:
        _log.info("worker %d ends after %.1f s", os.getpid(), time.monotonic() - begun)
        if not enabled:
            faulthandler.disable()
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()
