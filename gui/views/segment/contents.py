"""What the page Segment reads of a project: its pictures, its labels, and how much is marked in each picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gui.session import Session
from gui.workers.reading import Question
from projects import queries
from projects.records import Image, Label

Counts = Mapping[str, Mapping[str, int]]
"""Picture's id -> label's id -> number of regions."""


@dataclass(frozen=True)
class Contents:
    """What was read.

    Attributes:
        images: those to segment first, then those of subjects.
        accepted: regions that somebody vouches for.
        proposed: regions that wait for somebody to.
        known: whether it was read at all; a project is open for a moment before it is.
    """

    images: tuple[Image, ...] = ()
    labels: tuple[Label, ...] = ()
    accepted: Counts = field(default_factory=dict)
    proposed: Counts = field(default_factory=dict)
    known: bool = False

    @property
    def marked(self) -> int:
        """How many pictures have an accepted region."""
        return sum(image.id in self.accepted for image in self.images)

    def empty(self, image: Image | None) -> bool:
        """Whether somebody looked through a picture and found nothing to mark."""
        return image is not None and self.accepted.get(image.id) == {}

    def label(self, label_id: str) -> Label | None:
        """The label of that id."""
        return next((label for label in self.labels if label.id == label_id), None)

    def used(self, label_id: str) -> int:
        """How many accepted regions a label has."""
        return sum(counts.get(label_id, 0) for counts in self.accepted.values())


def question(session: Session) -> Question[Contents]:
    """Ask for what the open project holds."""
    project = session.project

    def work() -> Contents:
        if project is None:
            return Contents()
        images = sorted(queries.images(project), key=lambda image: image.concept_id is not None)
        return Contents(
            tuple(images),
            queries.labels(project),
            queries.region_counts(project, accepted=True),
            queries.region_counts(project, accepted=False),
            known=True,
        )

    return Question(project, work)
