"""Settings that several tuners have, told once, and what they do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engines.api.settings import setting

if TYPE_CHECKING:
    from engines.segmentation.contracts import Segmenter
    from engines.segmentation.tuning import Tuning


def decoder() -> Any:  # noqa: ANN401 - a field, as `setting` gives it
    """Train the mask decoder too."""
    return setting(
        True,
        "Also teach the mask decoder",
        help="Usually needed when the pictures differ much from photos. The file grows by 8 to 16 MB with the large models.",
    )


def late_blocks() -> Any:  # noqa: ANN401 - likewise
    """Leave the first blocks alone."""
    return setting(
        0.0,
        "Leave the first blocks alone",
        help="Share of the encoder's blocks that stay as they are. 0.5 halves the memory and costs little.",
        ge=0.0,
        le=0.95,
        advanced=True,
        zero="none",
    )


def blocks(model: Segmenter, share: float) -> Iterator[tuple[int, Any]]:
    """Number and block of those a tuner changes, when it leaves this share of them alone."""
    first = int(model.info.sizes.depth * share)
    for number, block in enumerate(model.encoder.blocks):
        if number >= first:
            yield number, block


def with_decoder(tuning: Tuning, model: Segmenter, *, wanted: bool) -> Tuning:
    """Train the mask decoder too, where it is wanted."""
    if wanted:
        tuning.unfreeze("mask_decoder", model.decoder)
    return tuning
