"""What the page Images reads of a project: the pictures of the current subject."""

from __future__ import annotations

from dataclasses import dataclass

from gui.session import Session
from gui.workers.reading import Question
from projects import queries
from projects.records import Image


@dataclass(frozen=True)
class Contents:
    """What was read: the pictures of one subject, and how many each subject has."""

    images: tuple[Image, ...] = ()
    counts: dict[str, int] | None = None


def question(session: Session) -> Question[Contents]:
    """Ask for the pictures of the subject that is in view now."""
    project, concept_id = session.project, session.concept_id

    def work() -> Contents:
        if project is None:
            return Contents(counts={})
        images = queries.images(project, concept_id) if concept_id else ()
        return Contents(images, queries.counts(project).images_by_concept)

    return Question((project, concept_id), work)
