"""Prompts longer than the text encoder can read at once: read in chunks whose states stand side by side, instead of being cut.

Each chunk has its own start and end marks, as in every tool that reads long prompts; a word is never torn as long as it fits into a chunk.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engines.diffusion.contracts import Base, TextStates


class LongTexts:
    """Text states of prompts of any length, each prompt encoded once; a `TextSource`.

    Args:
        base: whose text encoders read.
        prompts: all that will be asked for together: their states get one length, shorter ones are filled up with empty chunks.
    """

    def __init__(self, base: Base, prompts: Sequence[str]) -> None:
        self._base = base
        self._chunks = {prompt: chunks_of(base, prompt) for prompt in dict.fromkeys(prompts)}
        self._most = max((len(chunks) for chunks in self._chunks.values()), default=1)
        self._known: dict[str, TextStates] = {}

    def __call__(self, prompts: Sequence[str]) -> TextStates:
        """See `TextSource`; KeyError for a prompt that was not told of at the beginning."""
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._known]
        if new:
            self._read(new)
        rows = [self._known[prompt] for prompt in prompts]
        return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}

    def _read(self, prompts: Sequence[str]) -> None:
        filled = [[*self._chunks[prompt], *([""] * (self._most - len(self._chunks[prompt])))] for prompt in prompts]
        states = self._base.encode_prompts([chunk for chunks in filled for chunk in chunks])
        length = self._base.info.text_length
        for number, prompt in enumerate(prompts):
            own = {name: values[number * self._most : (number + 1) * self._most] for name, values in states.items()}
            self._known[prompt] = {name: _joined(name, values, length) for name, values in own.items()}


def chunks_of(base: Base, prompt: str) -> list[str]:
    """A prompt in parts that the text encoders can read at once; one part for a prompt that fits."""
    room = base.info.text_length - 2
    words = _short_words(base, prompt.split(), room)
    if sum(size for _, size in words) <= room:
        return [prompt]
    chunks: list[list[str]] = [[]]
    left = room
    for word, size in words:
        if size > left:
            chunks.append([])
            left = room
        chunks[-1].append(word)
        left -= size
    return [" ".join(chunk) for chunk in chunks if chunk]


def _short_words(base: Base, words: Sequence[str], room: int) -> list[tuple[str, int]]:
    """Words with how many tokens each takes in the tokenizer that needs most; one too long for a chunk is halved."""
    found: list[tuple[str, int]] = []
    for word, size in zip(words, _sizes(base, words), strict=True):
        if size < room or len(word) < 2:
            found.append((word, size))
        else:
            found += _short_words(base, (word[: len(word) // 2], word[len(word) // 2 :]), room)
    return found


def _sizes(base: Base, words: Sequence[str]) -> list[int]:
    """Tokens of each word, without marks; at most as many as fit."""
    if not words:
        return []
    length = base.info.text_length
    rows, marks = (torch.split(base.tokenize(texts), length, dim=1) for texts in (list(dict.fromkeys(words)), [""]))
    # The mark behind the last token is what an empty prompt has behind its first.
    ends = [(row == mark[0, 1]).int().argmax(dim=1) - 1 for row, mark in zip(rows, marks, strict=True)]
    sizes = dict(zip(dict.fromkeys(words), torch.stack(ends).amax(dim=0).tolist(), strict=True))
    return [int(sizes[word]) for word in words]


def _joined(name: str, values: torch.Tensor, length: int) -> torch.Tensor:
    """The states of a prompt's chunks as one row: side by side for each tokenizer; of the whole, the first chunk's."""
    if name == "hidden":
        return values.flatten(0, 1)[None]
    if name == "tokens":
        return torch.cat([row.flatten() for row in torch.split(values, length, dim=1)])[None]
    return values[:1]
