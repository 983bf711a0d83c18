"""All kinds of jobs, as `job.json` may hold them: teaching a subject, erasing a concept, or adapting a segmentation model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag, TypeAdapter

from engines.api.erase_job import EraseJob
from engines.api.job import Job, JobImage
from engines.api.segment_job import Scene, SegmentJob

AnyJob = Job | EraseJob | SegmentJob
AnyImage = JobImage | Scene


def _kind(found: Any) -> str:  # noqa: ANN401 - whatever a file holds
    """The kind of a job; one without a kind is of the first kind there was."""
    return str(found.get("kind", "teach") if isinstance(found, dict) else getattr(found, "kind", "teach"))


JOBS: TypeAdapter[AnyJob] = TypeAdapter(
    Annotated[
        Annotated[Job, Tag("teach")] | Annotated[EraseJob, Tag("erase")] | Annotated[SegmentJob, Tag("segment")],
        Discriminator(_kind),
    ]
)
"""Reads any job."""


def image_of(job: AnyJob) -> type[JobImage | Scene]:
    """What a line of the job's `samples.jsonl` is; an erasure has none."""
    return Scene if isinstance(job, SegmentJob) else JobImage
