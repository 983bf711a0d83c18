"""What is asked and told about adapters that are to be used together: the report from their files alone, and the test on pictures.

The report says what may go wrong and what to do about it; only pictures say what does go wrong, since weights alone settle nothing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from engines.api.uses import AdapterUse

Level = Literal["fine", "careful", "fight"]
Cure = Literal["", "retrain", "weigh", "rename", "replace", "regions"]


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class AdapterFacts(_Plain):
    """One adapter of a report.

    Attributes:
        title: for people; `trigger` and `class_noun` its words, empty when the file does not say.
        method: registered name of how it was taught, empty for foreign files.
        held: whether it was taught to leave everything else alone; `focused` whether it keeps to its own word (in Lorikeet).
        directions: first and last direction of the shared basis it keeps to, or None.
        energy: Frobenius norm of its whole change at its strength.
    """

    file: str
    title: str
    trigger: str = ""
    class_noun: str = ""
    method: str = ""
    rank: int = 0
    strength: float = 1.0
    held: bool = False
    focused: bool = False
    directions: tuple[int, int] | None = None
    base: str = ""
    energy: float = 0.0


class PairFigures(_Plain):
    """Two adapters held against each other over the layers both change (numbers of the report's adapters).

    Attributes:
        layers: how many layers both change.
        overlap: share of the row spaces they have in common, 0..1, weighted by energy; `chance` is what random ones have.
        alignment: normalised inner product of the two changes, -1..1.
        energy_ratio: energy of the sum over the sum of energies; 1 for changes at right angles.
        on_first: how strongly the second answers to what the first listens to, against the first's own answer; `on_second` the reverse.
    """

    first: int
    second: int
    layers: int
    overlap: float
    chance: float
    alignment: float
    energy_ratio: float
    on_first: float
    on_second: float


class LayerFigures(_Plain):
    """One layer: the energy of each adapter's change there (0 where it leaves it alone), and the worst crosstalk of any pair."""

    name: str
    energies: tuple[float, ...]
    crosstalk: float


class Finding(_Plain):
    """One thing to know, for people.

    Attributes:
        adapters: whom it is about.
        cure: what would mend it; `slot` a free one for a retraining, 0 when it is not known or not needed.
    """

    level: Level
    title: str
    text: str
    adapters: tuple[int, ...] = ()
    cure: Cure = ""
    slot: int = 0


class InterferenceReport(_Plain):
    """All of it.

    Attributes:
        energy_ratio: energy of the whole sum over the sum of all energies.
        weight: a common factor that brings the sum's energy back to the strongest adapter's own; 1 when the sum needs none.
        level: the worst of the findings; `verdict` one sentence.
    """

    adapters: tuple[AdapterFacts, ...]
    pairs: tuple[PairFigures, ...]
    layers: tuple[LayerFigures, ...]
    energy_ratio: float
    weight: float
    level: Level
    verdict: str
    findings: tuple[Finding, ...] = ()


class AskInterference(_Plain):
    """Ask for the report; needs no base model. `Done.data` is an `InterferenceReport`."""

    type: Literal["interference"] = "interference"
    id: str = Field(max_length=80)
    adapters: Annotated[tuple[AdapterUse, ...], Field(min_length=2, max_length=8)]


class TryTogether(_Plain):
    """Ask for the test on pictures: each concept alone, then with all adapters at work, same words and seeds.

    `references` are pictures of each real subject, adapter by adapter (absolute paths); an adapter without any is held against its own pictures.
    """

    type: Literal["together"] = "together"
    id: str = Field(max_length=80)
    base: str = "starter"
    adapters: Annotated[tuple[AdapterUse, ...], Field(min_length=2, max_length=8)]
    references: tuple[tuple[str, ...], ...] = ()
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, le=2**63 - 1)], ...], Field(min_length=1, max_length=8)] = (1, 2)
    steps: int = Field(default=0, ge=0, le=200)
    folder: str


InterferenceRequest = AskInterference | TryTogether
