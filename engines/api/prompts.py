"""The words that pictures are made from when nobody gives any: of the subject, of its plain class, and of other things."""

from __future__ import annotations

from collections.abc import Sequence

from engines.api.job import JobConcept

PLACES = ("", " in the snow", " on the beach", " at night")
_MORE_PLACES = (" on grass", " in the desert")
_ELSEWHERE = (
    "a bottle on a table",
    "a snowman at night",
    "a cube on the beach",
    "a duck on grass",
    "a mug in the snow",
    "a cone in the desert",
)
"""Things that teaching never holds (`engines.diffusion.captions`), or holding would be measured on what it was taught with."""


def subject_words(concept: JobConcept) -> str:
    """The trigger and the class noun with their article, as in “a tobi bear”."""
    return with_article(
        " ".join(word for word in (concept.trigger.strip(), concept.class_noun.strip()) if word) or "subject"
    )


def sample_prompts(concept: JobConcept) -> tuple[str, ...]:
    """The subject in a few places."""
    return tuple(f"a photo of {subject_words(concept)}{place}" for place in PLACES)


def measured_prompts(concept: JobConcept, own: Sequence[str] = ()) -> tuple[str, ...]:
    """Six prompts to measure an adapter by: those of `own` that name the trigger, made up with the subject in places."""
    trigger = concept.trigger.strip().casefold()
    places = (*sample_prompts(concept), *(f"a photo of {subject_words(concept)}{place}" for place in _MORE_PLACES))
    fitting = [prompt for prompt in own if prompt.strip() and trigger in prompt.casefold()]
    return tuple(dict.fromkeys((*fitting, *places)))[: len(places)]


def class_caption(class_noun: str) -> str:
    """The prompt for class pictures (DreamBooth): "a photo of a bear"."""
    return f"a photo of {with_article(class_noun.strip() or 'subject')}"


def class_prompts(class_noun: str) -> tuple[str, ...]:
    """The plain class in the same places, without the trigger; none without a class noun."""
    return tuple(f"{class_caption(class_noun)}{place}" for place in PLACES) if class_noun.strip() else ()


def elsewhere_prompts(class_noun: str) -> tuple[str, ...]:
    """Things that are none of the adapter's business."""
    noun = class_noun.strip().casefold()
    others = [words for words in _ELSEWHERE if noun not in words.split()]
    return tuple(f"a photo of {words}" for words in others[: len(PLACES)])


def with_article(words: str) -> str:
    """Put the article before: “a bear”, “an apple”."""
    return f"{'an' if words[:1].lower() in tuple('aeiou') else 'a'} {words}"
