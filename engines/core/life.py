"""One life of a worker: from "started" to "finished", "failed" or the request to leave. The part of a run that needs torch."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import psutil

from engines.api import events as ev
from engines.api.errors import TrainingError, UserError
from engines.core import environment, loop, memory, randomness
from engines.core.admission import Admitted
from engines.core.checkpoint import Checkpoints, Kept, file_figures
from engines.core.contracts import CLASS_PICTURES, NOTE, Concludes, Stopped, Task
from engines.core.controls import Controls
from engines.core.desk import Desk, clear_unfinished
from engines.core.devices import Device, pick
from engines.core.journal import Journal
from engines.core.pace import Pace, Phases
from engines.core.tasks import TaskBuilder, builder
from engines.launch.folder import ADAPTER, job_digest, project_root
from projects.files import flush_folder, replace

_PROGRESS_S = 0.2
_NOTHING_YET = (
    "It was stopped before the first step; there is nothing to keep yet. It can be started again with resume."
)
_UNCHECKED = ".unchecked.safetensors"


class Life:
    """One worker's work on one run."""

    def __init__(
        self, admitted: Admitted, journal: Journal, controls: Controls, task_builder: TaskBuilder | None
    ) -> None:
        self._admitted, self._journal, self._controls = admitted, journal, controls
        self._builder = task_builder or builder(admitted.job.kind)
        self._folder, self._recipe = admitted.folder, admitted.job.recipe
        self._told = ("", float("-inf"))
        self._phases = Phases()

    def live(self) -> ev.Finished | None:
        """Do the job; returns None when it ended early on request and can be resumed. Failures are raised."""
        begun = time.perf_counter()
        device = pick(self._recipe.loop.device, self._recipe.loop.precision)
        checkpoints = Checkpoints(
            self._folder, digest=job_digest(self._folder), keep=self._recipe.loop.keep_checkpoints
        )
        kept, torn = checkpoints.latest() if self._admitted.resume else (None, [])
        self._tell_start(device, kept)
        self._tell_torn(torn, kept)
        checkpoints.discard(torn)
        clear_unfinished(self._folder)
        memory.tell_device(self._admitted.job, device, self._journal)
        memory.tell_forecast(self._admitted.job, device, self._journal)
        try:
            task = self._prepare(device)
        except Stopped:
            self._note("The run has ended early", _NOTHING_YET)
            return None
        snapshot = checkpoints.load(kept) if kept is not None else None
        seconds = time.perf_counter() - begun + (float(snapshot.plain["seconds"]) if snapshot is not None else 0.0)
        desk = Desk(self._folder, self._journal, self._controls, checkpoints, snapshot, seconds)
        learns = bool(task.trainable.parameter_groups())
        ended = loop.train(task, self._recipe, device, desk) if learns else self._solved(seconds)
        if ended.ending == "left" or (learns and ended.step == 0):
            text = f"It ended in order at step {ended.step} and can be resumed." if ended.step else _NOTHING_YET
            self._note("The run has ended early", text)
            return None
        finished = self._finish(task, ended)
        if learns and ended.ending == "complete":
            total_s = time.perf_counter() - begun - self._phases.seconds_of(CLASS_PICTURES)
            memory.learn(self._admitted.job, device, ended.pace, total_s=total_s)
        return finished

    def _tell_start(self, device: Device, kept: Kept | None) -> None:
        step = kept.step if kept is not None else None
        same = environment.write(self._folder, device, resumed_from=step)
        started = ev.Started(
            pid=os.getpid(),
            pid_created=psutil.Process().create_time(),
            host=socket.gethostname(),
            device=device.kind,
            precision=device.precision,
            steps_total=self._recipe.loop.steps,
            resumed_from=step,
        )
        self._journal.tell(started, durable=True)
        if device.note:
            self._note("Another precision is used", device.note)
        if step is not None and not same:
            self._note(
                "Resumed with other versions or another device",
                "The result will be as good, but not the same to the last bit.",
            )
        if step is None and self._admitted.resume:
            self._note("Begun again from the start", "The run had ended before its first checkpoint.")

    def _tell_torn(self, torn: list[Kept], kept: Kept | None) -> None:
        for damaged in torn:
            going = f"step {kept.step}" if kept is not None else "the start"
            self._journal.tell(
                ev.Note(
                    level="warning",
                    title=f"The checkpoint of step {damaged.step} is damaged",
                    text=f"It does not read back as it was written, so the run goes on from {going}.",
                )
            )

    def _prepare(self, device: Device) -> Task:
        # Whatever is drawn while preparing (an adapter's first weights) is the same in every life of the run.
        randomness.seed_all(self._recipe.loop.seed)
        task = self._builder(
            self._admitted.job, self._admitted.images, project_root(self._folder), self._folder, device
        )
        task.prepare(self._progress)
        self._phases.enter("")
        return task

    def _progress(self, phase: str, text: str, done: int, total: int) -> None:
        if self._controls.wants_end():
            raise Stopped
        if phase == NOTE:
            title, _, rest = text.partition(". ")
            self._note(title.rstrip("."), rest)
            return
        self._phases.enter(phase)
        now = time.monotonic()
        if phase == self._told[0] and now - self._told[1] < _PROGRESS_S and not 0 < total == done:
            return
        self._told = (phase, now)
        self._journal.tell(ev.Progress(phase=phase, text=text, done=done, total=total))

    def _finish(self, task: Task, ended: loop.Ended) -> ev.Finished:
        self._journal.tell(ev.Progress(phase="finishing", text="Checking the adapter"))
        unchecked, adapter = self._folder / _UNCHECKED, self._folder / ADAPTER
        try:
            task.save_adapter(unchecked, step=ended.step)
            task.verify_adapter(unchecked)
            sha256, size = file_figures(unchecked)
            if size == 0:
                raise TrainingError("The adapter is empty", "Its file holds nothing.")
            replace(unchecked, adapter)
            flush_folder(self._folder)
        finally:
            unchecked.unlink(missing_ok=True)
        if isinstance(task, Concludes):
            self._conclude(task, adapter, ended)
        finished = ev.Finished(
            step=ended.step,
            reason="complete" if ended.ending == "complete" else "stopped",
            adapter=ADAPTER,
            sha256=sha256,
            bytes=size,
            seconds=ended.pace.elapsed_s(),
        )
        self._journal.tell(finished, durable=True)
        return finished

    def _solved(self, seconds: float) -> loop.Ended:
        """The end of a run whose result is there at once: no step is done."""
        return loop.Ended(0, "complete", Pace(self._recipe, already_s=seconds))

    def _conclude(self, task: Concludes, adapter: Path, ended: loop.Ended) -> None:
        """Let a task find out what came of it; whatever keeps it from that costs the finding, not the adapter."""
        title = "What came of it was not measured"
        if ended.ending == "stopped":
            self._note(title, "The run was stopped before.")
            return
        try:
            said = task.conclude(adapter, step=ended.step, progress=self._progress)
        except Stopped:
            self._note(title, "It was stopped; the adapter is kept.")
        except UserError as error:
            self._journal.tell(ev.Note(level="warning", title=title, text=str(error)), durable=True)
        else:
            for sentence in filter(None, said):
                self._note("Measured", sentence)

    def _note(self, title: str, text: str) -> None:
        self._journal.tell(ev.Note(title=title, text=text), durable=True)
