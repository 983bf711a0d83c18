"""From a project's marked pictures to an adaptation that is ready to start: what the window and the command line share."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.api.errors import AdapterError, JobError
from engines.api.job import JobMethod, MethodSettings
from engines.api.segment_job import Scene, SceneObject, SegmentData, SegmentJob, SegmentRecipe
from engines.api.version import VERSION
from engines.launch.folder import ADAPTER, run_id
from engines.launch.tensor_file import read_tensor_file
from projects import queries
from projects.volumes.importing import places

if TYPE_CHECKING:
    from projects.project import Project
    from projects.records import Image

_NOTHING = "Nothing is marked yet"


@dataclass(frozen=True)
class Start:
    """A finished adapter to go on from; `file` is relative to the project, the rest is what the file says of itself."""

    file: str
    tuner: str
    settings: Mapping[str, Any]
    classes: tuple[str, ...]
    prompts: str


def start_of(project_root: Path, chosen: Path) -> Start:
    """What an adapter of the project (the file, or its run's folder) says of itself.

    Raises:
        JobError: it lies outside the project; AdapterError: it is missing, damaged, or no adapter of a segmentation model.
    """
    file = (chosen / ADAPTER if chosen.is_dir() else chosen).resolve()
    if not file.is_relative_to(project_root.resolve()):
        raise JobError("This adapter lies outside the project", f"{file}.", "Choose one of the project's own runs.")
    told = read_tensor_file(file).metadata
    title = "This adapter cannot be learned from"
    try:
        return Start(
            file.relative_to(project_root.resolve()).as_posix(),
            told["lorikeet.tuner"],
            dict(json.loads(told["lorikeet.settings"])),
            tuple(str(name) for name in json.loads(told["lorikeet.classes"])),
            told["lorikeet.prompts"],
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        what = f"“{file.name}” is no adapter of a segmentation model made here."
        raise AdapterError(title, what, "Choose another one.") from error


def plan_adaptation(
    project: Project,
    *,
    title: str = "",
    base: str = "starter",
    tuner: str = "decoder",
    settings: Mapping[str, object] | None = None,
    recipe: SegmentRecipe | None = None,
    start: Start | None = None,
) -> tuple[SegmentJob, list[Scene]]:
    """A job and its pictures: every picture with accepted regions, or checked to hold nothing, in the part it plays.

    With a recipe that learns from pictures without masks, all pictures to segment take part but those that hold nothing: such a recipe
    draws the model to find something. One that only learns to answer clicks has no use for them either.

    Args:
        project: whose pictures and labels are taken.
        title: of the run; empty takes the labels' names.
        base: as in `SegmentJob.base`.
        tuner: registered name; the worker checks it and its settings.
        settings: of the tuner.
        recipe: everything else; the defaults when None.
        start: a finished adapter to go on from; its tuner, settings, classes and prompts take the place of the others.

    Raises:
        JobError: nothing is marked, or nothing that may be learned from, or labels that the adapter to go on from does not know.
    """
    recipe = recipe or SegmentRecipe()
    if start is not None:
        tuner, settings = start.tuner, start.settings
        recipe = recipe.model_copy(
            update={"data": SegmentData(**{**recipe.data.model_dump(), "prompts": start.prompts})}
        )
    classes, scenes = _gathered(project, recipe, start.classes if start is not None else ())
    named = title.strip() or ", ".join(classes[:3])
    created = time.time()
    chosen: MethodSettings = {**(settings or {})}  # type: ignore[dict-item] # checked by the job
    job = SegmentJob(
        id=run_id(named, created=created),
        title=named[:200],
        created=created,
        base=base,
        method=JobMethod(name=tuner, settings=chosen),
        classes=classes,
        recipe=recipe,
        start_from=start.file if start is not None else "",
        app_version=VERSION,
    )
    return job, scenes


def _gathered(project: Project, recipe: SegmentRecipe, known: tuple[str, ...]) -> tuple[tuple[str, ...], list[Scene]]:
    """Names of the classes and all pictures; `known` are the classes of an adapter to go on from, or none."""
    unmarked = recipe.objective.unmarked_weight > 0
    marked = queries.region_counts(project, accepted=True)
    everything = queries.images_to_segment(project) if unmarked else queries.images(project)
    empty = {image_id for image_id, counts in marked.items() if not counts}
    useless = empty if unmarked or recipe.data.prompts == "clicks" else set()
    images = [image for image in everything if (unmarked or image.id in marked) and image.id not in useless]
    if not unmarked and not any(marked[image.id] for image in images):
        raise JobError(_NOTHING, "No picture has an accepted region.", "Mark some objects first.")
    used = {label for image in images for label in marked.get(image.id, ())}
    labels = [label for label in queries.labels(project) if label.id in used]
    classes = known or tuple(label.name for label in labels)
    if strangers := [label.name for label in labels if label.name not in classes]:
        what = f"It was taught {', '.join(classes)}, and “{strangers[0]}” is marked here."
        raise JobError("The adapter does not know all labels", what, "Adapt the plain model instead.")
    numbers = {label.id: classes.index(label.name) for label in labels}
    slices = places(project)
    scenes = [_scene(project, image, numbers, *slices.get(image.id, ("", 0))) for image in images]
    if not any(scene.split == "train" for scene in scenes):
        raise JobError(
            _NOTHING, "All marked pictures are kept for measuring.", "Let some of them be learned from, or mark others."
        )
    return classes, scenes


def _scene(project: Project, image: Image, numbers: Mapping[str, int], volume: str, depth: int) -> Scene:
    regions = [region for region in queries.regions(project, image.id) if region.accepted]
    return Scene(
        file=image.file,
        sha256=image.sha256,
        width=image.width,
        height=image.height,
        split=image.split or "train",
        volume=volume,
        depth=depth,
        empty=image.checked_empty and not regions,
        objects=tuple(
            SceneObject(label=numbers[region.label_id], counts=region.counts)
            for region in regions
            if region.label_id in numbers
        ),
    )
