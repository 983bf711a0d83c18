"""What speaks against a trigger word, in plain sentences: it is worth a thought, but never an obstacle.

How common a word is can be read from CLIP's byte-pair vocabulary: its merges stand in the order of how often they were seen in captions of
pictures (Radford et al. 2021), so an early whole word is one that Stable Diffusion has a firm picture of.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from engines.api.places import resources

_FIRM = 25_000


def remarks(trigger: str, class_noun: str, others: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Sentences about a trigger word.

    Args:
        trigger: the word; an empty one has no remarks.
        class_noun: the ordinary word for the subject's kind.
        others: name and trigger word of every other subject of the project.
    """
    word = _plain(trigger)
    if not word:
        return ()
    found = [
        f"“{name}” has the same trigger word; used together they cannot be told apart."
        for name, own in others
        if _plain(own) == word
    ]
    if word == _plain(class_noun):
        found.append(f"“{trigger}” is also the class word, so every {trigger} would turn into this subject.")
    elif any(part in _familiar() for part in word.split()):
        found.append(
            f"The base model knows “{trigger}” as an ordinary word already; a made-up one is learned more cleanly."
        )
    return tuple(found)


def _plain(word: str) -> str:
    return " ".join(word.casefold().split())


@functools.cache
def _familiar() -> frozenset[str]:
    """Whole words among the first merges."""
    text = (resources() / "tokenizers" / "clip" / "merges.txt").read_text(encoding="utf-8")
    merges = text.split("\n", _FIRM + 1)[1 : _FIRM + 1]
    return frozenset(merge.replace(" ", "").removesuffix("</w>") for merge in merges if merge.endswith("</w>"))
