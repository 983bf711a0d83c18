"""What a training will take, told before it starts only as far as it is known: from earlier trainings of the same kind.

Nothing is guessed. When no like training was measured here, the words say so, and the worker tells its forecast once it has timed its
first steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines.api.catalog import DeviceEntry
from engines.api.recipe import Recipe
from engines.api.run_state import RunState
from gui.views.train.words import gigabytes, spoken_duration
from gui.workers.runs import RunView

_TOLD_STEPS = 20


@dataclass(frozen=True)
class Estimate:
    """What is known.

    Attributes:
        seconds: of the whole training; None when unknown.
        memory_bytes: at its peak; 0 when unknown.
        available_bytes: of the device it will run on; 0 when unknown.
        device: its kind, `cpu`, `cuda` or `mps`.
        source: where the figures come from, in words.
    """

    seconds: float | None = None
    memory_bytes: int = 0
    available_bytes: int = 0
    device: str = ""
    source: str = ""

    @property
    def fits(self) -> bool | None:
        """Whether it fits; None when unknown."""
        if not self.memory_bytes or not self.available_bytes:
            return None
        return self.memory_bytes <= self.available_bytes

    @property
    def share(self) -> float:
        """Share of the device's memory, 0 to 1; 0 when unknown."""
        return min(self.memory_bytes / self.available_bytes, 1.0) if self.available_bytes else 0.0

    def chip(self) -> str:
        """`1.1 of 21 GB`, or `21 GB free`; empty when nothing is known."""
        if self.memory_bytes and self.available_bytes:
            return f"{gigabytes(self.memory_bytes)} of {gigabytes(self.available_bytes)} GB"
        return f"{gigabytes(self.available_bytes)} GB free" if self.available_bytes else ""

    def sentence(self) -> str:
        """How long it takes, honestly."""
        where = "on the processor" if self.device == "cpu" else "on the graphics card" if self.device else "here"
        if self.seconds is None:
            return f"How long it takes {where} is known after the first steps."
        words = spoken_duration(self.seconds)
        return (
            f"{words[0].upper()}{words[1:]} {where}, {self.source}."
            if self.source
            else f"{words[0].upper()}{words[1:]} {where}."
        )


def device_for(recipe: Recipe, devices: Sequence[DeviceEntry]) -> DeviceEntry | None:
    """The device a recipe will run on."""
    wanted = recipe.loop.device
    if wanted == "auto":
        return devices[0] if devices else None
    return next((device for device in devices if device.kind == wanted), None)


def before(recipe: Recipe, method: str, base: str, runs: Sequence[RunView], devices: Sequence[DeviceEntry]) -> Estimate:
    """What is known before the start: judged by the newest measured training of the same method, base, size and batch."""
    device = device_for(recipe, devices)
    kind = device.kind if device is not None else ""
    available = device.memory_free_bytes if device is not None else 0
    for view in runs:
        told = _told(view, recipe, method, base, kind)
        if told is not None:
            seconds, memory = told
            return Estimate(seconds, memory, available, kind, "judging by your last training")
    return Estimate(None, 0, available, kind)


def during(state: RunState, devices: Sequence[DeviceEntry]) -> Estimate:
    """What the worker says of a training at work."""
    device = next((entry for entry in devices if entry.kind == state.device.split(":")[0]), None)
    available = device.memory_free_bytes if device is not None else 0
    forecast = state.forecast
    memory = max(state.memory_bytes, forecast.memory_bytes if forecast is not None else 0)
    kind = device.kind if device is not None else state.device
    # What the run itself holds is no longer free, though it belongs to it.
    available = available + state.memory_bytes if available else 0
    if forecast is None:
        return Estimate(None, memory, available, kind)
    source = "measured on the first steps" if forecast.measured else "by the worker's forecast"
    return Estimate(forecast.seconds, memory, available, kind, source)


def _told(view: RunView, recipe: Recipe, method: str, base: str, kind: str) -> tuple[float, int] | None:
    job, state = view.info.job, view.state
    if job is None or job.method.name != method or job.base != base or state.device.split(":")[0] != kind:
        return None
    same = (
        job.recipe.data.resolution == recipe.data.resolution
        and job.recipe.loop.batch_size == recipe.loop.batch_size
        and job.recipe.loop.accumulate == recipe.loop.accumulate
    )
    if not same:
        return None
    memory = max(state.memory_bytes, state.forecast.memory_bytes if state.forecast is not None else 0)
    if state.result is not None and state.result.seconds > 0 and state.result.step >= _TOLD_STEPS:
        return state.result.seconds * recipe.loop.steps / state.result.step, memory
    if state.steps_per_s > 0 and state.step >= _TOLD_STEPS:
        return recipe.loop.steps / state.steps_per_s, memory
    return None
