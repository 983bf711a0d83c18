"""What the interactive worker is asked about erasing; see `engines.api.requests`, whose frame (ids, Working, Picture, Done) is the same.

Live pictures with erasers need nothing of their own: `Generate` takes eraser files like any adapter, each with its weight (the slider) and, for
files of several concepts that can be told apart, `off` (membranes that are switched off).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engines.api.erase_job import MOST_TARGETS, CheckSettings, Erasure
from engines.api.uses import AdapterUse


class _About(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
    id: str = Field(max_length=80)
    base: str = "starter"


class SuggestWords(_About):
    """Words near a target in the base's own text encoder.

    Done: `target`; `pieces`, how many tokens it is made of (0: the base cannot spell it, so it cannot be erased); `synonyms` and `neighbours`,
    each a list of `word` and `similarity` (0..1), nearest first. Synonyms are other spellings and forms, to be erased along; neighbours are other
    things that lie near, to be kept.
    """

    type: Literal["suggest_words"] = "suggest_words"
    target: str = Field(min_length=1, max_length=200)
    count: int = Field(12, ge=1, le=100)


class MeasureErasers(_About):
    """Base against erasers, together, on the same words and seeds. Pictures are told as they come (`column` 0 the base, 1 erased).

    Done: an `engines.api.erase_report.EraseReport` as data, which also lies in `folder`.
    """

    type: Literal["measure_erasers"] = "measure_erasers"
    erasers: tuple[AdapterUse, ...] = Field(min_length=1)
    targets: tuple[Erasure, ...] = Field(min_length=1, max_length=MOST_TARGETS)
    keep: tuple[str, ...] = ()
    check: CheckSettings = CheckSettings()
    folder: str


EraseRequest = SuggestWords | MeasureErasers
