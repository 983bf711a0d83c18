"""A word in a caption: the places of its token pieces, whatever the tokenizer made of it, other vectors put there, and the words that lie near it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

_END = "</w>"


def places(tokens: torch.Tensor, pieces: Sequence[int]) -> torch.Tensor:
    """Where a run of pieces occurs in rows of token numbers.

    Args:
        tokens: (N, L) integers.
        pieces: the word's token numbers in order, without start and end marks; none occurs nowhere.

    Returns:
        (N, L) bool, true at every piece of every occurrence.
    """
    begins = _begins(tokens, pieces)
    found = torch.zeros_like(tokens, dtype=torch.bool)
    if begins is not None:
        for offset in range(len(pieces)):
            found[:, offset : offset + begins.shape[1]] |= begins
    return found


def shifted(embedded: torch.Tensor, tokens: torch.Tensor, pieces: Sequence[int], shifts: torch.Tensor) -> torch.Tensor:
    """Embedded tokens with a shift added at each piece of each occurrence of a word; gradients reach the shifts.

    Args:
        embedded: (N, L, D).
        tokens: (N, L) integers.
        pieces: the word's k token numbers.
        shifts: (k, D), one for each piece.
    """
    begins = _begins(tokens, pieces)
    if begins is None:
        return embedded
    spare = tokens.shape[1] - begins.shape[1]
    for offset, shift in enumerate(shifts.to(embedded.dtype)):
        here = torch.nn.functional.pad(begins, (offset, spare - offset)).to(embedded.dtype)
        embedded = embedded + here.unsqueeze(-1) * shift
    return embedded


@torch.no_grad()
def nearest_words(
    tokenizer: Any,  # noqa: ANN401 - transformers is untyped
    table: torch.Tensor,
    vectors: torch.Tensor,
    count: int,
) -> list[str]:
    """Whole words of a vocabulary by how near their vectors lie to the mean of some, nearest first, itself among them.

    Args:
        tokenizer: byte pairs, whole words ending in `</w>`.
        table: vectors of all tokens (V, D).
        vectors: of the pieces of a word (k, D).
        count: how many at most.
    """
    words = {number: piece.removesuffix(_END) for piece, number in tokenizer.get_vocab().items() if _is_word(piece)}
    numbers = list(words)
    unit = torch.nn.functional.normalize
    near = unit(table[numbers].float(), dim=1) @ unit(vectors.mean(dim=0), dim=0)
    best = near.topk(min(count, len(numbers))).indices.tolist()
    return [words[numbers[place]] for place in best]


def _is_word(piece: str) -> bool:
    word = piece.removesuffix(_END)
    return piece.endswith(_END) and len(word) > 2 and word.isascii() and word.isalpha()


def _begins(tokens: torch.Tensor, pieces: Sequence[int]) -> torch.Tensor | None:
    """Where a run of k pieces begins, (N, L - k + 1) bool; None when there is no room for one.

    Asked in every step: plain numbers are compared with, since a tensor of them would have to be sent to the device first.
    """
    room = tokens.shape[1] - len(pieces) + 1
    if not pieces or room < 1:
        return None
    found = [tokens[:, offset : offset + room] == piece for offset, piece in enumerate(pieces)]
    return torch.stack(found).all(dim=0)
