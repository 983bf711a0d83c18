"""The register of slots: which subjects of a project keep to which directions. The project's runs themselves are the register.

A job whose method has a `slot` and a `rank` takes part. A subject, known by its trigger word, keeps its slot when it is taught again; a new
one gets the first that is free; one that somebody else has is refused, and a free one named. See `engines.launch.lanes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engines.api.errors import SettingsError
from engines.api.job import Job, JobMethod
from engines.launch.figures import figures_of
from engines.launch.lanes import Lane, capacity, free_slot, lane


@dataclass(frozen=True)
class Claim:
    """A lane and whose it is: `word` tells subjects apart, `name` is for people."""

    word: str
    name: str
    slot: int
    lane: Lane


def claim_of(job: Job) -> Claim | None:
    """What a job takes; None when its method needs no slot, or has none yet."""
    slot, rank = job.method.settings.get("slot"), job.method.settings.get("rank")
    if not isinstance(slot, int) or not isinstance(rank, int) or slot < 1 or rank < 1:
        return None
    concept = job.concept
    return Claim((concept.trigger or concept.name).strip().casefold(), concept.name, slot, lane(slot, rank))


def wants_slot(job: Job) -> bool:
    """Whether a job's method shares the basis, so that the register must be read for it."""
    return all(isinstance(job.method.settings.get(name), int) for name in ("slot", "rank"))


def asked_anew(method: JobMethod) -> JobMethod:
    """An earlier job's method for another run: its slot is given out again, and the same subject gets the same one where it still fits."""
    return (
        method.model_copy(update={"settings": {**method.settings, "slot": 0}}) if "slot" in method.settings else method
    )


def claims(jobs: Iterable[Job]) -> list[Claim]:
    """What jobs have taken, the oldest first."""
    ordered = sorted(jobs, key=lambda job: job.created)
    return [claim for job in ordered if (claim := claim_of(job)) is not None]


def settled(job: Job, others: Sequence[Claim]) -> Job:
    """The job with a slot of its own.

    Args:
        job: as it was asked for, one that wants a slot; 0 takes a free one.
        others: what the runs of the project have taken so far.

    Raises:
        SettingsError: the slot belongs to another subject, does not exist, or none is left.
    """
    settings = job.method.settings
    slot, rank = int(str(settings["slot"])), int(str(settings["rank"]))
    word = (job.concept.trigger or job.concept.name).strip().casefold()
    width = figures_of(job.base).narrowest
    taken = [claim for claim in others if claim.word != word]
    free = free_slot([claim.lane for claim in taken], width=width, rank=rank)
    if not slot:
        slot = _kept(others, word, rank, taken) or free or _none_left(width, rank)
    else:
        _check(slot, rank, taken, free)
    return job.model_copy(update={"method": job.method.model_copy(update={"settings": {**settings, "slot": slot}})})


def _kept(others: Sequence[Claim], word: str, rank: int, taken: Sequence[Claim]) -> int:
    """The subject's own slot of this rank from an earlier run, the newest first; 0 when it has none."""
    own = (claim for claim in reversed(others) if claim.word == word and claim.lane.count == rank)
    return next((claim.slot for claim in own if not any(claim.lane.overlaps(other.lane) for other in taken)), 0)


def _check(slot: int, rank: int, taken: Sequence[Claim], free: int | None) -> None:
    own = lane(slot, rank)
    owner = next((claim for claim in taken if claim.lane.overlaps(own)), None)
    if owner is None:
        return
    title = f"Slot {slot} is taken by “{owner.name}”"
    what = "Two adapters that share directions disturb each other when they are used together."
    raise SettingsError(
        title, what, f"Slot {free} is free." if free else "No slot is free at this rank; lower the rank."
    )


def _none_left(width: int, rank: int) -> int:
    title = f"All {capacity(width, rank)} slots of rank {rank} are taken"
    what = f"The narrowest layer of this base model has {width} directions to share."
    raise SettingsError(title, what, "Lower the rank, or teach this subject in a project of its own.")
