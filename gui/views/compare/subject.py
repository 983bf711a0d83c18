"""What can be compared: an adapter with its stages (checkpoints and the finished file), its words, its base and the photos it was taught from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engines.api.events import Sample
from engines.api.job import Job, JobConcept
from engines.api.places import cache_home
from engines.api.prompts import sample_prompts
from engines.launch.adapter_info import AdapterInfo
from engines.launch.evaluation import HOME, photos_of, step_name
from engines.launch.folder import ADAPTER
from gui.views.compare.store import Wanted
from gui.views.train.words import method_title, when
from gui.workers.runs import RunView


@dataclass(frozen=True)
class Stage:
    """One adapter file of a subject.

    Attributes:
        step: optimiser steps behind it; -1 when unknown.
        best: whether its measured error was the lowest among the stages.
        final: whether it is the finished file.
    """

    step: int
    file: Path
    best: bool = False
    final: bool = False

    @property
    def title(self) -> str:
        """`200 best`, `300`, or `adapter` for a file of unknown age."""
        if self.step < 0:
            return "adapter"
        return f"{self.step} best" if self.best else str(self.step)

    @property
    def words(self) -> str:
        """`After, step 200`."""
        return "After" if self.step < 0 else f"After, step {self.step}"


@dataclass(frozen=True)
class Asked:
    """What to show pictures of: the words, the seed, and how strongly the adapter acts."""

    prompt: str
    seed: int
    strength: float = 1.0


@dataclass(frozen=True)
class Subject:
    """An adapter that can be compared with its base.

    Attributes:
        id: the run's folder name, or `file:` and the name of an imported file.
        folder: where its reports are kept.
        method: how it was taught, in a word; `settings` how else, by name.
        prompts: words to try, with the trigger in them; `own_prompts` those a person wrote.
        seed: of the run's samples.
        samples: pictures made while it was taught; step 0 is the base.
        created: seconds since the epoch, or 0.
        photos: of the real thing (absolute paths), empty when unknown.
    """

    id: str
    title: str
    base: str
    stages: tuple[Stage, ...]
    folder: Path
    trigger: str = ""
    class_noun: str = ""
    prompts: tuple[str, ...] = ()
    seed: int = 7
    samples: tuple[Sample, ...] = ()
    sample_folder: Path = Path()
    created: float = 0.0
    photos: tuple[Path, ...] = ()
    method: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    own_prompts: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Title, method and date, since several trainings of one subject are called the same."""
        return ", ".join(part for part in (self.title, self.method, when(self.created)) if part)

    def default_stage(self) -> Stage | None:
        """The finished file, else the newest checkpoint."""
        return next((stage for stage in self.stages if stage.final), self.stages[-1] if self.stages else None)

    def stage_of(self, step: int) -> Stage | None:
        """The stage of that step."""
        return next((stage for stage in self.stages if stage.step == step), None)

    def sample(self, step: int, prompt: str, seed: int) -> Path | None:
        """A picture that was made while it was taught, for these very words and seed."""
        found = [s for s in self.samples if (s.step, s.prompt, s.seed) == (step, prompt, seed)]
        path = self.sample_folder / found[-1].file if found else None
        return path if path is not None and path.is_file() else None

    def wanted(self, stage: Stage | None, asked: Asked) -> Wanted:
        """The picture with a stage's adapter, or with the base alone when `stage` is None."""
        return Wanted(self.base, stage.file if stage is not None else None, asked.strength, asked.prompt, asked.seed)

    def picture(self, stage: Stage | None, asked: Asked) -> Path | None:
        """That picture, if it was ever made: while the adapter was taught, or on the page."""
        if stage is None or asked.strength == 1.0:
            found = self.sample(stage.step if stage is not None else 0, asked.prompt, asked.seed)
            if found is not None:
                return found
        return self.wanted(stage, asked).kept()

    def report_folder(self, stage: Stage) -> Path:
        """Where the measured comparison of a stage is kept."""
        return self.folder / step_name(stage.step) if stage.step >= 0 else self.folder / "adapter"


def of_run(view: RunView) -> Subject | None:
    """The subject of a training; None while there is no adapter file yet. Reads small files: call it on another thread."""
    job, state, folder = view.info.job, view.state, view.info.folder
    if job is None:
        return None
    stages = [
        Stage(point.step, folder / point.folder / ADAPTER)
        for point in state.checkpoints
        if (folder / point.folder / ADAPTER).is_file()
    ]
    if state.result is not None:
        final = folder / state.result.adapter
        stages = [stage for stage in stages if stage.step != state.result.step]
        if final.is_file():
            stages.append(Stage(state.result.step, final, final=True))
    if not stages:
        return None
    return Subject(
        id=view.id,
        title=view.title,
        base=job.base,
        stages=_with_best(stages, dict(state.validation)),
        folder=folder / HOME,
        trigger=job.concept.trigger,
        class_noun=job.concept.class_noun,
        prompts=tuple(dict.fromkeys(sample.prompt for sample in state.samples)) or sample_prompts(job.concept),
        seed=job.recipe.samples.seed,
        samples=state.samples,
        sample_folder=folder,
        created=view.created,
        photos=photos_of(folder),
        method=method_title(job.method.name),
        settings=_settings(job),
        own_prompts=job.recipe.samples.prompts,
    )


def of_file(path: Path, info: AdapterInfo) -> Subject:
    """The subject of an adapter file that was brought in from elsewhere."""
    known = info.base == "starter" or info.base.startswith(("hub:", "file:"))
    stamp = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return Subject(
        id=f"file:{path.name}",
        title=info.title or path.stem,
        base=info.base if known else "starter",
        stages=(Stage(info.steps or -1, path, final=True),),
        folder=cache_home() / "compare" / f"file-{stamp}",
        trigger=info.trigger,
        class_noun=info.class_noun,
        created=info.created,
        prompts=sample_prompts(JobConcept(name="", trigger=info.trigger[:200], class_noun=info.class_noun[:200])),
        method=method_title(info.method) if info.method else "",
    )


def _with_best(stages: Sequence[Stage], losses: dict[int, float]) -> tuple[Stage, ...]:
    measured = [stage for stage in stages if stage.step in losses]
    best = min(measured, key=lambda stage: losses[stage.step]).step if len(measured) > 1 else None
    return tuple(
        Stage(stage.step, stage.file, best=stage.step == best, final=stage.final)
        for stage in sorted(stages, key=lambda stage: stage.step)
    )


def _settings(job: Job) -> dict[str, str]:
    """Everything that was chosen for a training, by plain names."""
    groups = [job.method.settings, *(group for group in job.recipe.model_dump().values())]
    return {name.replace("_", " "): str(value) for group in groups for name, value in group.items()}
