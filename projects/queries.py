"""Questions to a project. What is removed is not part of any answer."""

from __future__ import annotations

import json
import sqlite3

from projects.errors import ProjectError
from projects.project import Project
from projects.records import Concept, Counts, Image, Label, Region, Run
from projects.regions.mask import Mask

# A duplicate is worth a look only while the picture that it repeats is still there.
_IMAGES = """
    SELECT images.*, twins.id IS NOT NULL AS twin_here
    FROM images
    LEFT JOIN concepts ON concepts.id = images.concept_id
    LEFT JOIN images AS twins ON twins.id = images.twin AND twins.removed IS NULL
        AND (twins.concept_id IS NULL OR twins.concept_id IN (SELECT id FROM concepts WHERE removed IS NULL))
    WHERE images.removed IS NULL AND concepts.removed IS NULL
"""
# Pictures to segment come last.
_IMAGE_ORDER = " ORDER BY concepts.id IS NULL, concepts.position, concepts.id, images.position, images.added, images.id"
_REGIONS = """
    SELECT regions.* FROM regions JOIN labels ON labels.id = regions.label_id
    WHERE regions.removed IS NULL AND labels.removed IS NULL
"""
TWIN_FLAGS = frozenset({"duplicate", "near-duplicate"})


def concepts(project: Project) -> tuple[Concept, ...]:
    """All concepts, in the order of the page."""
    found = project.rows("SELECT * FROM concepts WHERE removed IS NULL ORDER BY position, id")
    return tuple(_concept(row) for row in found)


def concept(project: Project, concept_id: str) -> Concept:
    """One concept.

    Raises:
        ProjectError: there is none of that id.
    """
    found = project.rows("SELECT * FROM concepts WHERE removed IS NULL AND id = ?", (concept_id,))
    if not found:
        raise ProjectError("The concept is no longer there", f"The project holds no concept {concept_id!r}.")
    return _concept(found[0])


def images(project: Project, concept_id: str | None = None) -> tuple[Image, ...]:
    """The pictures of one concept, or all there are, in the order of the page."""
    if concept_id is None:
        found = project.rows(_IMAGES + _IMAGE_ORDER)
    else:
        found = project.rows(f"{_IMAGES} AND images.concept_id = ? {_IMAGE_ORDER}", (concept_id,))
    return tuple(_image(row) for row in found)


def images_to_segment(project: Project) -> tuple[Image, ...]:
    """The pictures that belong to no concept, in the order of the page."""
    return tuple(_image(row) for row in project.rows(f"{_IMAGES} AND images.concept_id IS NULL {_IMAGE_ORDER}"))


def image(project: Project, image_id: str) -> Image:
    """One picture.

    Raises:
        ProjectError: there is none of that id.
    """
    found = project.rows(f"{_IMAGES} AND images.id = ?", (image_id,))
    if not found:
        raise ProjectError("The picture is no longer there", f"The project holds no picture {image_id!r}.")
    return _image(found[0])


def labels(project: Project) -> tuple[Label, ...]:
    """All labels, in their order."""
    found = project.rows("SELECT * FROM labels WHERE removed IS NULL ORDER BY position, id")
    return tuple(Label(row["id"], row["name"], row["colour"], row["position"]) for row in found)


def label(project: Project, label_id: str) -> Label:
    """One label.

    Raises:
        ProjectError: there is none of that id.
    """
    for found in labels(project):
        if found.id == label_id:
            return found
    raise ProjectError("The label is no longer there", f"The project holds no label {label_id!r}.")


def regions(project: Project, image_id: str) -> tuple[Region, ...]:
    """The regions of one picture, the lowest first."""
    found = project.rows(f"{_REGIONS} AND regions.image_id = ? ORDER BY regions.position, regions.id", (image_id,))
    return tuple(_region(row) for row in found)


def region(project: Project, region_id: str) -> Region:
    """One region.

    Raises:
        ProjectError: there is none of that id.
    """
    found = project.rows(f"{_REGIONS} AND regions.id = ?", (region_id,))
    if not found:
        raise ProjectError("The region is no longer there", f"The project holds no region {region_id!r}.")
    return _region(found[0])


def mask_of(image: Image, region: Region) -> Mask:
    """The mask of a region of this picture.

    Raises:
        ProjectError: what is stored is no mask of this picture.
    """
    try:
        return Mask.from_text(region.counts, image.width, image.height)
    except ValueError as error:
        raise ProjectError(
            "A mask is damaged",
            f"One in {image.original_name} cannot be read ({error}).",
            "Remove it and mark the object again.",
        ) from error


