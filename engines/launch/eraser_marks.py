"""What an eraser's file says of itself: which concepts, in which rows of its pairs, and what is erased only where the prompt asks for it. Torch-free.

A pair of an eraser is a stack of rows, those of one concept after those of another. A concept with a `floor` is a membrane (SPM): in use each prompt
decides how far it acts. One without acts always, as any LoRA does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from engines.api.errors import AdapterError

KEY = "lorikeet.erases"
_MOST = 2**20


@dataclass(frozen=True)
class Mark:
    """One concept of an eraser.

    Attributes:
        target: its words; `surrogate` what is shown instead.
        rows: how many rows of every pair are its own; 0 where concepts share the rows.
        floor: the likeness of a prompt to the target from which on a membrane lets through what it erases (0..1); None for no membrane.
    """

    target: str
    surrogate: str = ""
    rows: int = 0
    floor: float | None = None


def pack(marks: Sequence[Mark]) -> dict[str, str]:
    """Metadata that hold the marks."""
    return {KEY: json.dumps([asdict(mark) for mark in marks], ensure_ascii=False)}


def unpack(metadata: Mapping[str, str]) -> tuple[Mark, ...]:
    """The marks in metadata; none for a file that is no eraser.

    Raises:
        AdapterError: they are damaged.
    """
    text = metadata.get(KEY, "")
    if not text:
        return ()
    title, what, hint = "The eraser is damaged", "What it erases cannot be read.", "Export or make it again."
    if len(text) > _MOST:
        raise AdapterError(title, what, hint)
    try:
        return tuple(_mark(one) for one in json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AdapterError(title, what, hint) from error


def _mark(told: Mapping[str, object]) -> Mark:
    floor = told["floor"]
    mark = Mark(
        str(told["target"]),
        str(told["surrogate"]),
        int(str(told["rows"])),
        None if floor is None else float(str(floor)),
    )
    if not mark.target.strip() or mark.rows < 0 or (mark.floor is not None and not _below_one(mark.floor)):
        raise ValueError
    return mark


def _below_one(floor: float) -> bool:
    return math.isfinite(floor) and -1.0 <= floor < 1.0
