"""Who may work in a run's folder: one worker at a time, never over another run's results, never on a finished one.

Every refusal says why, since a resume that "does nothing" is the complaint heard most about other tools.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.api.errors import JobError
from engines.api.jobs import AnyImage, AnyJob
from engines.launch.folder import ADAPTER, CHECKPOINTS, LOCK, SAMPLES, has_begun, load_any_job
from engines.launch.follow import read_state
from engines.launch.lock import FolderLock

_LOCK_WAIT_S = 2.0


@dataclass(frozen=True)
class Admitted:
    """A worker that may begin: it holds the folder's lock."""

    folder: Path
    job: AnyJob
    images: Sequence[AnyImage]
    resume: bool


def admit(folder: Path, lock: FolderLock, *, resume: bool) -> Admitted:
    """Check the folder and take its lock.

    Args:
        folder: the run's folder, absolute.
        lock: the lock of this folder, not held yet; on success it is held.
        resume: whether an unfinished run shall go on.

    Raises:
        JobError: the folder is no run, is busy, is finished, or has begun and `resume` is not set. Nothing was written.
    """
    job, images = load_any_job(folder)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise JobError(
            "Several graphics cards at once are not supported yet",
            "This run was started as one of several processes.",
            "Start it alone: one card is used.",
        )
    if not lock.take(wait_s=_LOCK_WAIT_S):
        raise JobError("This run is already at work", f"Another worker is busy with {folder.name}.")
    begun = has_begun(folder)
    finished = begun and read_state(folder).result is not None
    if finished:
        raise JobError(
            "This run is already finished",
            f"{folder.name} ended with a checked adapter; there is nothing left to resume.",
            "To learn longer, start a new run with more steps, or one that starts from this adapter.",
        )
    if begun and not resume:
        raise JobError(
            "This run has begun before",
            "Starting it afresh would overwrite what it made.",
            "Resume it, or start a new run with the same settings.",
        )
    if not begun and _has_results(folder):
        raise JobError(
            "This folder is not empty",
            f"{folder.name} holds checkpoints, samples or an adapter, but no events tell where they come from.",
            "Start a new run instead; nothing is overwritten.",
        )
    return Admitted(folder, job, images, resume and begun)


def lock_of(folder: Path) -> FolderLock:
    """The lock a worker holds for its life."""
    return FolderLock(folder / LOCK)


def _has_results(folder: Path) -> bool:
    if (folder / ADAPTER).exists():
        return True
    return any((folder / name).is_dir() and any((folder / name).iterdir()) for name in (CHECKPOINTS, SAMPLES))
