"""The words that go with each picture: the trigger is put in, and a picture without words gets plain ones."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from engines.api.job import JobConcept
from engines.api.prompts import PLACES, class_caption, subject_words, with_article

PLACEHOLDER = "[trigger]"
_THINGS = ("person", "dog", "cat", "bird", "car", "house", "tree", "ball", "cup", "chair", "flower", "book")
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


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
