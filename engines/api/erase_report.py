"""What measuring an eraser found: `report.json` beside its pictures, in `compare/step-...` of the run's folder or where a request said.

Every picture is made twice from the same words and seed, with the base and with the eraser. A picture counts as recognised when the judge reads
it as its word rather than as any of the other words it was offered. Nothing here says “erased”: it says in how many pictures what was seen.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from engines.api.erase_job import Erasure

REPORT = "report.json"

Group = Literal["target", "synonym", "neighbour", "unrelated"]
GROUPS: tuple[Group, ...] = ("target", "synonym", "neighbour", "unrelated")
"""The rows of the grid, from what must go to what must stay."""

Standing = Literal["gone", "weakened", "there", "unknown"]
"""What became of a target: recognised in hardly any picture (under 5 % of the base's), in under half as many, in more, or nobody could judge."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Spread(_Part):
    """A mean with its 95 % interval (bootstrap over prompts)."""

    mean: float
    low: float
    high: float


class ErasePicture(_Part):
    """A pair of pictures of equal words and seed.

    Attributes:
        base: name of the file in the report's folder; `erased` likewise.
        seen: whether the word was recognised with the base, then with the eraser; None where nobody judged.
        drift: how far the picture went, 1 - cosine in the judge's eyes; 0 is the same picture.
    """

    prompt: str
    seed: int
    base: str
    erased: str
    seen: tuple[bool, bool] | None = None
    drift: float | None = None


class EraseRow(_Part):
    """One word of the grid.

    Attributes:
        word: what the pictures were asked for.
        group: why it is measured.
        of: the target it belongs to; empty for unrelated words.
        seen: shares (0..1) of the pictures recognised with the base, then with the eraser; None where nobody judged.
        drift: of its pictures.
    """

    word: str
    group: Group
    of: str
    pictures: tuple[ErasePicture, ...]
    seen: tuple[float, float] | None = None
    drift: Spread | None = None


class Found(_Part):
    """What became of one target, for people: `words` is a sentence."""

    target: str
    standing: Standing
    words: str


class Attempt(_Part):
    """One try to bring a concept back: `way` how, `prompt` the words used, and in how many pictures it was recognised."""

    way: Literal["paraphrase", "misspelling", "made-up word"]
    prompt: str
    seen: int
    of: int

    @property
    def recovered(self) -> bool:
        """Whether the concept came back: recognised in at least half of the pictures."""
        return 2 * self.seen >= self.of


class Circumvention(_Part):
    """All attempts for one target."""

    target: str
    attempts: tuple[Attempt, ...]

    @property
    def words(self) -> str:
        """“Recovered in N of M attempts”, as a sentence."""
        won = sum(one.recovered for one in self.attempts)
        return f"“{self.target}” was recovered in {won} of {len(self.attempts)} attempts."


class EraseReport(_Part):
    """The whole of it.

    Attributes:
        conditions: base, hash, steps, guidance, size, sampler, device, precision, judge, as in other reports.
        targets: what should be gone.
        found: what became of each.
        rows: the grid, in the order of `GROUPS`.
        kept: neighbours and unrelated words still recognised, as a share of the base's (0..1, may exceed 1); None where nobody judged.
        damage: drift of the unrelated words, which nothing should have touched; None likewise.
        another_seed: drift between two seeds of the base's own pictures: what a completely different picture measures.
        circumvention: the attempts to bring targets back, when they were asked for.
        note: why figures are missing; empty when none are.
    """

    format: Literal[1] = 1
    kind: Literal["erase"] = "erase"
    conditions: dict[str, object]
    targets: tuple[Erasure, ...]
    found: tuple[Found, ...]
    rows: tuple[EraseRow, ...]
    kept: float | None = None
    damage: Spread | None = None
    another_seed: float | None = None
    circumvention: tuple[Circumvention, ...] = ()
    note: str = ""
    seconds: float = 0.0
