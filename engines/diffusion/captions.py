"""The words that go with each picture: the trigger is put in, and a picture without words gets plain ones."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from engines.api.job import JobConcept

PLACEHOLDER = "[trigger]"
PLACES = ("", " in the snow", " on the beach", " at night")
_THINGS = ("person", "dog", "cat", "bird", "car", "house", "tree", "ball", "cup", "chair", "flower", "book")
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_ELSEWHERE = ("a house on grass", "a tree in the snow", "a ball on the beach", "a cup on a table")


def subject_words(concept: JobConcept) -> str:
    """The trigger and the class noun with their article, as in “a tobi bear”."""
    return with_article(
        " ".join(word for word in (concept.trigger.strip(), concept.class_noun.strip()) if word) or "subject"
    )


def caption_of(text: str, concept: JobConcept) -> str:
    """The caption to learn with.

    `[trigger]` becomes the trigger word. Where a caption does not name the trigger at all, "a tobi bear, " is put before it, since words that
    are never seen are never learned.
    """
    trigger = concept.trigger.strip()
    words = " ".join(text.replace(PLACEHOLDER, trigger).split())
    if not words:
        return f"a photo of {subject_words(concept)}"
    if trigger and not re.search(_whole(trigger), words, re.IGNORECASE):
        return f"{subject_words(concept)}, {words}"
    return words


def class_caption(class_noun: str) -> str:
    """The prompt for class pictures (DreamBooth): "a photo of a bear"."""
    return f"a photo of {with_article(class_noun.strip() or 'subject')}"


def sample_prompts(concept: JobConcept) -> tuple[str, ...]:
    """Prompts for the pictures made while learning, when the person gave none."""
    return tuple(f"a photo of {subject_words(concept)}{place}" for place in PLACES)


def elsewhere_prompts(class_noun: str) -> tuple[str, ...]:
    """Prompts that an adapter should leave alone: the class without the trigger, and a few things that are none of its business."""
    noun = class_noun.strip()
    return (*([class_caption(noun)] if noun else []), *(f"a photo of {words}" for words in _ELSEWHERE))


def held_captions(captions: Sequence[str], concept: JobConcept) -> tuple[str, ...]:
    """Captions whose pictures an adapter should leave as they are: everything but the trigger word.

    Of each caption of the photos one without the trigger and one with a made-up word in its place, since an adapter tends to take any odd
    word for its own; and other things, with and without a made-up word. The same photos give the same captions.
    """
    draws = random.Random(0)
    known = " ".join(captions).casefold()
    others: list[str] = [class_caption(concept.class_noun)]
    for caption in dict.fromkeys(captions):
        plain = without_trigger(caption, concept.trigger, concept.class_noun)
        others += [plain, _renamed(caption, concept.trigger, _made_up(draws, known))]
    for number, thing in enumerate(_THINGS):
        place = PLACES[number % len(PLACES)]
        others += [
            f"a photo of {with_article(thing)}{place}",
            f"a photo of a {_made_up(draws, known)} {thing}{place}",
            f"a photo of a {_made_up(draws, known)} {concept.class_noun.strip() or thing}{place}",
        ]
    return tuple(dict.fromkeys(others))


def _made_up(draws: random.Random, known: str) -> str:
    """A word of two or three plain syllables that does not occur in `known`."""
    while True:
        word = "".join(draws.choice(_CONSONANTS) + draws.choice(_VOWELS) for _ in range(draws.randint(2, 3)))
        if word not in known:
            return word


def _renamed(caption: str, trigger: str, word: str) -> str:
    return re.sub(_whole(trigger), word, caption, flags=re.IGNORECASE) if trigger.strip() else caption


def _whole(word: str) -> str:
    return rf"(?<!\w){re.escape(word.strip())}(?!\w)"


def without_trigger(prompt: str, trigger: str, class_noun: str) -> str:
    """The prompt in words that a judge of pictures knows: the trigger left out, or replaced by the class noun where that is missing."""
    if not trigger.strip():
        return prompt
    pattern = _whole(trigger)
    noun = class_noun.strip()
    named = noun and re.search(_whole(noun), re.sub(pattern, "", prompt, flags=re.IGNORECASE), re.IGNORECASE)
    plain = re.sub(pattern, "" if named else noun, prompt, flags=re.IGNORECASE)
    return " ".join(plain.split())


def with_article(words: str) -> str:
    """Put the article before: “a bear”, “an apple”."""
    return f"{'an' if words[:1].lower() in tuple('aeiou') else 'a'} {words}"
