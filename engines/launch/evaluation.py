"""Before and after of a run, measured in the background once it is finished: what is asked, where the answer lies, and who may work on it.

A measured comparison lies in `compare/step-000200` of the run's folder and appears there whole or not at all, so that a kill or a power cut
loses it and nothing else. A detached process (`python -m engines evaluate PROJECT --background`), begun by a run that has finished, measures
what was left; it gives way to every run of the project at once, and the last of those begins it anew.
"""

from __future__ import annotations

import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engines.api.errors import JobError
from engines.api.job import JobConcept
from engines.api.prompts import measured_prompts
from engines.api.requests import Compare
from engines.api.uses import AdapterUse
from engines.launch import local, queue
from engines.launch.folder import ADAPTER, LOG, RUNS, load_job, project_root, read_job, run_folders
from engines.launch.follow import read_state
from engines.launch.lock import FolderLock, is_held
from projects.files import atomic_write_text

HOME = "compare"
REPORT = "report.json"
MOST_PHOTOS = 24
_PROBLEM = "problem.txt"
_BUILDING = ".new"
_LOCK = "evaluate.lock"
_SEEDS = 2
_LOCK_WAIT_S = 5.0
_FREE_WAIT_S = 30.0
_LOOK_S = 0.5
_LONGEST_WORDS = 4000

Stage = Literal["none", "waiting", "working", "done", "failed"]


@dataclass(frozen=True)
class Standing:
    """Where the evaluation of a run stands; `words` say why it failed."""

    stage: Stage = "none"
    words: str = ""


NONE = Standing()


def home_of(run: Path, step: int) -> Path:
    """Where the measured comparison of a run's adapter of this step lies."""
    return run / HOME / step_name(step)


def step_name(step: int) -> str:
    """The folder of an adapter's measured comparison among those of its run."""
    return f"step-{step:06d}"


def photos_of(run: Path) -> tuple[Path, ...]:
    """Photos of the subject: those a run was taught from that are still there.

    Raises:
        JobError: the folder is no run or is damaged.
    """
    _job, images = load_job(run)
    found = (project_root(run).joinpath(*image.file.split("/")) for image in images[:MOST_PHOTOS])
    return tuple(path for path in found if path.is_file())


def question(
    adapters: Sequence[tuple[str, Path]],
    concept: JobConcept,
    *,
    base: str,
    own_prompts: Sequence[str],
    seed: int,
    photos: Sequence[Path],
    folder: Path,
) -> Compare:
    """What is asked to measure adapters (label, file) of one subject: the same everywhere, so that figures can be held against each other."""
    return Compare(
        id=f"measure-{uuid.uuid4().hex[:12]}",
        base=base,
        adapters=tuple(AdapterUse(file=str(file)) for _label, file in adapters),
        labels=tuple(label for label, _file in adapters),
        prompts=measured_prompts(concept, own_prompts),
        seeds=tuple(range(seed, seed + _SEEDS)),
        references=tuple(str(photo) for photo in photos),
        trigger=concept.trigger,
        class_noun=concept.class_noun,
        beside=True,
        folder=str(folder),
    )


def question_of(run: Path, folder: Path) -> Compare:
    """The question of a finished run, to be answered in `folder`.

    Raises:
        JobError: the folder is no run, is damaged, or is not finished.
    """
    job, result = read_job(run), read_state(run).result
    if result is None:
        raise JobError("This run is not finished", f"{run.name} has no adapter to measure yet.", "Let it finish first.")
    return question(
        [(job.title, run / result.adapter)],
        job.concept,
        base=job.base,
        own_prompts=job.recipe.samples.prompts,
        seed=job.recipe.samples.seed,
        photos=photos_of(run),
        folder=folder,
    )


def report_of(run: Path) -> Path | None:
    """The folder of a finished run's measured comparison; None when there is none."""
    result = read_state(run).result
    folder = home_of(run, result.step) if result is not None else None
    return folder if folder is not None and (folder / REPORT).is_file() else None


