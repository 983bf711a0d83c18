"""The starter's own small vocabulary: byte-level pairs learnt from clay captions and everyday words.

Saved as an ordinary ``CLIPTokenizer`` folder. Every byte is in the vocabulary, alone and at a word's end, so any word of any
script is encoded without an unknown token.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, trainers
from transformers import CLIPTokenizer

from engines.starter.captions import random_caption
from engines.starter.sampling import random_scene
from engines.starter.words import COMMON_WORDS

MAX_TOKENS = 40
_START, _END = "<|startoftext|>", "<|endoftext|>"


def train_tokenizer(folder: Path, *, vocabulary: int = 1600, captions: int = 4000) -> CLIPTokenizer:
    """Learn the vocabulary, write the tokenizer to ``folder`` and return it as loaded from there."""
    shell = CLIPTokenizer()  # its normaliser and its splitting into words are CLIP's; only the pairs are ours
    backend: Tokenizer = shell.backend_tokenizer
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = backend.normalizer
    learner.pre_tokenizer = backend.pre_tokenizer
    learner.train_from_iterator(
        _sentences(captions),
        trainers.BpeTrainer(vocab_size=vocabulary, end_of_word_suffix="</w>", min_frequency=2, show_progress=False),
    )
    model = json.loads(learner.to_str())["model"]
    merges = [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in model["merges"]]
    vocab = _vocabulary(merges)
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=MAX_TOKENS)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    _write_classic_files(folder, vocab, merges)
    return load_tokenizer(folder)


def load_tokenizer(folder: Path) -> CLIPTokenizer:
    """The tokenizer saved in ``folder``, without touching any network."""
    return CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def encode(tokenizer: CLIPTokenizer, texts: list[str]) -> torch.Tensor:
    """Token ids (n, MAX_TOKENS) int64 as a torch tensor, padded and cut."""
    batch = tokenizer(texts, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt")
    ids: torch.Tensor = batch.input_ids
    return ids


def _sentences(captions: int) -> Iterator[str]:
    rng = random.Random(5)
    for seed in range(captions):
        yield random_caption(random_scene(seed, fancy_share=0.07), rng)
    for _ in range(20):
        yield " ".join(COMMON_WORDS)


def _vocabulary(merges: list[tuple[str, ...]]) -> dict[str, int]:
    """All bytes, all bytes ending a word, the learnt pairs, then start and end: the order of CLIP's own vocabulary."""
    alphabet = _byte_alphabet()
    entries = [*alphabet, *(symbol + "</w>" for symbol in alphabet), *("".join(pair) for pair in merges), _START, _END]
    return {entry: index for index, entry in enumerate(dict.fromkeys(entries))}


def _byte_alphabet() -> list[str]:
    """The 256 printable characters that stand for bytes in byte-level vocabularies (Radford et al. 2019)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def _write_classic_files(folder: Path, vocab: dict[str, int], merges: list[tuple[str, ...]]) -> None:
    """vocab.json and merges.txt, which other programs expect beside tokenizer.json."""
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges), ""]
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
