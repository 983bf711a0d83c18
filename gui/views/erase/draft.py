"""The words on the page: what goes, what comes instead, what stays. Plain data that the project keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines.api.erase_job import MOST_TARGETS, EraseJob, Erasure
from engines.launch.erase_plan import erasures

KEY = "erase.draft"
"""Setting of the project under which the words are kept."""

MOST_KEPT = 200
LONGEST = 200
_BETWEEN = re.compile(r"[,;\n]")

Word = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Target(_Plain):
    """One concept that is to go.

    Attributes:
        also: other words for it, which are erased along.
        surrogate: what is shown instead; empty for nothing in particular.
    """

    word: Word
    also: Annotated[tuple[Word, ...], Field(max_length=MOST_TARGETS)] = ()
    surrogate: str = Field(default="", max_length=LONGEST)

    @property
    def words(self) -> tuple[str, ...]:
        """All its words."""
        return (self.word, *self.also)


class Draft(_Plain):
    """All of it.

    Attributes:
        keep: words that must stay.
        after: earlier erasures (ids of runs) that act while the next one is made.
    """

    base: str = Field(default="starter", max_length=2000)
    targets: Annotated[tuple[Target, ...], Field(max_length=MOST_TARGETS)] = ()
    keep: Annotated[tuple[Word, ...], Field(max_length=MOST_KEPT)] = ()
    after: Annotated[tuple[str, ...], Field(max_length=MOST_TARGETS)] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Everything that goes."""
        return tuple(word for target in self.targets for word in target.words)

    def changed(self, **values: object) -> Draft:
        """The same but for what is said."""
        return self.model_copy(update=values)

    def with_target(self, number: int, **values: object) -> Draft:
        """The same but for one concept."""
        targets = list(self.targets)
        targets[number] = targets[number].model_copy(update=values)
        return self.changed(targets=tuple(targets))

    def without_target(self, number: int) -> Draft:
        """Without one concept."""
        return self.changed(targets=self.targets[:number] + self.targets[number + 1 :])

    def erasures(self) -> tuple[Erasure, ...]:
        """As the engine is told.

        Raises:
            SettingsError: nothing is named, or too much.
        """
        instead = [target.surrogate for target in self.targets for _word in target.words]
        return erasures(self.words, instead)


def read(data: object) -> Draft | None:
    """A draft from plain data; None when it is none."""
    try:
        return Draft.model_validate(data)
    except (ValidationError, RecursionError):
        return None


def split(text: str) -> tuple[str, ...]:
    """Words that a person typed, parted by commas; each once, without needless spaces, none too long."""
    parts = (" ".join(part.split())[:LONGEST].strip() for part in _BETWEEN.split(text))
    return once([part for part in parts if part])


def once(words: Sequence[str]) -> tuple[str, ...]:
    """The words without those that were named before, whatever their case."""
    known: dict[str, str] = {}
    for word in words:
        known.setdefault(word.casefold(), word)
    return tuple(known.values())


def added(draft: Draft, words: Sequence[str]) -> Draft:
    """With more concepts; those that are there already are left as they are."""
    gone = {word.casefold() for word in draft.words}
    fresh = [Target(word=word) for word in words if word.casefold() not in gone]
    return draft.changed(targets=(*draft.targets, *fresh)[:MOST_TARGETS])


def kept(draft: Draft, words: Sequence[str]) -> Draft:
    """With more words that must stay."""
    return draft.changed(keep=once((*draft.keep, *words))[:MOST_KEPT])


def of_job(job: EraseJob, **values: Any) -> Draft:  # noqa: ANN401 - further fields of the draft
    """The words of an earlier erasure; concepts that share a surrogate stand alone again."""
    targets = tuple(Target(word=one.target, surrogate=one.surrogate) for one in job.targets)
    return Draft(base=job.base, targets=targets, keep=once(job.keep)[:MOST_KEPT], **values)
