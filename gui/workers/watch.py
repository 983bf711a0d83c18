"""Follows all runs of the open project from a thread of its own, so that reading their events never holds up the window."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from engines.api.erase_job import EraseJob
from engines.api.job import Job
from engines.api.jobs import AnyJob
from engines.api.run_state import RunState
from engines.api.segment_job import SegmentJob
from engines.launch import queue
from engines.launch.evaluation import NONE, Standing, home_of, standing
from engines.launch.folder import load_any_job, run_folders
from engines.launch.follow import Follower
from projects.errors import UserError

_LOOK_S = 0.2
_LIST_S = 2.0
Kind = Literal["teach", "erase", "segment"]
_RESTING = frozenset({"finished", "failed", "interrupted", "waiting"})


@dataclass(frozen=True)
class RunInfo:
    """A run as it lies on disk, and where it stands.

    Attributes:
        any_job: what it does; None when that cannot be read.
        problem: why its job cannot be read, in words; empty when it can.
        images: how many pictures it learns from.
        evaluation: where the measuring of before and after stands, once it is finished.
    """

    id: str
    folder: Path
    any_job: AnyJob | None
    state: RunState
    images: int = 0
    problem: str = ""
    evaluation: Standing = NONE

    @property
    def job(self) -> Job | None:
        """What it teaches; None for a run of another kind."""
        return self.any_job if isinstance(self.any_job, Job) else None

    @property
    def adaptation(self) -> SegmentJob | None:
        """How it adapts a segmentation model; None for a run of another kind."""
        return self.any_job if isinstance(self.any_job, SegmentJob) else None

    @property
    def erasure(self) -> EraseJob | None:
        """What it erases; None for a run of another kind."""
        return self.any_job if isinstance(self.any_job, EraseJob) else None

    @property
    def kind(self) -> Kind:
        """Which page shows it; one that cannot be read is shown where subjects are taught."""
        return self.any_job.kind if isinstance(self.any_job, EraseJob | SegmentJob) else "teach"

    @property
    def measured(self) -> Path | None:
        """The folder in which its before and after was measured; None when it was not."""
        return self.home if self.evaluation.stage == "done" else None

    @property
    def home(self) -> Path | None:
        """The folder for its measured before and after; None for a run that is not finished."""
        result = self.state.result
        return home_of(self.folder, result.step) if result is not None else None

    @property
    def resting(self) -> bool:
        """Whether nothing is expected to happen to it by itself."""
        return self.state.phase in _RESTING


class RunWatcher(QObject):
    """Tells of every change to a run below `root/runs`; runs that another program starts are found too.

    `told` carries (root, RunInfo); `gone` (root, run id); `queued` (root, ids that wait, whether somebody works through them);
    `listed` (root) once all runs of a newly opened project were told.
    """

    told = Signal(object, object)
    gone = Signal(object, str)
    queued = Signal(object, object, bool)
    listed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wake = threading.Event()
        self._ended = False
        self._root: Path | None = None
        self._asked = 0
        self._thread = threading.Thread(target=self._watch, name="run-watcher", daemon=True)
        self._started = False

    def follow(self, root: Path | None) -> None:
        """Follow another project's runs, or none."""
        self._root = root
        self._asked += 1  # the same project opened anew is to be told from the start too
        if root is not None and not self._started:
            self._started = True
            self._thread.start()
        self._wake.set()

    def nudge(self) -> None:
        """Look now: something was just started."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread."""
        self._ended = True
        self._wake.set()
        if self._started:
            self._thread.join(timeout=2.0)

    def _watch(self) -> None:
        root: Path | None = None
        answered = 0
        round_ = _Round(Path())
        listed_at = 0.0
        while not self._ended:
            nudged = self._wake.is_set()
            self._wake.clear()
            if self._asked != answered:
                answered, root, listed_at = self._asked, self._root, 0.0
                round_ = _Round(root or Path())
            if root is None:
                self._wake.wait()
                continue
            listing = nudged or time.monotonic() - listed_at >= _LIST_S
            if listing:
                for run_id in round_.list_runs():
                    self.gone.emit(root, run_id)
            for info in round_.changes(all_runs=listing):
                if self._ended or self._asked != answered:
                    break
                self.told.emit(root, info)
            if listing and round_.queue_moved():
                self.queued.emit(root, round_.waiting, round_.at_work)
            if not listed_at and self._asked == answered:
                self.listed.emit(root)
            if listing:
                listed_at = time.monotonic()
            self._wake.wait(_LOOK_S)


class _Round:
    """The followers of one project's runs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._followers: dict[str, Follower] = {}
        self._known: dict[str, RunInfo] = {}
        self._fresh: set[str] = set()
        self.waiting: tuple[str, ...] = ()
        self.at_work = False

    def queue_moved(self) -> bool:
        """Read the queue; whether it changed."""
        waiting = queue.waiting(self._root)
        at_work = queue.is_running(self._root) if waiting else False
        moved = (waiting, at_work) != (self.waiting, self.at_work)
        self.waiting, self.at_work = waiting, at_work
        return moved

    def list_runs(self) -> list[str]:
        """Take in new folders; return the ids of those that are gone."""
        folders = {folder.name: folder for folder in run_folders(self._root)}
        gone = [run_id for run_id in self._known if run_id not in folders]
        for run_id in gone:
            del self._known[run_id], self._followers[run_id]
        for run_id, folder in folders.items():
            if run_id not in self._known:
                self._followers[run_id] = Follower(folder)
                self._known[run_id] = _read(folder)
                self._fresh.add(run_id)
        return gone

    def changes(self, *, all_runs: bool) -> list[RunInfo]:
        """Poll the runs that may have moved and return those that did, the newest first."""
        changed: list[RunInfo] = []
        for run_id in sorted(self._known, reverse=True):
            info = self._known[run_id]
            fresh = run_id in self._fresh
            if not (fresh or all_runs) and info.resting:
                continue
            follower = self._followers[run_id]
            state = follower.catch_up()
            evaluation = _evaluation(info, state)
            if fresh or (state, evaluation) != (info.state, info.evaluation):
                self._known[run_id] = info = replace(info, state=state, evaluation=evaluation)
                self._fresh.discard(run_id)
                changed.append(info)
        return changed


def _evaluation(info: RunInfo, state: RunState) -> Standing:
    if state.result is None:
        return NONE
    return standing(info.folder, step=state.result.step, wanted=info.job is not None and info.job.evaluate)


def _read(folder: Path) -> RunInfo:
    try:
        job, images = load_any_job(folder)
    except UserError as error:
        return RunInfo(folder.name, folder, None, RunState(), problem=str(error))
    return RunInfo(folder.name, folder, job, RunState(), images=len(images))
