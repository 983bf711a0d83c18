"""Words near a target, asked of the base's own text encoder: other forms of it, to be erased along, and other things that lie near, to be kept.

First the nearest of the vocabulary by their own vectors, then by what the encoder makes of each in a plain sentence, counted from what everyday
sentences have in common. It knows spellings and neighbours, no dictionary: translations and nicknames have to be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import torch

from engines.api.prompts import with_article
from engines.diffusion.contracts import Base
from engines.diffusion.erasing.closed_form import word_states
from engines.diffusion.transport import EVERYDAY, content_pieces

_CANDIDATES = 64
_SAME_FORM = 0.75
_AT_ONCE = 32


@dataclass(frozen=True)
class Near:
    """A word and how near it lies to the target, 0..1."""

    word: str
    similarity: float


@dataclass(frozen=True)
class Suggestions:
    """Words near a target, nearest first; `pieces` how many tokens the target is made of."""

    target: str
    pieces: int
    synonyms: tuple[Near, ...]
    neighbours: tuple[Near, ...]


def suggest(base: Base, target: str, count: int = 12) -> Suggestions:
    """At most `count` words of each kind.

    Raises:
        SettingsError: the base cannot spell the target.
    """
    pieces = content_pieces(base, target)
    known = set(target.casefold().split())
    found = [word for word in base.near_words(target, _CANDIDATES) if word not in known]
    words = list(dict.fromkeys([*_forms(target), *found]))
    near = [Near(word, one) for word, one in zip(words, _similarities(base, target, words), strict=True)]
    near.sort(key=lambda one: -one.similarity)
    same = tuple(one for one in near if same_form(one.word, target))
    others = tuple(one for one in near if one not in same)
    return Suggestions(target, len(pieces), same[:count], others[:count])


def same_form(word: str, target: str) -> bool:
    """Whether a word is the target in another form: longer or shorter by an ending, or misspelt."""
    one, other = word.casefold().replace(" ", ""), target.casefold().replace(" ", "")
    if min(len(one), len(other)) > 3 and (one.startswith(other) or other.startswith(one)):
        return len(one) > 2 * len(other) // 3
    return len(one) > 3 and SequenceMatcher(None, one, other).ratio() > _SAME_FORM


def _forms(target: str) -> list[str]:
    """The plural, or the singular."""
    return [target[:-1]] if target.endswith("s") and len(target) > 3 else [f"{target}s"]


def _similarities(base: Base, target: str, words: Sequence[str]) -> list[float]:
    captions = [f"a photo of {with_article(word)}" for word in (target, *words)]
    everyday = [words for words in EVERYDAY if words.startswith("a photo")]
    parts = [word_states(base, captions[start : start + _AT_ONCE]) for start in range(0, len(captions), _AT_ONCE)]
    states = torch.cat(parts) - word_states(base, everyday).mean(dim=0)
    own, others = states[:1], states[1:]
    return [float(one) for one in torch.cosine_similarity(own, others).clamp(0.0, 1.0)] if words else []
