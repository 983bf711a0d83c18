"""What a project holds, as plain immutable records: concepts, pictures, labels, regions and runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Origin = Literal["click", "box", "brush", "polygon", "import", "proposal"]
Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class Concept:
    """Something to be taught: a subject or a look.

    Attributes:
        id: stable and unique in the project.
        name: what the person calls it.
        trigger: the word that will call it up in a prompt.
        class_noun: the ordinary word for its kind ("dog").
        position: order on the page, smallest first.
    """

    id: str
    name: str
    trigger: str
    class_noun: str
    position: int


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a concept, or one to segment, which belongs to none.

    Attributes:
        id: stable and unique in the project.
        concept_id: the concept it shows, or None.
        file: path of the untouched original, relative to the project with forward slashes.
        original_name: the name the file had where it came from.
        width: in pixels, after turning it upright.
        height: in pixels, after turning it upright.
        sha256: of the file's bytes, in hexadecimal.
        caption: its words; may hold `[trigger]`.
        mask: path of the mask, relative to the project, or None. The mask is greyscale, upright, of the picture's size; white counts.
        repeats: how often it is seen in one round of training.
        flags: what is worth a look, see `projects.health.FLAG_WORDS`.
        position: order on the page, smallest first.
        added: when it came in, seconds since 1970.
        twin: id of the picture it repeats, when flagged as a duplicate.
        split: the part it plays when a segmenter is trained: learned from, watched meanwhile, or kept for the figures; None when open.
        split_by_hand: the person chose that part.
        checked_empty: somebody looked through it and found nothing to mark; counts only while no region of it is accepted.
    """

    id: str
    concept_id: str | None
    file: str
    original_name: str
    width: int
    height: int
    sha256: str
    caption: str
    mask: str | None
    repeats: int
    flags: frozenset[str]
    position: int
    added: float
    twin: str | None = None
    split: Split | None = None
    split_by_hand: bool = False
    checked_empty: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """A class of things that are marked in pictures.

    Attributes:
        id: stable and unique in the project.
        name: what the person calls it; no two differ in case only.
        colour: `#rrggbb`, lower case.
        position: order in the list, smallest first.
    """

    id: str
    name: str
    colour: str
    position: int


@dataclass(frozen=True, slots=True)
class Region:
    """One object marked in a picture.

    Attributes:
        id: stable and unique in the project.
        image_id: the picture.
        label_id: what it is.
        counts: its mask, of the upright picture's size, as compressed run lengths; see `projects.regions.mask`.
        box: (left, top, width, height) of the smallest box around it, in pixels.
        area: in pixels.
        origin: how it was made.
        accepted: the person (or the file it came from) vouches for it; a proposal is not accepted yet.
        position: order within the picture, smallest first; later ones lie above.
    """

    id: str
    image_id: str
    label_id: str
    counts: str
    box: tuple[int, int, int, int]
    area: int
    origin: Origin
    accepted: bool
    position: int


@dataclass(frozen=True, slots=True)
class Run:
    """A training, kept under `runs/<id>` in the project.

    Attributes:
        id: name of its folder.
        concept_id: what it taught, or None.
        title: what the person calls it.
        created: seconds since 1970.
        note: the person's own words about it.
        favourite: marked by the person.
    """

    id: str
    concept_id: str | None
    title: str
    created: float
    note: str
    favourite: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a project holds.

    Attributes:
        concepts: concepts.
        images: pictures, those to segment included.
        captioned: pictures with words of their own.
        masked: pictures with a mask.
        flagged: pictures worth a look.
        runs: trainings.
        images_by_concept: concept id -> pictures.
    """

    concepts: int
    images: int
    captioned: int
    masked: int
    flagged: int
    runs: int
    images_by_concept: dict[str, int] = field(default_factory=dict)