@contextmanager
def built(run: Path) -> Iterator[Path]:
    """A folder to measure in, which becomes the run's comparison, instead of an older one, when the block ends well.

    Only the holder of the project's lock (`alone`) may use it.
    """
    building = run / HOME / _BUILDING
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        yield building
        result = read_state(run).result
        target = home_of(run, result.step if result is not None else 0)
        shutil.rmtree(target, ignore_errors=True)
        building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def fail(run: Path, step: int, words: str) -> None:
    """Write down why a run was not measured, so that it is not tried again and again."""
    folder = home_of(run, step)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write_text(folder / _PROBLEM, words)


def standing(run: Path, *, step: int, wanted: bool) -> Standing:
    """Where the evaluation of a finished run stands. Costs a question or two to the file system."""
    folder = home_of(run, step)
    if (folder / REPORT).is_file():
        return Standing("done")
    words = _problem(folder)
    if words:
        return Standing("failed", words)
    if (run / HOME / _BUILDING).is_dir() and is_held(run.parent / _LOCK):
        return Standing("working")
    return Standing("waiting" if wanted else "none")


def pending(root: Path, *, asked: bool = True) -> list[Path]:
    """Finished runs of a project that were not measured yet, the newest first; with `asked` those only whose job asks for it."""
    found = []
    for run in run_folders(root):
        if not (run / ADAPTER).is_file():
            continue
        try:
            job, result = read_job(run), read_state(run).result
        except JobError:
            continue  # a damaged run is told about elsewhere
        wanted = job.evaluate or not asked
        if wanted and result is not None and standing(run, step=result.step, wanted=True).stage == "waiting":
            found.append((job.created, run))
    return [run for _created, run in sorted(found, reverse=True)]


def ensure_running(root: Path) -> None:
    """Start the detached process that measures what was left."""
    command = [sys.executable, "-m", "engines", "evaluate", str(root.resolve()), "--background"]
    local.spawn_detached(command, log=root / RUNS / f"evaluate-{LOG}")


def free(root: Path) -> bool:
    """Whether no run of the project is at work or about to be."""
    return queue.busy(root) is None and not (queue.waiting(root) and queue.is_running(root))


@contextmanager
def alone(root: Path) -> Iterator[bool]:
    """Hold the project's lock for measuring; gives whether it is ours."""
    (root / RUNS).mkdir(exist_ok=True)
    lock = FolderLock(root / RUNS / _LOCK)
    taken = lock.take(wait_s=_LOCK_WAIT_S)
    try:
        yield taken
    finally:
        lock.release()


def work_off(root: Path, measure: Callable[[Path, Callable[[], bool]], bool]) -> None:
    """Measure what is pending, as long as nothing more important wants the device.

    Args:
        root: the project's folder.
        measure: measures one run; given its folder and whether to give way, asked often; returns False when it gave way.
    """
    until = time.monotonic() + _FREE_WAIT_S  # the run that began this process still needs a moment to end
    while not free(root):
        if time.monotonic() >= until:
            return
        time.sleep(_LOOK_S)
    with alone(root) as ours:
        if not ours:
            return
        unwanted = _seldom(lambda: not free(root))
        while runs := pending(root):
            if unwanted() or not measure(runs[0], unwanted):
                return
            if pending(root)[:1] == runs[:1]:
                return  # nothing came of it, not even a problem: a full disk, perhaps


def _seldom(ask: Callable[[], bool]) -> Callable[[], bool]:
    """Asks at most twice a second, since the answer costs some files."""
    known, at = False, float("-inf")

    def asked() -> bool:
        nonlocal known, at
        if time.monotonic() - at >= _LOOK_S:
            known, at = ask(), time.monotonic()
        return known

    return asked


def _problem(folder: Path) -> str:
    try:
        return (folder / _PROBLEM).read_text(encoding="utf-8", errors="replace")[:_LONGEST_WORDS]
    except OSError:
        return ""
