"""How an adapter file is used: told by requests, recipes and comparisons alike."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AdapterUse(BaseModel):
    """An adapter file (absolute path) and how strongly it acts.

    Attributes:
        focus: the word whose places its cross-attention part keeps to; None takes what the file says of itself, empty acts on all words.
        off: concepts of an eraser of several that are not erased for now.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: str
    weight: float = Field(default=1.0, ge=-4.0, le=4.0)
    focus: str | None = None
    off: tuple[str, ...] = ()
