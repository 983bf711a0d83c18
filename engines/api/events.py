"""What a worker tells: one JSON line each, appended to `events.jsonl` in the run's folder.

Files named in events are relative to the run's folder, with forward slashes. Times are seconds since the epoch, durations seconds,
memory bytes. A reader skips a line it cannot parse when it is the last one (being written) and counts it otherwise.
"""

from __future__ import annotations

import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=(), ser_json_inf_nan="strings")
    time: float = Field(default_factory=time.time)


class Started(_Event):
    """The worker has begun, or begun again from a checkpoint."""

    type: Literal["started"] = "started"
    pid: int
    pid_created: float = 0.0
    host: str = ""
    device: str = "cpu"
    precision: str = "fp32"
    steps_total: int
    resumed_from: int | None = None


class Progress(_Event):
    """Preparations before or after the steps: loading, caching, class pictures, checking."""

    type: Literal["progress"] = "progress"
    phase: str
    text: str
    done: int = 0
    total: int = 0


class Forecast(_Event):
    """What the run will take, told before the first step and again once steps were timed; `text` says what was counted."""

    type: Literal["forecast"] = "forecast"
    seconds: float
    memory_bytes: int
    measured: bool = False
    text: str = ""


class Step(_Event):
    """One or several optimiser steps are done (thinned to a few a second)."""

    type: Literal["step"] = "step"
    step: int
    loss: float
    learning_rate: float
    steps_per_s: float = 0.0
    seconds_left: float = 0.0
    memory_bytes: int = 0


class Validation(_Event):
    """Loss on fixed pictures, noise and timesteps: the curve people see."""

    type: Literal["validation"] = "validation"
    step: int
    loss: float
    best: bool = False


class Sample(_Event):
    """A picture made during training; step 0 is the base model."""

    type: Literal["sample"] = "sample"
    step: int
    prompt: str
    seed: int
    file: str


class Checkpoint(_Event):
    """A checkpoint was written and read back."""

    type: Literal["checkpoint"] = "checkpoint"
    step: int
    folder: str
    bytes: int = 0


class Note(_Event):
    """Something worth telling that does not end the run."""

    type: Literal["note"] = "note"
    level: Literal["info", "warning"] = "info"
    title: str
    text: str = ""


class Paused(_Event):
    """The run waits, the model resident."""

    type: Literal["paused"] = "paused"
    step: int


class Resumed(_Event):
    """The run goes on after a pause."""

    type: Literal["resumed"] = "resumed"
    step: int


class Failed(_Event):
    """The run ended without a result. `expected` failures carry a remedy, others a report file."""

    type: Literal["failed"] = "failed"
    title: str
    what: str = ""
    hint: str = ""
    expected: bool = True
    report: str = ""


class Finished(_Event):
    """The adapter was written, reloaded and checked."""

    type: Literal["finished"] = "finished"
    step: int
    reason: Literal["complete", "stopped"] = "complete"
    adapter: str
    sha256: str
    bytes: int = 0
    seconds: float = 0.0


Event = Annotated[
    Started
    | Progress
    | Forecast
    | Step
    | Validation
    | Sample
    | Checkpoint
    | Note
    | Paused
    | Resumed
    | Failed
    | Finished,
    Field(discriminator="type"),
]

EVENTS: TypeAdapter[Event] = TypeAdapter(Event)


def to_line(event: Event) -> str:
    """One JSON line, without the newline."""
    return event.model_dump_json()


def from_line(line: str | bytes) -> Event:
    """Read one line; raises pydantic.ValidationError when it is not an event."""
    return EVENTS.validate_json(line)
