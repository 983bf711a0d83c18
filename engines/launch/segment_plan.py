"""From a project's marked pictures to an adaptation that is ready to start: what the window and the command line share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from engines.api.errors import JobError
from engines.api.job import JobMethod, MethodSettings
from engines.api.segment_job import Scene, SceneObject, SegmentJob, SegmentRecipe
from engines.api.version import VERSION
from engines.launch.folder import run_id
from projects import queries

if TYPE_CHECKING:
    from projects.project import Project
    from projects.records import Image, Label

_NOTHING = "Nothing is marked yet"


def plan_adaptation(
    project: Project,
    *,
    title: str = "",
    base: str = "starter",
    tuner: str = "decoder",
    settings: Mapping[str, object] | None = None,
    recipe: SegmentRecipe | None = None,
    start_from: str = "",
) -> tuple[SegmentJob, list[Scene]]:
    """A job and its pictures: every picture with accepted regions, in the part it plays.

    Args:
        project: whose pictures and labels are taken.
        title: of the run; empty takes the labels' names.
        base: as in `SegmentJob.base`.
        tuner: registered name; the worker checks it and its settings.
        settings: of the tuner.
        recipe: everything else; the defaults when None.
        start_from: adapter file relative to the project, or empty.

    Raises:
        JobError: nothing is marked, or nothing that may be learned from.
    """
    marked = queries.region_counts(project, accepted=True)
    images = [image for image in queries.images(project) if marked.get(image.id)]
    if not images:
        raise JobError(_NOTHING, "No picture has an accepted region.", "Mark some objects first.")
    used = {label for image in images for label in marked[image.id]}
    labels = [label for label in queries.labels(project) if label.id in used]
    scenes = [_scene(project, image, labels) for image in images]
    if not any(scene.split == "train" for scene in scenes):
        raise JobError(
            _NOTHING, "All marked pictures are kept for measuring.", "Let some of them be learned from, or mark others."
        )
    named = title.strip() or ", ".join(label.name for label in labels[:3])
    created = time.time()
    chosen: MethodSettings = {**(settings or {})}  # type: ignore[dict-item] # checked by the job
    return (
        SegmentJob(
            id=run_id(named, created=created),
            title=named[:200],
            created=created,
            base=base,
            method=JobMethod(name=tuner, settings=chosen),
            classes=tuple(label.name for label in labels),
            recipe=recipe or SegmentRecipe(),
            start_from=start_from,
            app_version=VERSION,
        ),
        scenes,
    )


def _scene(project: Project, image: Image, labels: list[Label]) -> Scene:
    numbers = {label.id: number for number, label in enumerate(labels)}
    regions = [region for region in queries.regions(project, image.id) if region.accepted]
    return Scene(
        file=image.file,
        sha256=image.sha256,
        width=image.width,
        height=image.height,
        split=image.split or "train",
        objects=tuple(
            SceneObject(label=numbers[region.label_id], counts=region.counts)
            for region in regions
            if region.label_id in numbers
        ),
    )
