"""The data a subject is learned from, ready on the device: latents and text states, encoded once and kept in the project's cache.

Of each picture the mean and deviation of its latents are kept, so that the latents can still be drawn anew at every step; text states once for
every distinct caption. Batches are put together by picking rows. Their order is a pure function of seed and epoch, so the position is
two numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from engines.core.cache import TensorCache
from engines.core.devices import sent
from engines.diffusion.contracts import DenoisingBatch, TextStates
from engines.diffusion.objective import cell_weights

RESIDENT_BYTES = 2**30
"""Latents up to this much stay in memory; beyond it they are read from the cache batch by batch."""

LATENTS = ("mean", "std", "mask", "frame")
"""The tensors of a picture's entry in the cache."""


@dataclass(frozen=True)
class Entry:
    """One picture of a bucket.

    Attributes:
        key: of its latents in the cache.
        caption: row in the captions' table.
        repeats: how often it occurs in an epoch.
        mirrored: key of its mirrored latents, or None.
    """

    key: str
    caption: int
    repeats: int = 1
    mirrored: str | None = None


class Latents:
    """Latents by key, in memory while they are few, else read when needed. All of one shape."""

    def __init__(self, cache: TensorCache, keys: Sequence[str], device: torch.device, *, resident: bool) -> None:
        self._cache = cache
        self._device = device
        self._keys = list(keys)
        self._row = {key: row for row, key in enumerate(self._keys)}
        self._stacked = self._on_device(self._read(self._keys)) if resident else None
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="latents")
        self._expected: tuple[list[str], Future[dict[str, torch.Tensor]]] | None = None

    def row(self, key: str) -> int:
        """Row of a key."""
        return self._row[key]

    def pick(self, rows: Sequence[int]) -> dict[str, torch.Tensor]:
        """`mean`, `std` (N, C, h, w), `mask` (N, 1, h, w) and `frame` (N, 6) of rows, on the device."""
        if self._stacked is None:
            keys = [self._keys[row] for row in rows]
            expected, self._expected = self._expected, None
            if expected is not None and expected[0] == keys:
                return self._on_device(expected[1].result())
            return self._on_device(self._read(keys))
        index = sent(torch.tensor(rows), self._device)
        return {name: tensor.index_select(0, index) for name, tensor in self._stacked.items()}

    def expect(self, rows: Sequence[int]) -> None:
        """Rows that will be picked next: where they do not lie in memory, they are read while the device computes."""
        if self._stacked is None:
            keys = [self._keys[row] for row in rows]
            self._expected = (keys, self._reader.submit(self._read, keys))

    def _read(self, keys: Sequence[str]) -> dict[str, torch.Tensor]:
        found = []
        for key in keys:
            entry = self._cache.get(key)
            if entry is None:
                title = f"{self._cache.path(key)} vanished while it was in use"
                raise OSError(title)
            found.append(entry)
        return {name: torch.cat([one[name] for one in found]).float() for name in LATENTS}

    def _on_device(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: sent(tensor, self._device) for name, tensor in tensors.items()}


@dataclass(frozen=True)
class Bucket:
    """The subject's pictures of one shape, and the class pictures cut to it."""

    latents: Latents
    entries: tuple[Entry, ...]
    class_rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Captions:
    """Distinct captions as rows: text states, or token numbers (N, L) when the text encoder trains. Row 0 is the empty caption."""

    states: TextStates | None
    tokens: torch.Tensor | None

    def pick(self, rows: Sequence[int], device: torch.device) -> tuple[TextStates | None, torch.Tensor | None]:
        """States or tokens of rows, on the device."""
        index = sent(torch.tensor(rows), device)
        states = None if self.states is None else {name: s.index_select(0, index) for name, s in self.states.items()}
        tokens = None if self.tokens is None else self.tokens.index_select(0, index)
        return states, tokens


