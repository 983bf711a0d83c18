"""The state of a run as a pure fold over its events.

The live view, a run reopened tomorrow, a run elsewhere and a test fixture share this one path: `RunState = reduce(advance, events)`.
Whether the worker still lives is not in the events; `engines.launch` asks the machine and calls `interrupted()`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from engines.api import events as ev

Phase = Literal["waiting", "preparing", "training", "paused", "finishing", "finished", "failed", "interrupted"]


@dataclass(frozen=True)
class RunState:
    """Everything a view needs to show of a run.

    Attributes:
        phase: where the run stands.
        step: optimiser steps done; `steps_total` how many there will be.
        validation: (step, loss) pairs in order of step; after a resume, later points replace the ones they repeat.
        samples: pictures made so far, in order.
        checkpoints: checkpoints written, the newest last.
    """

    phase: Phase = "waiting"
    step: int = 0
    steps_total: int = 0
    device: str = ""
    precision: str = ""
    pid: int = 0
    pid_created: float = 0.0
    host: str = ""
    started: float = 0.0
    text: str = ""
    done: int = 0
    total: int = 0
    loss: float | None = None
    learning_rate: float = 0.0
    steps_per_s: float = 0.0
    seconds_left: float = 0.0
    memory_bytes: int = 0
    forecast: ev.Forecast | None = None
    validation: tuple[tuple[int, float], ...] = ()
    samples: tuple[ev.Sample, ...] = ()
    checkpoints: tuple[ev.Checkpoint, ...] = ()
    notes: tuple[ev.Note, ...] = ()
    failure: ev.Failed | None = None
    result: ev.Finished | None = None
    broken_lines: int = field(default=0, compare=False)

    @property
    def alive(self) -> bool:
        """Whether the events say that a worker should be at work."""
        return self.phase in {"preparing", "training", "paused", "finishing"}

    @property
    def best(self) -> tuple[int, float] | None:
        """Step and loss of the lowest validation so far."""
        return min(self.validation, key=lambda pair: pair[1]) if self.validation else None


def advance(state: RunState, event: ev.Event) -> RunState:  # noqa: C901 - one flat case an event
    """Return the state after one more event."""
    match event:
        case ev.Started():
            return _begun(state, event)
        case ev.Progress():
            over = event.phase == "finishing" or state.step >= state.steps_total > 0
            return replace(
                state, phase="finishing" if over else "preparing", text=event.text, done=event.done, total=event.total
            )
        case ev.Forecast():
            return replace(state, forecast=event)
        case ev.Step():
            return replace(
                state,
                phase="training",
                step=event.step,
                loss=event.loss,
                learning_rate=event.learning_rate,
                steps_per_s=event.steps_per_s,
                seconds_left=event.seconds_left,
                memory_bytes=event.memory_bytes,
                text="Learning",
            )
        case ev.Validation():
            before = tuple(pair for pair in state.validation if pair[0] < event.step)
            return replace(state, validation=(*before, (event.step, event.loss)))
        case ev.Sample():
            return replace(state, samples=(*(s for s in state.samples if s.file != event.file), event))
        case ev.Checkpoint():
            kept_points = tuple(c for c in state.checkpoints if c.step < event.step)
            return replace(state, checkpoints=(*kept_points, event))
        case ev.Note():
            return replace(state, notes=(*state.notes, event))
        case ev.Paused():
            return replace(state, phase="paused", step=event.step, text="Paused")
        case ev.Resumed():
            return replace(state, phase="training", text="Learning")
        case ev.Failed():
            return replace(state, phase="failed", failure=event, text=event.title)
        case ev.Finished():
            return replace(state, phase="finished", step=event.step, result=event, seconds_left=0.0, text="Finished")


def _begun(state: RunState, event: ev.Started) -> RunState:
    """Begun, or begun again from a checkpoint: what came after that checkpoint will come anew."""
    kept = event.resumed_from or 0
    return replace(
        state,
        phase="preparing",
        step=kept,
        steps_total=event.steps_total,
        device=event.device,
        precision=event.precision,
        pid=event.pid,
        pid_created=event.pid_created,
        host=event.host,
        started=event.time,
        text="Starting",
        done=0,
        total=0,
        failure=None,
        result=None,
        validation=tuple(pair for pair in state.validation if pair[0] <= kept),
        samples=tuple(sample for sample in state.samples if sample.step <= kept),
        checkpoints=tuple(checkpoint for checkpoint in state.checkpoints if checkpoint.step <= kept),
    )


def interrupted(state: RunState) -> RunState:
    """The events say a worker is at work, but it is gone (power cut, kill): offer to resume."""
    return replace(state, phase="interrupted", text="Interrupted", seconds_left=0.0)
