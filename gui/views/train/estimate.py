"""What a training will take, in words: as forecast before it starts, as the worker tells while it runs. Never more certain than it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines.api.catalog import DeviceEntry
from engines.api.run_state import RunState
from engines.launch.forecast import Outlook, Source
from gui.views.train.words import gigabytes, spoken_duration

_SOURCES: dict[Source, str] = {
    "measured": "as measured here before",
    "scaled": "judging by other trainings here",
    "counted": "a rough count, until the first steps are timed",
}
_DEVICES = {"cpu": "on the processor", "cuda": "on the graphics card", "mps": "on Apple graphics"}


@dataclass(frozen=True)
class Estimate:
    """What is known.

    Attributes:
        seconds: of the whole training; None when unknown.
        memory_bytes: at its peak; 0 when unknown.
        available_bytes: of the device it will run on; 0 when unknown.
        device: its kind, `cpu`, `cuda` or `mps`; empty when unknown.
        source: where the figures come from, in words.
        remedy: what to change when it does not fit; empty when it does.
        counted: what the figures are made of, in a sentence.
    """

    seconds: float | None = None
    memory_bytes: int = 0
    available_bytes: int = 0
    device: str = ""
    source: str = ""
    remedy: str = ""
    counted: str = ""

    @property
    def fits(self) -> bool | None:
        """Whether it fits; None when unknown."""
        if self.remedy:
            return False
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
        where = _DEVICES.get(self.device, "here")
        if self.seconds is None:
            return f"How long it takes {where} is known after the first steps."
        words = f"{spoken_duration(self.seconds)} {where}"
        tail = f", {self.source}" if self.source else ""
        return f"{words[0].upper()}{words[1:]}{tail}."


def from_outlook(outlook: Outlook, device: DeviceEntry) -> Estimate:
    """The forecast made before the start."""
    return Estimate(
        outlook.forecast.seconds,
        outlook.forecast.memory_bytes,
        outlook.available_bytes,
        device.kind,
        _SOURCES[outlook.source],
        outlook.remedy,
        outlook.forecast.text,
    )


def during(state: RunState, devices: Sequence[DeviceEntry]) -> Estimate:
    """What the worker says of a training at work."""
    device = next((entry for entry in devices if entry.kind == state.device.split(":")[0]), None)
    forecast = state.forecast
    memory = max(state.memory_bytes, forecast.memory_bytes if forecast is not None else 0)
    # What the run itself holds is no longer free, though it belongs to it.
    available = device.memory_free_bytes + state.memory_bytes if device is not None else 0
    kind = device.kind if device is not None else state.device
    if forecast is None:
        return Estimate(None, memory, available, kind)
    source = (
        "from start to end, measured on its first steps"
        if forecast.measured
        else "a forecast until its first steps are timed"
    )
    return Estimate(forecast.seconds, memory, available, kind, source, counted=forecast.text)
