"""Kills the worker with SIGKILL at random moments of a real training and resumes it: the adapter must equal the undisturbed run's bit for bit.

Every trial is one training of its own, killed once: while it starts, while it prepares, between or within steps, while it measures, draws,
writes a checkpoint or checks the result.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from engines.api.errors import UserError
from engines.api.events import Event, Started
from engines.api.job import Job, JobConcept, JobImage
from engines.api.places import samples
from engines.api.recipe import DataSettings, LoopSettings, Recipe, SampleSettings
from engines.bench.table import Bench, Cell, Figure, Result, Table
from engines.launch import local
from engines.launch.folder import ADAPTER, create_run
from engines.launch.follow import Follower, read_state

SENTENCE = "SIGKILL of the worker and of document edits at random moments: nothing is lost, resumed runs are equal bit for bit."

_TRIALS, _QUICK_TRIALS = 20, 2
_TRIES = 3
_STARTUP_SHARE = 0.15
_LIMIT_S = 900.0
_LOOK_S = 0.01
_SEED = 20


@dataclass(frozen=True)
class Trial:
    """What came of one kill.

    Attributes:
        moment: seconds after the worker was started, or after it had told that it began.
        told: type of the last event before the kill.
        step: the last step told before the kill.
        recognised: whether the run showed as interrupted afterwards.
        resumed_from: step of the checkpoint it went on from; None for the start.
        equal: whether the final adapter equals the undisturbed one.
    """

    moment: str
    told: str
    step: int
    recognised: bool
    resumed_from: int | None
    equal: bool


def measure(bench: Bench) -> Result:
    """Run the trials of the worker, then those of the documents."""
    worker = measure_worker(bench, base="starter")
    from engines.bench.kill_documents import measure as measure_documents

    documents = measure_documents(bench)
    return Result(
        (*worker.tables, *documents.tables),
        (*worker.figures, *documents.figures),
        {**worker.conditions, **documents.conditions},
    )


def measure_worker(bench: Bench, *, base: str, pictures: list[Path] | None = None) -> Result:
    """Train once undisturbed, then once a trial with a kill in it.

    Args:
        bench: how much, and where.
        base: base model as in a job.
        pictures: what is taught; a sample subject when left out.
    """
    chosen = pictures or sample_pictures()
    count = _QUICK_TRIALS if bench.quick else _TRIALS
    steps = 12 if bench.quick else 40
    calm = _new_run(bench.folder / "calm", base, chosen, steps)
    begun = time.monotonic()
    local.start(calm)
    working_s = _finish(calm)
    bench.say(f"The undisturbed run took {time.monotonic() - begun:.1f} s.")
    expected = (calm / ADAPTER).read_bytes()
    moments = random.Random(_SEED)
    trials: list[Trial] = []
    for number in range(_TRIES * count):
        folder = _new_run(bench.folder / f"trial-{number}", base, chosen, steps)
        trial = _trial(folder, moments, working_s, expected)
        shutil.rmtree(folder.parents[1], ignore_errors=True)
        if trial is not None:
            trials.append(trial)
            bench.say(f"{len(trials)} of {count}: {trial}")
        if len(trials) == count:
            break
    equal = sum(trial.equal for trial in trials)
    recognised = sum(trial.recognised for trial in trials)
    floor = float(count)
    return Result(
        (_table(trials),),
        (
            Figure("kill-worker-equal", equal, floor, floor, note=f"of {count} kills, adapters equal bit for bit"),
            Figure("kill-worker-recognised", recognised, floor, floor, note=f"of {count} kills, shown as interrupted"),
        ),
        {"base": base, "steps": str(steps), "device": "cpu", "pictures": str(len(chosen))},
    )


def sample_pictures() -> list[Path]:
    """The pictures of the first sample subject.

    Raises:
        UserError: the sample subjects are not installed.
    """
    for folder in sorted(path for path in samples().rglob("*") if path.is_dir()):
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".png", ".jpg", ".jpeg", ".webp"})
        if len(found) >= 3:
            return found
    raise UserError("The sample pictures are not here", f"Nothing was found in {samples()}.")


def _new_run(root: Path, base: str, pictures: list[Path], steps: int) -> Path:
    (root / "images").mkdir(parents=True)
    images = []
    for number, picture in enumerate(pictures):
        name = f"images/{number:02d}{picture.suffix.lower()}"
        shutil.copyfile(picture, root / name)
        images.append(JobImage(file=name, caption="a photo of [trigger]", repeats=1))
    recipe = Recipe(
        data=DataSettings(flip=True),
        loop=LoopSettings(
            steps=steps, device="cpu", checkpoint_every=5, validate_every=8, keep_checkpoints=2, warmup=4, seed=3
        ),
        samples=SampleSettings(every=16, prompts=("a photo of tobi",), inference_steps=4),
    )
    concept = JobConcept(name="Tobi", trigger="tobi", class_noun="toy")
    job = Job(id="kill", title="Kill", created=0.0, concept=concept, base=base, recipe=recipe)
    return create_run(root, job, images)


def _trial(folder: Path, moments: random.Random, working_s: float, expected: bytes) -> Trial | None:
    """One training with a kill in it; None when it was over before the kill."""
    early = moments.random() < _STARTUP_SHARE
    process = psutil.Process(local.start(folder))
    follower = Follower(folder)
    if not early:
        _until(lambda: bool(follower.poll() and any(isinstance(event, Started) for event in follower.events)))
    pause_s = moments.uniform(0.0, 2.0 if early else working_s)
    time.sleep(pause_s)
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return None
    _until(lambda: not local.at_work(folder))
    state, told = read_state(folder), _events(folder)
    recognised = state.phase in {"interrupted", "failed", "finished"}
    resumed_from = None
    if state.phase != "finished":
        local.start(folder, resume=True)
        _finish(folder)
        resumed_from = [event for event in _events(folder) if isinstance(event, Started)][-1].resumed_from
    equal = (folder / ADAPTER).is_file() and (folder / ADAPTER).read_bytes() == expected
    moment = f"{pause_s:.2f} s after {'launch' if early else 'beginning'}"
    return Trial(moment, told[-1].type if told else "nothing", state.step, recognised, resumed_from, equal)


def _finish(folder: Path) -> float:
    """Wait for the run's end; returns the seconds between the beginning of the last life and the end.

    Raises:
        UserError: it failed.
    """
    follower = Follower(folder)

    def ended() -> bool:
        follower.poll()
        return follower.state.phase in {"finished", "failed", "interrupted"} and not local.at_work(folder)

    _until(ended)
    state = follower.catch_up()
    if state.result is None:
        why = state.failure
        words = f"{why.title}. {why.what}" if why is not None else state.phase
        raise UserError("A training of this bench did not finish", words)
    return state.result.time - state.started


def _events(folder: Path) -> list[Event]:
    follower = Follower(folder)
    found: list[Event] = []
    while follower.poll():
        found += follower.events
    return found


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise UserError("A training of this bench hangs", f"It showed no end within {_LIMIT_S:.0f} s.")
        time.sleep(_LOOK_S)


def _table(trials: list[Trial]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            number,
            trial.moment,
            trial.told,
            trial.step,
            "start" if trial.resumed_from is None else trial.resumed_from,
            trial.recognised,
            trial.equal,
        )
        for number, trial in enumerate(trials, 1)
    ]
    columns = ("trial", "killed", "last told", "step", "resumed from", "recognised", "equal")
    return Table("SIGKILL of the worker", columns, tuple(rows))
