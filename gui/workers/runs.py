"""The trainings of the open project: started, followed, commanded and queued; picked up again when the window comes back.

A training is a detached process with a folder of its own. This class never waits for one: folders are written and read on other threads,
and closing the window leaves every training at work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from engines.api.commands import Command
from engines.api.job import Job, JobConcept, JobImage, JobMethod
from engines.api.recipe import Recipe
from engines.api.run_state import RunState
from engines.launch import queue
from engines.launch.folder import ADAPTER, create_run, run_id
from engines.launch.hardware import probe
from engines.launch.inbox import send
from gui.session import Session
from gui.widgets.notice import Notice, of_error
from gui.workers.background import Background, Task
from gui.workers.watch import Kind, RunInfo, RunWatcher
from projects import edits, queries
from projects.change import Change
from projects.errors import ProjectError
from projects.project import Project
from projects.records import Run
from projects.training_set import build

Failed = Callable[[Notice], object]
Release = Callable[[Callable[[], None]], None]


@dataclass(frozen=True)
class RunDraft:
    """What a person has chosen for teaching a subject; nothing has been started."""

    concept_id: str
    title: str
    method: JobMethod
    recipe: Recipe
    base: str = "starter"
    start_from: str = ""
    evaluate: bool = False

    @property
    def gpu(self) -> bool:
        """Whether it may run on a graphics card."""
        return self.recipe.loop.device != "cpu"

    def make(self, project: Project) -> Path:
        """Write the run's folder from the project as it is now; everything in it is a frozen copy."""
        concept, images = build(project, self.concept_id)
        now = time.time()
        job = Job(
            id=run_id(self.title, created=now),
            title=self.title,
            created=now,
            concept=JobConcept.model_validate(concept),
            base=self.base,
            method=self.method,
            recipe=self.recipe,
            start_from=self.start_from,
            evaluate=self.evaluate,
        )
        return create_run(project.root, job, [JobImage.model_validate(image) for image in images])


@dataclass(frozen=True)
class Anew:
    """A wish to teach the subject of an earlier run again.

    Attributes:
        run: id of that run.
        method: registered name of the way to teach it; empty keeps that of the run.
        settings: of the method, where they shall differ from its preset's.
        rename: whether it shall answer to another word.
    """

    run: str
    method: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    rename: bool = False


class Draft(Protocol):
    """What can be started; `concept_id` is the subject that is taught, or None."""

    @property
    def title(self) -> str:
        """What the person calls it."""
        ...

    @property
    def concept_id(self) -> str | None:
        """Of the subject that is taught."""
        ...

    @property
    def gpu(self) -> bool:
        """Whether it may run on a graphics card."""
        ...

    def make(self, project: Project) -> Path:
        """Write the run's folder and return it; on another thread."""
        ...


@dataclass(frozen=True)
class RunView:
    """A training as the pages show it: its folder, and what the person noted about it.

    Attributes:
        record: the project's own line about it; None for a run that the project does not list yet.
        place: its place in the queue, 0 being the next; -1 when it does not wait.
    """

    info: RunInfo
    record: Run | None
    place: int = -1

    @property
    def id(self) -> str:
        """Name of its folder."""
        return self.info.id

    @property
    def state(self) -> RunState:
        """Where it stands."""
        return self.info.state

    @property
    def title(self) -> str:
        """What the person calls it."""
        if self.record is not None:
            return self.record.title
        return self.info.any_job.title if self.info.any_job is not None else self.info.id

    @property
    def created(self) -> float:
        """When it was made, seconds since the epoch."""
        if self.record is not None:
            return self.record.created
        return self.info.any_job.created if self.info.any_job is not None else 0.0

    @property
    def kind(self) -> Kind:
        """Which page shows it."""
        return self.info.kind

    @property
    def active(self) -> bool:
        """Whether a worker is busy with it."""
        return self.state.alive

    @property
    def adapter(self) -> Path | None:
        """The finished adapter file."""
        result = self.state.result
        return self.info.folder / (result.adapter or ADAPTER) if result is not None else None


