"""Whether a concept is ready to be taught, and if not, the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass

from engines.launch.advice import advice
from projects import queries
from projects.project import Project
from projects.records import Concept, Image


@dataclass(frozen=True)
class Readiness:
    """What stands in the way.

    Attributes:
        missing: `project`, `concept`, `photos`, `trigger` or `writable`; empty when training can start.
        title: what is missing, in words; `text` says why it is needed.
        advice: worth a look, but no obstacle.
    """

    concept: Concept | None = None
    images: tuple[Image, ...] = ()
    missing: str = ""
    title: str = ""
    text: str = ""
    advice: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether training can start."""
        return not self.missing


def look(project: Project | None, concept: Concept | None) -> Readiness:
    """Look at the open project and its current concept."""
    if project is None:
        return Readiness(
            missing="project",
            title="Begin with a project",
            text="A project keeps the photos of what you want to teach, and everything made from them. Try a sample subject, or "
            "make a project of your own.",
        )
    if concept is None:
        return Readiness(
            missing="concept",
            title="Nothing to teach yet",
            text="Add a few photos of one subject. They become a concept with a name and a trigger word.",
        )
    images = queries.images(project, concept.id)
    if not images:
        return Readiness(
            concept,
            missing="photos",
            title=f"“{concept.name}” has no photos yet",
            text="Five to twenty sharp photos of the same subject, from different sides and in front of different backgrounds, teach best.",
        )
    if project.read_only:
        return Readiness(concept, images, "writable", "This project can only be looked at", project.read_only_reason)
    if not concept.trigger.strip():
        return Readiness(
            concept,
            images,
            "trigger",
            "A trigger word is missing",
            "The trigger word is a made-up word, such as “tealbear”, that will call the subject up in a prompt.",
        )
    return Readiness(concept, images, advice=advice(concept, images, queries.concepts(project)))
