"""What is worth a look before a subject is taught, in plain sentences; nothing here is an obstacle."""

from __future__ import annotations

from collections.abc import Iterable

from engines.launch.trigger_words import remarks
from projects.records import Concept, Image

_FEW = 4


def advice(concept: Concept, images: Iterable[Image], others: Iterable[Concept]) -> tuple[str, ...]:
    """Sentences about a concept's words and photos.

    Args:
        concept: what is to be taught.
        images: its photos.
        others: every concept of the project; its own among them is passed over.
    """
    named = [(other.name, other.trigger) for other in others if other.id != concept.id]
    found = list(remarks(concept.trigger, concept.class_noun, named))
    photos = list(images)
    if len(photos) < _FEW:
        found.append(
            f"Only {len(photos)} photo{'' if len(photos) == 1 else 's'}: more views of the subject teach it better."
        )
    if not concept.class_noun.strip():
        found.append("Without a class word (“bear”, “dog”, “mug”) the model starts from nothing.")
    twins = sum("duplicate" in image.flags for image in photos)
    if twins:
        found.append(f"{twins} photo{' is' if twins == 1 else 's are'} there twice.")
    return tuple(found)