class Runs(QObject):
    """Every training of the open project.

    Signals:
        run_changed: one run moved; carries its id.
        changed: the list or the queue is different.
        current_changed: a page is about another run now (`current`).
        repeat_asked: somebody wants the settings of a run for a new one; carries its id.
        results_asked: somebody wants to see before and after of an adaptation; carries its id.
        anew_asked: somebody wants a subject taught anew in another way; carries an `Anew`.
    """

    run_changed = Signal(str)
    changed = Signal()
    current_changed = Signal()
    repeat_asked = Signal(str)
    results_asked = Signal(str)
    anew_asked = Signal(object)

    def __init__(
        self,
        session: Session,
        background: Background,
        *,
        release: Release | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._background = background
        self._release = release or (lambda then: then())
        self._infos: dict[str, RunInfo] = {}
        self._records: dict[str, Run] = {}
        self._removed: frozenset[str] = frozenset()
        self.listed = False
        self._current: dict[Kind, str] = {}
        self.waiting: tuple[str, ...] = ()
        self.queue_at_work = False
        self._watcher = RunWatcher(self)
        self._watcher.told.connect(self._told)
        self._watcher.gone.connect(self._gone)
        self._watcher.queued.connect(self._queued)
        self._watcher.listed.connect(self._all_listed)
        session.opened.connect(self._opened)
        session.closed.connect(self._opened)
        session.changed.connect(self._edited)
        self._opened()

    def all(self, kind: Kind = "teach") -> list[RunView]:
        """Every run of one kind that was not removed, the newest first."""
        return [view for view in self.every() if view.kind == kind]

    def every(self) -> list[RunView]:
        """Every run of whatever kind that was not removed, the newest first."""
        shown = [self._view(info) for run_id, info in self._infos.items() if run_id not in self._removed]
        return sorted(shown, key=lambda view: (view.created, view.id), reverse=True)

    def view(self, run: str) -> RunView | None:
        """One training; None when there is none."""
        info = self._infos.get(run)
        return self._view(info) if info is not None and run not in self._removed else None

    def active(self, kind: Kind | None = None) -> RunView | None:
        """The run at work now, of one kind or of whatever kind."""
        return next((view for view in self.every() if view.active and kind in {None, view.kind}), None)

    @property
    def current(self) -> str:
        """The teaching that the pages are about; empty for none."""
        return self.current_of("teach")

    def current_of(self, kind: Kind) -> str:
        """The run of one kind that the pages are about; empty for none."""
        return self._current.get(kind, "")

    def set_current(self, run: str, kind: Kind | None = None) -> None:
        """Say which run the pages of its kind are about; the kind of one that is not known, or of none (empty), has to be told."""
        info = self._infos.get(run)
        kind = info.kind if info is not None else kind or "teach"
        if run != self.current_of(kind):
            self._current[kind] = run
            self.current_changed.emit()

    def queue(self) -> list[RunView]:
        """The trainings that wait, the next one first."""
        return [view for run in self.waiting if (view := self.view(run)) is not None]

    def start(self, draft: Draft, *, done: Callable[[str], object], failed: Failed) -> None:
        """Make a training of a draft and put it to work, or in the queue while another one is at work.

        `done` gets the run's id; `failed` a notice in plain words.
        """
        project = self._session.project
        if project is None:
            return

        def made(folder: Path) -> None:
            try:
                self._session.apply(
                    lambda p: edits.record_run(p, folder.name, draft.title, concept_id=draft.concept_id)
                )
            except ProjectError as error:
                failed(of_error(error))
                return
            self._watcher.nudge()
            done(folder.name)
            self._begin(folder, gpu=draft.gpu, failed=failed)

        self._background.run(lambda _task: draft.make(project), done=made, failed=failed)

    def resume(self, run: str, *, failed: Failed) -> None:
        """Go on with an interrupted, stopped or failed training from its last checkpoint, or begin one that never began."""
        info = self._infos.get(run)
        if info is not None:
            gpu = info.any_job is None or info.any_job.recipe.loop.device != "cpu"
            self._begin(info.folder, gpu=gpu, failed=failed)

    def command(self, run: str, command: Command, *, failed: Failed | None = None) -> None:
        """Ask something of a training at work."""
        info = self._infos.get(run)
        if info is not None:
            self._background.run(lambda _task: send(info.folder, command), failed=failed, priority=2)

    def unqueue(self, run: str, *, failed: Failed | None = None) -> None:
        """Take a training out of the queue; it can be started later."""
        self._with_queue(lambda root: queue.remove(root, run), failed)

    def move_in_queue(self, run: str, place: int, *, failed: Failed | None = None) -> None:
        """Put a waiting training at another place."""
        self._with_queue(lambda root: queue.move(root, run, place), failed)

    def start_queue(self, *, failed: Failed | None = None) -> None:
        """Have the waiting trainings worked through, when nobody does (after a power cut)."""
        self._with_queue(queue.ensure_running, failed)

    def look(self) -> None:
        """Look at all runs now instead of in a moment."""
        self._watcher.nudge()

    def stop(self) -> None:
        """Stop following. Every training goes on."""
        self._watcher.stop()

    def _begin(self, folder: Path, *, gpu: bool, failed: Failed) -> None:
        def went_wrong(notice: Notice) -> None:
            self._watcher.nudge()
            failed(notice)

        def begin() -> None:
            self._background.run(
                lambda _task: queue.begin(folder),
                done=lambda _how: self._watcher.nudge(),
                failed=went_wrong,
                priority=2,
            )

        def found(needed: bool) -> None:
            # Two models do not fit where one just does: the warm worker gives its memory back first.
            if needed:
                self._release(begin)
            else:
                begin()

        self._background.run(lambda _task: gpu and probe()[0].kind != "cpu", done=found, failed=failed, priority=2)

    def _with_queue(self, edit: Callable[[Path], object], failed: Failed | None) -> None:
        project = self._session.project
        if project is None:
            return
        root = project.root

        def work(_task: Task[None]) -> None:
            edit(root)

        self._background.run(work, done=lambda _none: self._watcher.nudge(), failed=failed, priority=2)

    def _view(self, info: RunInfo) -> RunView:
        place = self.waiting.index(info.id) if info.id in self.waiting else -1
        return RunView(info, self._records.get(info.id), place)

    def _opened(self) -> None:
        project = self._session.project
        self._infos, self._current = {}, {}
        self.waiting, self.queue_at_work, self.listed = (), False, False
        self._read_records()
        self._watcher.follow(project.root if project is not None else None)
        self.changed.emit()

    def _edited(self, change: Change) -> None:
        if "runs" in change.parts:
            self._read_records()
            self.changed.emit()

    def _read_records(self) -> None:
        project = self._session.project
        self._records, self._removed = {}, frozenset()
        if project is not None:
            self._records = {run.id: run for run in queries.runs(project)}
            self._removed = queries.removed_runs(project)

    def _told(self, root: Path, info: RunInfo) -> None:
        if not self._is_open(root):
            return
        before = self._infos.get(info.id)
        self._infos[info.id] = info
        self.run_changed.emit(info.id)
        if before is None or (before.state.phase, before.evaluation) != (info.state.phase, info.evaluation):
            self.changed.emit()

    def _gone(self, root: Path, run: str) -> None:
        if self._is_open(root) and self._infos.pop(run, None) is not None:
            self.changed.emit()

    def _queued(self, root: Path, waiting: tuple[str, ...], at_work: bool) -> None:
        if self._is_open(root):
            self.waiting, self.queue_at_work = waiting, at_work
            self.changed.emit()

    def _all_listed(self, root: Path) -> None:
        if self._is_open(root):
            self.listed = True
            self.changed.emit()

    def _is_open(self, root: Path) -> bool:
        project = self._session.project
        return project is not None and project.root == root
