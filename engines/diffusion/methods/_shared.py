"""Settings that several methods have, told once; the words under them are the same wherever they appear."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engines.api.settings import setting
from engines.diffusion.contracts import Ability


def words_only() -> Any:  # noqa: ANN401 - a field, as `setting` gives it
    """Adapt the cross-attention's keys and values alone."""
    return setting(
        False,
        "Change nothing but the words",
        help="Adapts only what the picture reads from the words; keeps most apart, learns least.",
        advanced=True,
    )


def train_word() -> Any:  # noqa: ANN401 - likewise
    """Learn the trigger word's own vectors too."""
    return setting(
        False,
        "Also teach the trigger word itself",
        help="Gives the word a meaning of its own, so that less else has to change. Slower; other tools need its embedding file too.",
    )


def text_encoder() -> Any:  # noqa: ANN401 - likewise
    """Adapt the text encoder's attention too."""
    return setting(
        False,
        "Also teach the text encoder",
        help="Binds the trigger word more firmly. Slower, since captions cannot be prepared in advance.",
    )


def alpha() -> Any:  # noqa: ANN401 - likewise
    """The strength of a pair, apart from its rank."""
    return setting(
        0.0,
        "Alpha",
        help="Strength of the change for its rank; 0 takes the rank itself.",
        ge=0.0,
        le=512.0,
        advanced=True,
    )


def asked(needs: Iterable[Ability], *options: tuple[bool, Ability]) -> tuple[Ability, ...]:
    """What a method asks of a base: its needs, and what each option that is on needs besides."""
    return (*needs, *(ability for wanted, ability in options if wanted))
