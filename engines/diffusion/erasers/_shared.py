"""Settings that several erasers have, told once."""

from __future__ import annotations

from typing import Any

from engines.api.settings import setting


def push(default: float) -> Any:  # noqa: ANN401 - a field, as `setting` gives it
    """How far beyond the surrogate."""
    return setting(
        default,
        "How firmly",
        help="How far the model is led beyond the surrogate, away from the target; 0 only puts the surrogate in its place.",
        ge=0.0,
        le=10.0,
    )


def sparse() -> Any:  # noqa: ANN401 - likewise
    """Group-sparse selection."""
    return setting(
        0.0,
        "Change few layers",
        help="Draws whole layers back to what they were, so that one request to forget after another disturbs little (GS-LoRA).",
        ge=0.0,
        le=100.0,
        advanced=True,
        zero="off",
    )
