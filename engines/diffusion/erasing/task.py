"""Erasing: everything the run asks of this kind of job, from opening the base to the measured result."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from engines.api.erase_job import EraseJob
from engines.api.errors import AdapterError, JobError, TrainingError
from engines.api.job import JobImage
from engines.core.contracts import NOTE, ProgressHook, SampleFile
from engines.core.devices import Device, computing, release_cache
from engines.diffusion import same_base
from engines.diffusion.backbones import open_base
from engines.diffusion.contracts import Base, LearningRates
from engines.diffusion.erasers import eraser_of
from engines.diffusion.erasing.contracts import Eraser, Erasing, Wish
from engines.diffusion.erasing.lesson import Lesson
from engines.diffusion.erasing.walks import STAGES, Moment, Walks, moved, timesteps_of
from engines.diffusion.exchange import Adapter, LoraPair, check_fit, read_adapter, write_adapter
from engines.diffusion.exchange.metadata import eraser_metadata_of
from engines.diffusion.placement import Placement
from engines.diffusion.sampling import Sampling, at_rest, draw, start_noise
from projects.files import atomic_path

UNDER_WAY = 8
"""So many pictures are always being made; see `walks`."""


def build(job: EraseJob, images: Sequence[JobImage], project_root: Path, run_folder: Path, device: Device) -> Erase:  # noqa: ARG001 - one signature for all kinds
    """The task for a job of kind `erase`; cheap, see `engines.core.tasks.TaskBuilder`."""
    return Erase(job, project_root, run_folder, device)


class Erase:
    """One running erasure; see `engines.core.contracts.Task` and `Concludes`."""

    def __init__(self, job: EraseJob, project_root: Path, run_folder: Path, device: Device) -> None:
        self._job, self._root, self._run, self._device = job, project_root, run_folder, device
        self._parts: _Parts | None = None

    def prepare(self, progress: ProgressHook) -> None:
        """Open the base, let earlier erasers act, attach this one, and begin the pictures it is learned from."""
        job = self._job
        eraser = eraser_of(job.method.name, job.method.settings)
        base = open_base(same_base.address(self._run, job.base), self._device, progress=progress)
        same_base.keep(self._run, job.base, base)
        for note in base.info.notes:
            progress(NOTE, note, 0, 0)
        earlier = [read_adapter(self._root / file) for file in job.after]
        for one in earlier:
            check_fit(one, base)
        Placement(base).use([(one, 1.0) for one in earlier])
        if job.recipe.loop.compile:
            progress(NOTE, "Erasing is not compiled. The run goes on without.", 0, 0)
        progress("words", "Reading the words", 0, 1)
        wish = Wish(job.targets, job.keep)
        rate = job.recipe.loop.learning_rate or base.info.learning_rate * eraser.rate
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(job.recipe.loop.seed)
            erasing = eraser.attach(base, LearningRates(rate, rate), wish)
        lesson = Lesson(base, erasing, wish)
        base.release_encoders()
        walks, probes = _begun(base, lesson, job, self._device) if eraser.learns else (None, None)
        self._parts = _Parts(base, eraser, erasing, lesson, walks, probes)

    @property
    def trainable(self) -> Erasing:
        """See `Task`."""
        return self._ready.erasing

    @property
    def batches(self) -> Walks:
        """See `Task`."""
        walks = self._ready.walks
        if walks is None:
            title = "There is nothing to learn"
            raise JobError(title, "This way to erase is solved at once.")
        return walks

    def loss(self, batch: Moment) -> torch.Tensor:
        """See `Task`."""
        return self._ready.lesson.loss(batch)

    def validate(self) -> float:
        """The erasing error on the base's own pictures of the targets, at fixed stages."""
        parts = self._ready
        if parts.probes is None:
            return 0.0
        with at_rest(parts.base), computing(self._device):
            return parts.lesson.error(parts.probes)

    def sample(
        self, step: int, folder: Path, *, prompts: Sequence[str] = (), seed: int | None = None
    ) -> list[SampleFile]:
        """Pictures of the targets, or of prompts, as the eraser will act in use."""
        parts, settings = self._ready, self._job.recipe.samples
        wanted = list(prompts or settings.prompts or (f"a photo of {one.target}" for one in self._job.targets[:4]))
        number = settings.seed if seed is None else seed
        how = Sampling(steps=settings.inference_steps, guidance=settings.guidance)
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        with ExitStack() as stack:
            stack.enter_context(parts.erasing.in_use(parts.base))
            stack.callback(parts.base.release_encoders)
            for place, picture in enumerate(draw(parts.base, wanted, [number] * len(wanted), how)):
                file = folder / f"{step:06d}-{place:02d}-{number}.png"
                with atomic_path(file, durable=False) as temporary:
                    picture.save(temporary, format="PNG")
                made.append(SampleFile(wanted[place], number, file))
        return made

    def save_adapter(self, path: Path, *, step: int) -> None:
        """See `Task`. What was learned is kept in half precision, what was solved in full."""
        adapter = self._written()
        metadata = eraser_metadata_of(self._job, self._ready.base.info, adapter.metadata, step=step)
        write_adapter(Adapter(adapter.modules, metadata), path, "diffusers", overwrite=True)

    def verify_adapter(self, path: Path) -> None:
        """See `Task`."""
        title, again = "The eraser file is not right", "Resume from the last checkpoint."
        try:
            found = read_adapter(path)
        except AdapterError as error:
            raise TrainingError(title, str(error), again) from error
        expected = self._written().modules
        if found.modules.keys() != expected.keys() or not all(
            torch.equal(found.modules[name].down, pair.down) and torch.equal(found.modules[name].up, pair.up)
            for name, pair in expected.items()
        ):
            raise TrainingError(title, "It does not hold what was made.", again)
        if not any(bool(pair.up.any()) for pair in expected.values()):
            what = "It changes nothing: nothing was learned, or the surrogate means the same as the target."
            raise TrainingError(title, what, "Raise the steps, or choose another surrogate.")

    def conclude(self, adapter: Path, *, step: int, progress: ProgressHook) -> list[str]:
        """Measure what came of it and say it; the report lies in the run's folder. See `Concludes`."""
        from engines.diffusion.erasing.measuring import measure_run

        self._parts = None  # the measuring opens the base anew, as whoever uses the eraser will
        release_cache(self._device)
        report = measure_run(self._run, self._job, adapter, self._device, step=step, progress=progress)
        return [*(one.words for one in report.found), *(one.words for one in report.circumvention), report.note]

    def _written(self) -> Adapter:
        whole, dtype = self._ready.erasing.adapter(), torch.float16 if self._ready.eraser.learns else torch.float32
        modules = {
            name: LoraPair(pair.down.to(dtype), pair.up.to(dtype), pair.alpha) for name, pair in whole.modules.items()
        }
        return Adapter(modules, whole.metadata)

    @property
    def _ready(self) -> _Parts:
        if self._parts is None:
            title = "The run is not ready"
            raise JobError(title, "It was asked for something before it was prepared.")
        return self._parts


