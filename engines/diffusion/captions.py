"""The words that go with each picture: the trigger is put in, and a picture without words gets plain ones."""

from __future__ import annotations

import re

from engines.api.job import JobConcept

PLACEHOLDER = "[trigger]"
PLACES = ("", " in the snow", " on the beach", " at night")
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
    if trigger and not re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", words, re.IGNORECASE):
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


def without_trigger(prompt: str, trigger: str, class_noun: str) -> str:
    """The prompt in words that a judge of pictures knows: the trigger left out, or replaced by the class noun where that is missing."""
    if not trigger.strip():
        return prompt
    pattern = rf"(?<!\w){re.escape(trigger.strip())}(?!\w)"
    noun = class_noun.strip()
    named = noun and re.search(
        rf"(?<!\w){re.escape(noun)}(?!\w)", re.sub(pattern, "", prompt, flags=re.IGNORECASE), re.IGNORECASE
    )
    plain = re.sub(pattern, "" if named else noun, prompt, flags=re.IGNORECASE)
    return " ".join(plain.split())


def with_article(words: str) -> str:
    """Put the article before: “a bear”, “an apple”."""
    return f"{'an' if words[:1].lower() in tuple('aeiou') else 'a'} {words}"
