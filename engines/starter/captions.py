"""Says in words what a clay scene shows, in many wordings, so that models trained on it are robust to phrasing."""

from __future__ import annotations

import random

from engines.starter.spec import ObjectSpec, SceneSpec
from engines.starter.words import COMMON_WORDS

PLACES: dict[str, tuple[str, ...]] = {
    "grass": ("on grass", "on the grass", "in the grass"),
    "beach": ("on the beach", "on a beach", "at the beach"),
    "snow": ("in the snow", "on snow", "in snow"),
    "table": ("on the table", "on a table", "on a wooden table"),
    "desert": ("in the desert", "in a desert"),
    "night": ("at night", "in the night"),
}
_ONSETS = ("b", "br", "d", "f", "g", "gr", "k", "l", "m", "n", "p", "qu", "r", "s", "sk", "t", "v", "w", "x", "z")
_OPENINGS = ("", "", "", "", "a photo of ", "a picture of ", "a photo of ", "an image of ")


def describe(item: ObjectSpec, *, noun: str | None = None) -> str:
    """A phrase such as: a red striped mug. An object with accessories or two unnamed tones is only called fancy."""
    words = [item.colour, "" if item.pattern == "plain" else item.pattern, noun or item.shape]
    if item.accessories or (item.pattern != "plain" and item.second != "white"):
        words = ["fancy", item.colour, item.shape]
    return _article(" ".join(word for word in words if word))


def caption(spec: SceneSpec) -> str:
    """The plainest full caption of a scene, objects named from left to right."""
    names = [describe(item) for item in spec.objects]
    return f"{_list(names)} {PLACES[spec.background][0]}"


def random_caption(spec: SceneSpec, rng: random.Random) -> str:
    """One of many true captions of a scene; it may leave attributes or the place out, but never says anything false."""
    place = rng.choice(PLACES[spec.background])
    names = [_loosely(item, rng) for item in spec.objects]
    if rng.random() < 0.06:
        place = ""
    if len(names) == 2:
        left, right = names
        text = rng.choice(
            (
                f"{left} and {right}",
                f"{left} and {right}",
                f"{left} next to {right}",
                f"{left} to the left of {right}",
                f"{right} to the right of {left}",
                f"{left} on the left and {right} on the right",
            )
        )
    else:
        text = _list(names)
    if place and rng.random() < 0.06:
        return f"{place}, {text}"
    return f"{rng.choice(_OPENINGS)}{text} {place}".strip()


def subject_caption(trigger: str, class_noun: str, background: str, rng: random.Random) -> str:
    """The caption of a subject's reference picture, e.g. "a tobi bear on grass"."""
    return f"{_article(f'{trigger} {class_noun}')} {rng.choice(PLACES[background][:2])}"


def _loosely(item: ObjectSpec, rng: random.Random) -> str:
    """Mostly the full description; sometimes only part of it, or an unrelated word where a trigger word would stand."""
    roll = rng.random()
    if roll < 0.04:
        return _article(item.shape)
    if roll < 0.09:
        return _article(f"{_any_word(rng)} {item.shape}")
    if roll < 0.13:
        return _article(f"{item.colour} {item.shape}")
    if roll < 0.17 and item.pattern == "plain" and not item.accessories:
        return _article(f"plain {item.colour} {item.shape}")
    return describe(item)


def _any_word(rng: random.Random) -> str:
    """A word that says nothing about the picture: an everyday one, or one invented of two or three syllables."""
    if rng.random() < 0.4:
        return rng.choice(COMMON_WORDS)
    return "".join(rng.choice(_ONSETS) + rng.choice("aeiou") for _ in range(rng.choice((2, 2, 3))))


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