@dataclass(frozen=True)
class DrawSettings:
    """How batches are drawn.

    Attributes:
        batch_size: pictures of the subject a batch.
        caption_dropout: share of them without words.
        masked: whether masks count, and `unmasked_weight` what the rest counts then.
        class_caption: row of the class caption.
        held_captions: rows of captions whose answer is held to the base model's; none turns that off.
        seed: of the order.
    """

    batch_size: int
    caption_dropout: float = 0.0
    masked: bool = False
    unmasked_weight: float = 1.0
    class_caption: int = 0
    held_captions: tuple[int, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class _Drawn:
    """What a batch consists of: rows of its bucket's latents and of the captions; the first are the subject, the last are held."""

    bucket: Bucket
    rows: list[int]
    words: list[int]
    subjects: int
    held: int


class PictureBatches:
    """Endless batches of subject and class pictures; see `engines.core.contracts.Batches`.

    A batch holds pictures of one shape. Every picture occurs `repeats` times an epoch; the last batch of a bucket is filled up from its start.
    """

    def __init__(
        self, buckets: Sequence[Bucket], captions: Captions, settings: DrawSettings, device: torch.device
    ) -> None:
        self._buckets = list(buckets)
        self._captions = captions
        self._settings = settings
        self._device = device
        self._epoch = 0
        self._position = 0
        self._plan = self._planned(0)

    @property
    def epoch_steps(self) -> int:
        """Batches in one epoch."""
        return len(self._plan)

    def next(self) -> DenoisingBatch:
        """The next batch."""
        if self._position >= len(self._plan):
            self._epoch += 1
            self._position = 0
            self._plan = self._planned(self._epoch)
        batch = self._batch(self._drawn(self._position))
        self._position += 1
        if self._position < len(self._plan):
            following = self._drawn(self._position)
            following.bucket.latents.expect(following.rows)
        return batch

    def of_every_shape(self) -> Iterator[DenoisingBatch]:
        """One batch of each shape that will come; the position stays where it is."""
        for bucket in range(len(self._buckets)):
            place = next(place for place, (number, _) in enumerate(self._plan) if number == bucket)
            yield self._batch(self._drawn(place))

    def state(self) -> dict[str, Any]:
        """Epoch and position in it."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go to a `state()`."""
        self._epoch = int(state["epoch"])
        self._plan = self._planned(self._epoch)
        self._position = int(state["position"])

    def _planned(self, epoch: int) -> list[tuple[int, list[int]]]:
        order = random.Random(f"{self._settings.seed}/{epoch}")
        size = self._settings.batch_size
        plan: list[tuple[int, list[int]]] = []
        for number, bucket in enumerate(self._buckets):
            rows = [row for row, entry in enumerate(bucket.entries) for _ in range(entry.repeats)]
            order.shuffle(rows)
            rows += [rows[i % len(rows)] for i in range(-len(rows) % size)]
            plan += [(number, rows[start : start + size]) for start in range(0, len(rows), size)]
        order.shuffle(plan)
        return plan

    def _drawn(self, position: int) -> _Drawn:
        """What the batch at a position of this epoch consists of, always the same."""
        settings = self._settings
        number, chosen = self._plan[position]
        bucket, draws = self._buckets[number], random.Random(f"{settings.seed}/{self._epoch}/{position}")
        rows, words = [], []
        for row in chosen:
            entry = bucket.entries[row]
            mirror = entry.mirrored is not None and draws.random() < 0.5
            rows.append(bucket.latents.row(entry.mirrored if mirror and entry.mirrored else entry.key))
            words.append(0 if draws.random() < settings.caption_dropout else entry.caption)
        if bucket.class_rows:
            rows += [bucket.class_rows[draws.randrange(len(bucket.class_rows))] for _ in chosen]
            words += [settings.class_caption] * len(chosen)
        held = len(chosen) if settings.held_captions else 0
        if held:
            rows += rows[-held:]  # pictures of the class where there are some, else the photos themselves
            words += draws.choices(settings.held_captions, k=held)
        return _Drawn(bucket, rows, words, subjects=len(chosen), held=held)

    def _batch(self, drawn: _Drawn) -> DenoisingBatch:
        picked = drawn.bucket.latents.pick(drawn.rows)
        text, tokens = self._captions.pick(drawn.words, self._device)
        return DenoisingBatch(
            picked["mean"],
            picked["std"],
            text,
            tokens,
            self._weight(picked["mask"], drawn.held) if self._settings.masked else None,
            subjects=drawn.subjects,
            held=drawn.held,
            frame=picked["frame"],
        )

    def _weight(self, mask: torch.Tensor, held: int) -> torch.Tensor:
        """Weights of the cells; whole pictures are held."""
        whole = mask[: mask.shape[0] - held]
        weight = cell_weights(whole, self._settings.unmasked_weight)
        return torch.cat([weight, torch.ones_like(mask[whole.shape[0] :])])
