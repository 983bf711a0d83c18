"""Where a word stands in a caption: the places of its token pieces, whatever the tokenizer made of it."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def places(tokens: torch.Tensor, pieces: Sequence[int]) -> torch.Tensor:
    """Where a run of pieces occurs in rows of token numbers.

    Args:
        tokens: (N, L) integers.
        pieces: the word's token numbers in order, without start and end marks; none occurs nowhere.

    Returns:
        (N, L) bool, true at every piece of every occurrence.
    """
    count, length = tokens.shape
    found = torch.zeros(count, length, dtype=torch.bool, device=tokens.device)
    if not pieces or len(pieces) > length:
        return found
    wanted = torch.tensor(list(pieces), device=tokens.device, dtype=tokens.dtype)
    begins = (tokens.unfold(1, len(pieces), 1) == wanted).all(dim=-1)
    for offset in range(len(pieces)):
        found[:, offset : offset + begins.shape[1]] |= begins
    return found
