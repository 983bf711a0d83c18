"""What an erasure will take, told before it starts: from earlier runs here where there are any, else from counting passes of the denoiser.

A step asks the base and the eraser several things, and moves the pictures on which it learns one stage on; the measuring at the end makes pictures
twice. All sizes are bytes, all times seconds.
"""

from __future__ import annotations

from engines.api.catalog import DeviceEntry
from engines.api.erase_job import EraseJob
from engines.api.events import Forecast
from engines.launch.figures import BackboneFigures, figures_of
from engines.launch.forecast import (
    Outlook,
    Source,
    counted_rate,
    device_name,
    libraries_bytes,
    samplings,
    some,
    validations,
)
from engines.launch.speeds import Speed, recall

KIND = "erase "
_BACKWARD = 2.2
_SAMPLE_STEPS = 25
_SAVED_PER_OUTPUT, _AROUND_S = 4.0, 10.0
_SOLVED = "uce"


def erase_outlook(job: EraseJob, device: DeviceEntry) -> Outlook:
    """Forecast an erasure on a device, before anything is loaded, its measuring included."""
    figures, loop = figures_of(job.base), job.recipe.loop
    flops = step_flops(job)
    precision = "fp32" if device.kind != "cuda" or loop.precision == "fp32" else "half"
    name = device_name(device.kind, device.title)
    known = [one for one in recall() if one.device == name and one.precision == precision and one.work.startswith(KIND)]
    same = [one for one in known if one.base == job.base and one.work == work_key(job)]
    source: Source = "measured" if same else "scaled" if known else "counted"
    rate = counted_rate(device.kind)
    if same or known:
        nearest: Speed = same[-1] if same else min(known, key=lambda one: abs(one.step_flops - flops))
        rate = nearest.step_flops / nearest.step_s
    steps = 0 if job.method.name == _SOLVED else loop.steps
    asides = (validations(job.recipe) * 2 + samplings(job.recipe) * 2 * _SAMPLE_STEPS) * bool(steps)
    passes = asides + 2 * 2 * _SAMPLE_STEPS * pictures(job)
    seconds = _AROUND_S + (steps * flops + passes * figures.forward_flops(figures.resolution)) / rate
    memory = same[-1].memory_bytes if same and same[-1].memory_bytes else memory_bytes(job, figures, device.kind)
    remedy = remedy_for(job) if memory > device.memory_free_bytes > 0 else ""
    text = f"Counted: {some(steps, 'step')}, then {2 * pictures(job)} pictures to measure what came of it."
    return Outlook(Forecast(seconds=seconds, memory_bytes=memory, text=text), source, device.memory_free_bytes, remedy)


def work_key(job: EraseJob) -> str:
    """What makes two erasures of one base take the same time a step."""
    settings = " ".join(f"{name}={value}" for name, value in sorted(job.method.settings.items()))
    loop = job.recipe.loop
    return (
        f"{KIND}{job.method.name} b{loop.batch_size} a{loop.accumulate} c{int(loop.gradient_checkpointing)} {settings}"
    )


def step_flops(job: EraseJob) -> float:
    """Floating point operations of one step."""
    figures, loop = figures_of(job.base), job.recipe.loop
    anchors = _anchors(job)
    learned = (1 + anchors) * (1.0 + _BACKWARD)
    asked = 3 + anchors + 2  # the base's answers, and moving the pictures on
    return loop.accumulate * loop.batch_size * (learned + asked) * figures.forward_flops(figures.resolution)


def pictures(job: EraseJob) -> int:
    """How many pictures of each model the measuring makes, at most."""
    check = job.recipe.check
    words = len(job.targets) * (1 + 2 * check.words) + len(job.keep) + check.words
    return words * check.prompts * check.pictures


def memory_bytes(job: EraseJob, figures: BackboneFigures, kind: str) -> int:
    """Peak memory of a run."""
    width = 2 if kind == "cuda" and job.recipe.loop.precision != "fp32" else 4
    kept = (1 + _anchors(job)) * job.recipe.loop.batch_size * figures.activations(figures.resolution) * width
    weights = (figures.parameters + figures.other_parameters) * width
    return int(libraries_bytes(kind) + weights + _SAVED_PER_OUTPUT * kept)


def remedy_for(job: EraseJob) -> str:
    """What to change so that an erasure needs less memory, the gentlest change first."""
    if job.recipe.loop.batch_size > 1:
        return f"Take {job.recipe.loop.batch_size // 2} at a time instead of {job.recipe.loop.batch_size}."
    if _anchors(job) > 1:
        return "Hold one other word a step."
    if job.method.name != _SOLVED:
        return "Choose “Rewriting”, which learns nothing."
    return "Close other programs that use memory, or choose a smaller base model."


def _anchors(job: EraseJob) -> int:
    anchors = job.method.settings.get("anchors", 2 if job.method.name == "spm" else 0)
    return anchors if isinstance(anchors, int) and job.method.settings.get("hold", 1.0) else 0
