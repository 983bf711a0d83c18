"""Questions to a project. Removed concepts, pictures and runs are not part of any answer."""

from __future__ import annotations

import json
import sqlite3

from projects.errors import ProjectError
from projects.project import Project
from projects.records import Concept, Counts, Image, Run

# A duplicate is worth a look only while the picture that it repeats is still there.
_IMAGES = """
    SELECT images.*, twins.id IS NOT NULL AS twin_here
    FROM images
    JOIN concepts ON concepts.id = images.concept_id AND concepts.removed IS NULL
    LEFT JOIN images AS twins ON twins.id = images.twin AND twins.removed IS NULL
        AND twins.concept_id IN (SELECT id FROM concepts WHERE removed IS NULL)
    WHERE images.removed IS NULL
"""
_IMAGE_ORDER = " ORDER BY concepts.position, concepts.id, images.position, images.added, images.id"
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
    """The pictures of one concept, or of all, in the order of the page."""
    if concept_id is None:
        found = project.rows(_IMAGES + _IMAGE_ORDER)
    else:
        found = project.rows(f"{_IMAGES} AND images.concept_id = ? {_IMAGE_ORDER}", (concept_id,))
    return tuple(_image(row) for row in found)


def image(project: Project, image_id: str) -> Image:
    """One picture.

    Raises:
        ProjectError: there is none of that id.
    """
    found = project.rows(f"{_IMAGES} AND images.id = ?", (image_id,))
    if not found:
        raise ProjectError("The picture is no longer there", f"The project holds no picture {image_id!r}.")
    return _image(found[0])


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
    )


def _run(row: sqlite3.Row) -> Run:
    return Run(row["id"], row["concept_id"], row["title"], row["created"], row["note"], bool(row["favourite"]))
