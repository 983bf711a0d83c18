"""A run's folder: how it is made, what lies in it, and how its job is read back.

A job is frozen once written. A folder is never reused: a second run of the same name gets a name of its own.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import unicodedata
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from engines.api.erase_job import EraseJob
from engines.api.errors import JobError
from engines.api.job import FORMAT, Job, JobImage
from engines.api.jobs import JOBS, AnyImage, AnyJob, image_of
from engines.launch import slots
from projects.files import atomic_write_text

RUNS = "runs"
JOB = "job.json"
IMAGES = "samples.jsonl"
EVENTS = "events.jsonl"
LOG = "log.txt"
ENVIRONMENT = "environment.json"
WORKER = "worker.json"
LOCK = "worker.lock"
INBOX = "inbox"
SAMPLES = "samples"
CHECKPOINTS = "checkpoints"
ADAPTER = "adapter.safetensors"

_JOB_BYTES = 4 * 2**20
_IMAGES_BYTES = 256 * 2**20


def run_id(title: str, *, created: float | None = None) -> str:
    """A folder name such as `2026-11-21-my-dog`: the local date, then the title in plain letters (any script)."""
    day = time.strftime("%Y-%m-%d", time.localtime(created))
    words = unicodedata.normalize("NFKC", title).casefold()
    slug = re.sub(r"[^\w]+", "-", words).strip("-_")[:60].rstrip("-_")
    return f"{day}-{slug}" if slug else day


def create_run(project_root: Path, job: AnyJob, images: Sequence[AnyImage]) -> Path:
    """Write a new run's folder and return it; it appears whole or not at all.

    Args:
        project_root: folder of the project; the run goes to `runs/<id>` in it.
        job: its `id` is the wished name; when that is taken, `-2`, `-3` ... is appended and the stored job says so.
        images: what is learned from, one line each in `samples.jsonl`; none for an erasure.

    Raises:
        JobError: there are no pictures or no trigger word, or the name cannot be a folder's.
        SettingsError: the slot it asks for belongs to another subject, or none is free.
    """
    if not images and not isinstance(job, EraseJob):
        raise JobError(
            "There is nothing to learn from", "The concept has no pictures.", "Add some pictures of the subject first."
        )
    if job.id.strip(" .") != job.id:
        raise JobError("This name cannot be used", f"“{job.id}” begins or ends with a space or a full stop.")
    if isinstance(job, Job):
        if not job.concept.trigger.strip():
            what = f"Nothing would call “{job.concept.name}” up in a prompt."
            raise JobError("A trigger word is missing", what, "Give it a made-up word, such as “tealbear”.")
        if slots.wants_slot(job):
            job = slots.settled(job, _claims(project_root))
    runs = project_root / RUNS
    runs.mkdir(parents=True, exist_ok=True)
    building = runs / f".new-{uuid.uuid4().hex}"
    try:
        for name in (INBOX, SAMPLES, CHECKPOINTS):
            (building / name).mkdir(parents=True)
        atomic_write_text(building / IMAGES, "".join(image.model_dump_json() + "\n" for image in images))
        return _settle(building, runs, job)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _claims(project_root: Path) -> list[slots.Claim]:
    jobs = []
    for folder in run_folders(project_root):
        with suppress(JobError):  # a damaged run takes nothing
            jobs.append(read_job(folder))
    return slots.claims(jobs)


def _settle(building: Path, runs: Path, job: AnyJob) -> Path:
    """Give the finished folder the first free name."""
    for number in range(1, 10_000):
        name = job.id if number == 1 else f"{job.id[:110]}-{number}"
        target = runs / name
        if target.exists():
            continue
        atomic_write_text(building / JOB, job.model_copy(update={"id": name}).model_dump_json(indent=1) + "\n")
        try:
            building.rename(target)
        except OSError:
            if target.exists():  # another process took the name a moment ago
                continue
            raise
        return target
    raise JobError("There are too many runs of this name", f"“{job.id}” is taken ten thousand times.")


def read_job(folder: Path) -> Job:
    """Read the job of a run that teaches a subject.

    Raises:
        JobError: the folder is no such run, is damaged, or was written by a newer version.
    """
    return _teaching(read_any_job(folder))


def load_job(folder: Path) -> tuple[Job, list[JobImage]]:
    """Read job and pictures of a run that teaches a subject.

    Raises:
        JobError: the folder is no such run, is damaged, or was written by a newer version.
    """
    job, images = load_any_job(folder)
    return _teaching(job), [image for image in images if isinstance(image, JobImage)]


def read_any_job(folder: Path) -> AnyJob:
    """Read a run's job alone, of whatever kind.

    Raises:
        JobError: the folder is no run, is damaged, or was written by a newer version.
    """
    text = _read(folder / JOB, _JOB_BYTES)
    try:
        return JOBS.validate_json(text)
    except ValidationError as error:
        newer = re.search(r'"format"\s*:\s*(\d+)', text)
        if newer and int(newer.group(1)) > FORMAT:
            raise JobError(
                "This run was written by a newer version",
                f"{folder.name}/{JOB} has format {newer.group(1)}; this version reads up to {FORMAT}.",
                "Update Lorikeet to open it.",
            ) from None
        raise _damaged(folder / JOB, error) from None


def load_any_job(folder: Path) -> tuple[AnyJob, list[AnyImage]]:
    """Read a run's job and pictures, of whatever kind.

    Raises:
        JobError: the folder is no run, is damaged, or was written by a newer version.
    """
    job = read_any_job(folder)
    images: list[AnyImage] = []
    kind = image_of(job)
    for line in _read(folder / IMAGES, _IMAGES_BYTES).splitlines():
        if not line.strip():
            continue
        try:
            images.append(kind.model_validate_json(line))
        except ValidationError as error:
            raise _damaged(folder / IMAGES, error) from None
    return job, images


def job_digest(folder: Path) -> str:
    """SHA-256 of the frozen job and its pictures: tells whether a checkpoint belongs to this very job."""
    digest = hashlib.sha256()
    for name in (JOB, IMAGES):
        try:
            digest.update((folder / name).read_bytes())
        except OSError as error:
            raise _unreadable(folder / name, error) from None
        digest.update(b"\0")
    return digest.hexdigest()


def project_root(folder: Path) -> Path:
    """The project a run belongs to: the run lies at `<project>/runs/<id>`."""
    return folder.resolve().parents[1]


def run_of(adapter: Path) -> Path | None:
    """The run's folder that an adapter file lies in, as its result or in one of its checkpoints; None for a lone file."""
    return next((place for place in (adapter.parent, adapter.parent.parent.parent) if (place / JOB).is_file()), None)


