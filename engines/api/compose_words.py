"""The words of a composition: what each concept's own place is told, and what is missing in the prompt. Plain text, no models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engines.api.compose import Composition, Concept
from engines.api.prompts import with_article

_ARTICLE = r"(?:(?:an?|the)\s+)?"


@dataclass(frozen=True)
class Remark:
    """Something about the prompt that a person may want to mend.

    Attributes:
        concept: its number in the composition.
        text: a sentence.
        prompt: the prompt with it mended.
    """

    concept: int
    text: str
    prompt: str


def called(concept: Concept) -> str:
    """What calls a concept, without an article: “tobi bear”."""
    words = (concept.trigger.strip(), concept.class_noun.strip())
    return " ".join(word for word in words if word) or concept.name.strip()


def own_words(concept: Concept, composition: Composition) -> str:
    """What the concept's own place is told: its own words, or the prompt with no other concept in it.

    “a photo of a tobi bear and a zumo car on the grass” becomes “a photo of a tobi bear on the grass”: what comes before the first concept and after
    the last holds for each.
    """
    if concept.words.strip():
        return concept.words.strip()
    spans = [span for other in composition.concepts for span in _mentions(other, composition.prompt)]
    phrase = with_article(called(concept))
    if not spans:
        return phrase if not composition.prompt.strip() else f"{phrase}, {composition.prompt.strip()}"
    before = composition.prompt[: min(first for first, _ in spans)]
    after = composition.prompt[max(last for _, last in spans) :]
    return " ".join(f"{before} {phrase}{after}".split())


def echoed(concept: Concept, composition: Composition) -> str:
    """The prompt with the concept in every other one's stead: “a tobi bear and a tobi bear on the grass”.

    Such a sentence keeps the scene's layout, in which the concept may then stand anywhere.
    """
    prompt, phrase = composition.prompt, with_article(called(concept))
    spans = sorted(span for other in composition.concepts if other is not concept for span in _mentions(other, prompt))
    for first, last in reversed(spans):
        prompt = f"{prompt[:first]}{phrase}{prompt[last:]}"
    return prompt if _mentions(concept, prompt) else own_words(concept, composition)


def own_negative(concept: Concept, composition: Composition) -> str:
    """What the concept's own place shall not show."""
    return concept.negative.strip() or composition.negative


def remarks(composition: Composition) -> tuple[Remark, ...]:
    """Concepts whose word is missing from the prompt, and trigger words without their class noun beside them."""
    found = []
    for number, concept in enumerate(composition.concepts):
        word, noun = concept.trigger.strip(), concept.class_noun.strip()
        if not _mentions(concept, composition.prompt):
            text = f"“{word or noun or concept.name}” is not in the prompt, so nothing calls {concept.name}."
            found.append(Remark(number, text, _with(concept, composition)))
        elif word and noun and not _beside(word, noun, composition.prompt):
            text = f"“{noun}” beside “{word}” says what kind of thing it is, as in “{called(concept)}”."
            mended = _replaced(word, called(concept), composition.prompt)
            found.append(Remark(number, text, mended))
    return tuple(found)


def said(word: str, prompt: str) -> bool:
    """Whether a prompt has a word, whole, in whatever case."""
    return bool(word.strip()) and re.search(_whole(word), prompt, re.IGNORECASE) is not None


def _replaced(word: str, words: str, prompt: str) -> str:
    """The prompt with other words where a word first stands."""
    return re.sub(_whole(word), lambda _: words, prompt, count=1, flags=re.IGNORECASE)


def _with(concept: Concept, composition: Composition) -> str:
    """The prompt with a concept that was missing, after those that are there."""
    phrase, prompt = with_article(called(concept)), composition.prompt.strip()
    ends = [last for other in composition.concepts for _, last in _mentions(other, prompt)]
    if not ends:
        return f"{phrase}, {prompt}" if prompt else phrase
    return f"{prompt[: max(ends)]} and {phrase}{prompt[max(ends) :]}"


def _beside(word: str, noun: str, prompt: str) -> bool:
    """Whether the noun follows the word within the next few words."""
    return re.search(rf"{_whole(word)}(?:\s+\w+){{0,2}}?\s+{_whole(noun)}", prompt, re.IGNORECASE) is not None


def _mentions(concept: Concept, prompt: str) -> Sequence[tuple[int, int]]:
    """Where a concept is named, articles included: by its trigger where it has one, else by its kind, else by its name."""
    word, noun = concept.trigger.strip(), concept.class_noun.strip()
    pattern = rf"{_whole(word)}(?:\s+{_whole(noun)})?" if word and noun else _whole(word or noun or concept.name)
    return [found.span() for found in re.finditer(rf"(?<!\w){_ARTICLE}{pattern}", prompt, re.IGNORECASE)]


def _whole(word: str) -> str:
    return rf"(?<!\w){re.escape(word.strip())}(?!\w)"
