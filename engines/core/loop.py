"""THE training loop, for every kind of task; the only file that knows accelerate.

One optimiser step after the other: accumulate, clip, step; then tell, measure, sample and keep what is due, and obey. On CUDA nothing here
waits for the device except when something is told. Stopped and resumed on the processor it gives the same bits as undisturbed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from accelerate import Accelerator

from engines.api import commands as cmd
from engines.api import events as ev
from engines.api.recipe import AnyRecipe
from engines.core import losses, optimiser, randomness, sampling, state
from engines.core.contracts import Task
from engines.core.desk import Desk
from engines.core.devices import Device, computing, memory_used_bytes
from engines.core.pace import Pace
from engines.core.schedule import factor

CHECKPOINT_S = 60.0
"""A checkpoint is also written when the last one is this old, so that a slow machine loses little."""
TIMED_STEPS = 10
_PAUSE_S = 0.1

Ending = Literal["complete", "stopped", "left"]
"""All steps done; ended early and the adapter is wanted; the process has to go and the run can be resumed."""


@dataclass(frozen=True)
class Ended:
    """Where and how the loop ended, and the clock that ran along."""

    step: int
    ending: Ending
    pace: Pace


def train(task: Task, recipe: AnyRecipe, device: Device, desk: Desk) -> Ended:
    """Run the loop to its end.

    Raises:
        TrainingError: the error was not a number or exactly zero; the last checkpoint is good.
    """
    return _Loop(task, recipe, device, desk).run()


class _Loop:
    def __init__(self, task: Task, recipe: AnyRecipe, device: Device, desk: Desk) -> None:
        self._task, self._recipe, self._device, self._desk = task, recipe, device, desk
        half = device.precision if device.autocast is not None else "no"
        self._accelerator = Accelerator(mixed_precision=half, cpu=device.kind == "cpu")
        groups = task.trainable.parameter_groups()
        self._rates = [group.learning_rate for group in groups]
        self._parameters = [parameter for group in groups for parameter in group.parameters]
        optimizer, note = optimiser.make(groups, recipe.loop, device)
        if note:
            desk.journal.tell(ev.Note(title="Another optimiser is used", text=note))
        # Its wrapper only serves the fp16 scaler and costs a tenth of a millisecond a step.
        scaled = self._accelerator.scaler is not None
        self._optimizer = self._accelerator.prepare(optimizer) if scaled else optimizer
        self._at = state.Position()
        self._pace = Pace(recipe, already_s=desk.seconds_before)
        self._losses = losses.LossWatch(device.torch_device)
        self._saved = (-1, time.monotonic())
        self._ending: Ending | None = None
        self._paused = False

    def run(self) -> Ended:
        self._begin()
        loop, samples = self._recipe.loop, self._recipe.samples
        while self._at.step < loop.steps:
            self._attend()
            if self._ending is not None:
                break
            self._one_step()
            step, last = self._at.step, self._at.step == loop.steps
            if self._pace.due() or last:
                self._tell()
            if self._pace.steps_here == TIMED_STEPS:
                self._forecast()
            if last or step % loop.validate_every == 0:
                self._validate()
            if samples.every and (last or step % samples.every == 0):
                self._sample(cmd.SampleNow())
            if last or step % loop.checkpoint_every == 0 or time.monotonic() - self._saved[1] > CHECKPOINT_S:
                self._save()
        return Ended(self._at.step, self._ending or "complete", self._pace)

    def _begin(self) -> None:
        begun = self._desk.resume_from
        if begun is not None:
            self._at = state.put_back(begun, self._task, self._optimizer, self._accelerator.scaler)
            if not state.optimiser_fits(begun, self._optimizer):
                text = "The run has had another one until now, whose memory does not fit. The curve may jump a little."
                self._desk.journal.tell(ev.Note(title="The optimiser begins anew", text=text))
            self._saved = (self._at.step, time.monotonic())
            return
        randomness.seed_all(self._recipe.loop.seed)
        self._validate()
        if self._recipe.samples.every:
            self._sample(cmd.SampleNow())

    def _one_step(self) -> None:
        settings = self._recipe.loop
        share = factor(self._at.step, settings)
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        for part in range(settings.accumulate):
            batch = self._task.batches.next()
            with computing(self._device):
                loss = self._task.loss(batch) / settings.accumulate
            self._accelerator.backward(loss)
            self._losses.add(loss, last=part == settings.accumulate - 1)
        if settings.gradient_clip:
            self._accelerator.clip_grad_norm_(self._parameters, settings.gradient_clip)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._at.step += 1
        self._pace.step_done()

    def _tell(self) -> None:
        loss = self._losses.read(self._at.step)
        if loss is not None:
            self._desk.journal.tell(
                ev.Step(
                    step=self._at.step,
                    loss=loss,
                    learning_rate=self._optimizer.param_groups[0]["lr"],
                    steps_per_s=1.0 / self._pace.step_s if self._pace.step_s else 0.0,
                    seconds_left=self._pace.left_s(self._at.step),
                    memory_bytes=memory_used_bytes(self._device),
                )
            )

    def _forecast(self) -> None:
        seconds = self._pace.elapsed_s() + self._pace.left_s(self._at.step)
        memory = memory_used_bytes(self._device)
        self._desk.journal.tell(ev.Forecast(seconds=seconds, memory_bytes=memory, measured=True))

    def _validate(self) -> None:
        with self._pace.timed("validation"), randomness.undisturbed():
            loss = self._task.validate()
        losses.check(loss, self._at.step)
        best = loss < self._at.best
        self._at.best, self._at.measured = min(loss, self._at.best), (self._at.step, loss)
        self._desk.journal.tell(ev.Validation(step=self._at.step, loss=loss, best=best))

    def _sample(self, wish: cmd.SampleNow) -> None:
        with self._pace.timed("samples"):
            sampling.make(self._task, wish, self._desk, self._device, step=self._at.step)

    def _save(self) -> None:
        if self._saved[0] == self._at.step:
            return
        self._tell()  # a loss that went astray must not reach a checkpoint
        with self._pace.timed("checkpoint"):
            snapshot = state.take(
                self._task, self._optimizer, self._accelerator.scaler, self._at, seconds=self._pace.elapsed_s()
            )
            kept = self._desk.save(snapshot, lambda path: self._task.save_adapter(path, step=self._at.step))
        self._saved = (self._at.step, time.monotonic())
        folder = self._desk.inside(kept.folder)
        self._desk.journal.tell(ev.Checkpoint(step=kept.step, folder=folder, bytes=kept.bytes), durable=True)

    def _attend(self) -> None:
        """Do what was asked; waits here while paused."""
        self._obey()
        if self._paused and self._ending is None:
            self._save()  # a pause may last a night
            self._desk.journal.tell(ev.Paused(step=self._at.step))
            with self._pace.timed("pause"):
                self._wait()
            self._desk.journal.tell(ev.Resumed(step=self._at.step))

    def _wait(self) -> None:
        while self._paused and self._ending is None:
            time.sleep(_PAUSE_S)
            self._obey()

    def _obey(self) -> None:
        if self._desk.controls.must_leave and self._ending is None:
            self._ending = "left"
            self._save()
        for command in self._desk.controls.take():
            match command:
                case cmd.Stop() if self._ending is None:
                    self._ending = "stopped" if command.keep else "left"
                case cmd.Pause():
                    self._paused = True
                case cmd.Resume():
                    self._paused = False
                case cmd.SampleNow():
                    self._sample(command)
                case cmd.SaveNow():
                    self._save()