def region_counts(project: Project, *, accepted: bool | None = None) -> dict[str, dict[str, int]]:
    """How many regions of each label every marked picture has: picture's id -> label's id -> number.

    A picture that somebody looked through and found empty is marked too: it is there with no label, unless proposals are asked for.

    Args:
        project: to be asked.
        accepted: only those that are accepted, or only those that are not; all when None.
    """
    counted: dict[str, dict[str, int]] = {}
    for row in project.rows(
        "SELECT image_id, label_id, count(*) AS many FROM regions JOIN labels ON labels.id = regions.label_id"
        " JOIN images ON images.id = regions.image_id LEFT JOIN concepts ON concepts.id = images.concept_id"
        " WHERE regions.removed IS NULL AND labels.removed IS NULL AND images.removed IS NULL AND concepts.removed IS NULL"
        " AND (:accepted IS NULL OR accepted = :accepted) GROUP BY image_id, label_id",
        {"accepted": None if accepted is None else int(accepted)},
    ):
        counted.setdefault(str(row["image_id"]), {})[str(row["label_id"])] = int(row["many"])
    if accepted is not False:
        for row in project.rows(
            "SELECT images.id FROM images LEFT JOIN concepts ON concepts.id = images.concept_id"
            " WHERE checked_empty AND images.removed IS NULL AND concepts.removed IS NULL"
        ):
            counted.setdefault(str(row["id"]), {})
    return counted


def runs(project: Project) -> tuple[Run, ...]:
    """All trainings, the newest first."""
    found = project.rows("SELECT * FROM runs WHERE removed IS NULL ORDER BY created DESC, id DESC")
    return tuple(_run(row) for row in found)


def removed_runs(project: Project) -> frozenset[str]:
    """Ids of the trainings taken off the list; their folders are still there and must not be taken for new ones."""
    return frozenset(str(row["id"]) for row in project.rows("SELECT id FROM runs WHERE removed IS NOT NULL"))


def run(project: Project, run_id: str) -> Run:
    """One training.

    Raises:
        ProjectError: there is none of that id.
    """
    found = project.rows("SELECT * FROM runs WHERE removed IS NULL AND id = ?", (run_id,))
    if not found:
        raise ProjectError("The training is no longer there", f"The project holds no training {run_id!r}.")
    return _run(found[0])


def setting(project: Project, key: str, default: object = None) -> object:
    """A value stored with `edits.set_setting`, or `default`."""
    found = project.rows("SELECT value FROM settings WHERE key = ?", (key,))
    return json.loads(found[0]["value"]) if found else default


def counts(project: Project) -> Counts:
    """How much the project holds."""
    every = images(project)
    by_concept = {item.id: 0 for item in concepts(project)}
    for item in every:
        if item.concept_id is not None:
            by_concept[item.concept_id] = by_concept.get(item.concept_id, 0) + 1
    return Counts(
        concepts=len(by_concept),
        images=len(every),
        captioned=sum(bool(item.caption.strip()) for item in every),
        masked=sum(item.mask is not None for item in every),
        flagged=sum(bool(item.flags) for item in every),
        runs=len(runs(project)),
        images_by_concept=by_concept,
    )


def _concept(row: sqlite3.Row) -> Concept:
    return Concept(row["id"], row["name"], row["trigger"], row["class_noun"], row["position"])


def _image(row: sqlite3.Row) -> Image:
    flags = frozenset(row["flags"].split())
    return Image(
        id=row["id"],
        concept_id=row["concept_id"],
        file=row["file"],
        original_name=row["original_name"],
        width=row["width"],
        height=row["height"],
        sha256=row["sha256"],
        caption=row["caption"],
        mask=row["mask"],
        repeats=row["repeats"],
        flags=flags if row["twin_here"] else flags - TWIN_FLAGS,
        position=row["position"],
        added=row["added"],
        twin=row["twin"] if row["twin_here"] else None,
        split=row["split"],
        split_by_hand=bool(row["split_by_hand"]),
        checked_empty=bool(row["checked_empty"]),
    )


def _region(row: sqlite3.Row) -> Region:
    return Region(
        id=row["id"],
        image_id=row["image_id"],
        label_id=row["label_id"],
        counts=row["counts"],
        box=(row["box_left"], row["box_top"], row["box_width"], row["box_height"]),
        area=row["area"],
        origin=row["origin"],
        accepted=bool(row["accepted"]),
        position=row["position"],
    )


def _run(row: sqlite3.Row) -> Run:
    return Run(row["id"], row["concept_id"], row["title"], row["created"], row["note"], bool(row["favourite"]))