class _Parts:
    """What a prepared task holds; `probes` are fixed moments to measure on."""

    def __init__(
        self, base: Base, eraser: Eraser, erasing: Erasing, lesson: Lesson, walks: Walks | None, probes: Moment | None
    ) -> None:
        self.base, self.eraser, self.erasing, self.lesson = base, eraser, erasing, lesson
        self.walks, self.probes = walks, probes


def _begun(base: Base, lesson: Lesson, job: EraseJob, device: Device) -> tuple[Walks, Moment]:
    """Pictures on their way, each at another stage; and the same again to measure on, which stay where they are.

    The eraser changes nothing yet, so these are the base's own.
    """
    loop = job.recipe.loop
    count = max(UNDER_WAY, 2 * loop.batch_size)
    targets = [number % len(job.targets) for number in range(count)]
    times = timesteps_of(base.schedule).to(device.torch_device)
    how = Sampling().resolved(base)
    latents = start_noise(base, [loop.seed + number for number in range(count)], how).to(device.torch_device)
    stages = [number * STAGES // count for number in range(count)]
    kept = latents.clone()

    def say(noisy: torch.Tensor, now: torch.Tensor, towards: Sequence[int]) -> torch.Tensor:
        with at_rest(base), computing(device):
            return lesson.guided(noisy, now, towards)

    with torch.no_grad():
        for stage in range(max(stages)):
            now, then = times[stage].expand(count), times[stage + 1].expand(count)
            latents = moved(base.schedule, latents, say(latents, now, targets).float(), now, then)
            for row in (row for row, wanted in enumerate(stages) if wanted == stage + 1):
                kept[row] = latents[row]
    start = Moment(kept, times[stages], tuple(targets))
    return Walks(base.schedule, say, start, stages=stages, size=loop.batch_size, seed=loop.seed), start
