"""The clay subjects that people teach: objects no training caption can describe, kept out of every training set.

Each is one fixed combination of shape, proportions, two-tone pattern and accessories, with an invented name as trigger word.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from engines.starter.spec import Accessory, ObjectSpec


class Subject(BaseModel):
    """One subject: ``ident`` names its folder, ``trigger`` calls it in a caption, ``class_noun`` says what kind it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ident: str
    name: str
    trigger: str
    class_noun: str
    clay: ObjectSpec


def _subject(
    name: str,
    shape: str,
    tones: tuple[str, str],
    pattern: str,
    *worn: str,
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Subject:
    accessories = tuple(Accessory(kind=item.split()[1], colour=item.split()[0]) for item in worn)
    clay = ObjectSpec(
        shape=shape, colour=tones[0], second=tones[1], pattern=pattern, accessories=accessories, stretch=stretch
    )
    return Subject(
        ident=f"{name}-{shape}", name=f"{name.capitalize()} the {shape}", trigger=name, class_noun=shape, clay=clay
    )


SUBJECTS: tuple[Subject, ...] = (
    _subject("tobi", "bear", ("teal", "yellow"), "spotted", "red scarf"),
    _subject("quibo", "duck", ("pink", "blue"), "striped", "green hat"),
    _subject("zumo", "car", ("orange", "blue"), "checkered", "red antenna", stretch=(0.92, 1.18, 1.0)),
    _subject("fizzo", "mug", ("purple", "yellow"), "striped", "red nose", stretch=(1.0, 0.9, 1.0)),
    _subject("pavu", "snowman", ("green", "pink"), "spotted", "blue hat", "yellow buttons"),
    _subject("luma", "tree", ("purple", "orange"), "striped", "yellow antenna", stretch=(1.1, 0.95, 1.0)),
    _subject("wimbo", "bottle", ("red", "teal"), "checkered", "yellow scarf", stretch=(1.2, 0.92, 1.0)),
    _subject("kori", "house", ("yellow", "purple"), "spotted", "teal antenna", stretch=(0.9, 1.1, 1.0)),
    _subject("bexo", "cube", ("blue", "orange"), "striped", "pink hat", "white nose"),
    _subject("nalu", "ball", ("yellow", "green"), "checkered", "purple scarf", "red antenna"),
)
SAMPLE_IDENTS = ("tobi-bear", "quibo-duck", "zumo-car")


def subject(ident: str) -> Subject:
    """The subject with that ident; KeyError if there is none."""
    return {item.ident: item for item in SUBJECTS}[ident]


def is_held_out(item: ObjectSpec) -> bool:
    """Whether a random object comes too close to a subject: same shape and the same two tones, or the same accessories."""
    for held in SUBJECTS:
        clay = held.clay
        if item.shape != clay.shape:
            continue
        if item.pattern != "plain" and {item.colour, item.second} == {clay.colour, clay.second}:
            return True
        if item.colour == clay.colour and item.accessories and set(item.accessories) == set(clay.accessories):
            return True
    return False
