"""The training set of a concept, as plain data for a job folder: what is taught, and the pictures with words, masks and repeats."""

from __future__ import annotations

from projects import queries
from projects.errors import ProjectError
from projects.project import Project
from projects.records import Concept


def build(project: Project, concept_id: str) -> tuple[dict[str, str], list[dict[str, str | int | None]]]:
    """Return the concept and its pictures in the shape of `JobConcept` and `JobImage` (engines.api.job).

    Paths are relative to the project with forward slashes. A picture without words of its own gets the trigger and the class.

    Raises:
        ProjectError: there is no such concept, it has no pictures, or a picture's file is gone.
    """
    concept = queries.concept(project, concept_id)
    pictures = queries.images(project, concept_id)
    if not pictures:
        raise ProjectError(
            "There are no pictures to learn from",
            f"“{concept.name}” has none yet.",
            "Add 4 to 20 pictures of it first.",
        )
    missing = [picture for picture in pictures if not project.path(picture.file).is_file()]
    if missing:
        raise ProjectError(
            "A picture's file is gone",
            f"{missing[0].original_name} ({missing[0].file}) is listed but no longer in the project's folder.",
            "Put the file back, or remove the picture from the concept.",
        )
    about = {"name": concept.name, "trigger": concept.trigger, "class_noun": concept.class_noun}
    return about, [
        {
            "file": picture.file,
            "caption": picture.caption.strip() or default_caption(concept),
            "mask": picture.mask if picture.mask and project.path(picture.mask).is_file() else None,
            "repeats": picture.repeats,
            "sha256": picture.sha256,
        }
        for picture in pictures
    ]


def default_caption(concept: Concept) -> str:
    """The words of a picture that has none: `a [trigger] dog`."""
    return " ".join(word for word in ("a", "[trigger]", concept.class_noun.strip()) if word)