def has_begun(folder: Path) -> bool:
    """Whether a worker ever wrote anything into this run."""
    try:
        return os.stat(folder / EVENTS).st_size > 0  # noqa: PTH116 - asked often, for many runs
    except OSError:
        return False


def run_folders(root: Path) -> list[Path]:
    """All runs of a project, by name; folders being written and strangers are left out."""
    try:
        found = sorted((root / RUNS).iterdir())
    except OSError:
        return []
    return [path for path in found if not path.name.startswith(".") and (path / JOB).is_file()]


def _teaching(job: AnyJob) -> Job:
    if isinstance(job, Job):
        return job
    does = "erases a concept" if isinstance(job, EraseJob) else "adapts a segmentation model"
    raise JobError(
        "This run is of another kind",
        f"“{job.title}” {does}.",
        "Choose a run that teaches a subject.",
    )


def _read(path: Path, limit: int) -> str:
    try:
        if path.stat().st_size > limit:
            raise JobError("This run's folder is damaged", f"{path.name} is larger than any run's could be.")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _unreadable(path, error) from None
    except UnicodeDecodeError:
        raise JobError("This run's folder is damaged", f"{path.name} is not text.") from None


def _unreadable(path: Path, error: OSError) -> JobError:
    if isinstance(error, FileNotFoundError):
        return JobError(
            "This folder is not a run",
            f"There is no {path.name} in {path.parent}.",
            "Choose the run's own folder; it lies in the project's “runs” folder.",
        )
    return JobError("This run's folder cannot be read", f"{path}: {error.strerror or error}.")


def _damaged(path: Path, error: ValidationError) -> JobError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the file"
    return JobError("This run's folder is damaged", f"{path.name}: {place}: {first['msg']}.")
