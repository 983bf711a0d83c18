"""Will it fit, and how long will it take: the worker's side of the forecast, with the device's own figures, and what it learns from a run."""

from __future__ import annotations

from contextlib import suppress

import torch

from engines.api.catalog import DeviceEntry
from engines.api.events import Note
from engines.api.jobs import AnyJob
from engines.core.devices import Device, memory_free_bytes, memory_used_bytes, why_not
from engines.core.journal import Journal
from engines.core.pace import Pace
from engines.launch import forecast, speeds
from engines.launch.hardware import cores, probe
from engines.launch.outlooks import outlook_of, work_of

_GIB = 2**30


def entry_of(device: Device) -> DeviceEntry:
    """The picked device as catalog data."""
    if device.kind == "cuda":
        title, total = torch.cuda.get_device_name(), int(torch.cuda.mem_get_info()[1])
    else:
        title, total = f"CPU, {cores()} cores" if device.kind == "cpu" else "Apple graphics", 0
    free = memory_free_bytes(device)
    return DeviceEntry(
        kind=device.kind,
        title=title,
        memory_bytes=max(total, free),
        memory_free_bytes=free,
        precisions=(device.precision,),
    )


def tell_device(job: AnyJob, device: Device, journal: Journal) -> None:
    """Say so when torch computes elsewhere than this computer's hardware promised, as the window's forecast did."""
    promised, real = forecast.best_device(probe(), job.recipe), entry_of(device)
    if promised is None or (promised.kind == real.kind and (real.kind != "cuda" or promised.title == real.title)):
        return
    again = "The forecast is made again for it."
    if real.kind != "cpu":
        text = f"It is {real.title}, and not {promised.title}. {again}"
        journal.tell(Note(title="Another device computes than was expected", text=text))
        return
    what, hint = why_not(promised.kind)
    text = f"{promised.title}: {what}. The processor computes instead, which takes longer. {again} {hint}"
    journal.tell(Note(level="warning", title="The graphics card is not used", text=text))


def tell_forecast(job: AnyJob, device: Device, journal: Journal) -> None:
    """Tell what the run will take before its first step, and warn with a remedy when it seems not to fit."""
    outlook = outlook_of(job, entry_of(device))
    journal.tell(outlook.forecast)
    if not outlook.fits:
        needed, there = outlook.forecast.memory_bytes / _GIB, outlook.available_bytes / _GIB
        text = f"About {needed:.1f} GB are needed and {there:.1f} GB are free. {outlook.remedy}"
        journal.tell(Note(level="warning", title="This run may not fit into memory", text=text))


def learn(job: AnyJob, device: Device, pace: Pace, *, total_s: float) -> None:
    """Remember how fast the steps of a finished run were, for the next forecast.

    Args:
        job: what was done.
        device: where.
        pace: of its steps.
        total_s: seconds from start to end, without those spent on pictures of the class (the next run finds them made, or counts them).
    """
    if pace.step_s <= 0 or pace.steps_here < job.recipe.loop.steps:
        return  # a resumed run's clock does not tell the whole story
    entry = entry_of(device)
    validation_s, samples_s = pace.seconds_of("validation"), pace.seconds_of("samples")
    asides = forecast.validations(job.recipe) * validation_s + forecast.samplings(job.recipe) * samples_s
    work, flops = work_of(job)
    speed = speeds.Speed(
        device=forecast.device_name(device.kind, entry.title),
        precision="fp32" if device.autocast is None else "half",
        base=job.base,
        work=work,
        step_flops=max(1.0, flops),
        step_s=pace.step_s,
        validation_s=validation_s,
        samples_s=samples_s,
        around_s=max(0.0, total_s - job.recipe.loop.steps * pace.step_s - asides),
        memory_bytes=memory_used_bytes(device),
    )
    with suppress(OSError):  # only a convenience
        speeds.remember(speed)
