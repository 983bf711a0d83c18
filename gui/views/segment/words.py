"""The parts that pictures play in a training, in the words of the page."""

from __future__ import annotations

from dataclasses import dataclass

from projects.records import Split


@dataclass(frozen=True)
class PartWords:
    """One part: as a choice, as a word on a tile, and as a sentence."""

    title: str
    short: str
    sentence: str


PARTS: dict[Split, PartWords] = {
    "train": PartWords("Learn from it", "learn", "learned from"),
    "validation": PartWords("Watch while learning", "watch", "watched while learning, not learned from"),
    "test": PartWords("Keep for the figures", "figures", "kept for the figures, never seen while learning"),
}
OPEN = PartWords("Not decided", "open", "not decided yet; learned from as long as it is not")
