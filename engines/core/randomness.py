"""Every random state a run depends on: Python's, numpy's, torch's on the processor and on the device."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class RandomStates:
    """A snapshot. `plain` is JSON-serialisable, `tensors` are byte tensors by name."""

    plain: dict[str, Any]
    tensors: dict[str, torch.Tensor]


def seed_all(seed: int) -> None:
    """Begin every random stream anew."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - libraries draw from the global generator
    torch.manual_seed(seed)


def capture() -> RandomStates:
    """Take a snapshot of every stream."""
    version, words, following = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002 - see above
    tensors = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        for index, state in enumerate(torch.cuda.get_rng_state_all()):
            tensors[f"cuda.{index}"] = state
    if torch.backends.mps.is_available():
        tensors["mps"] = torch.mps.get_rng_state()
    plain = {
        "python": [version, list(words), following],
        "numpy": [str(name), np.asarray(keys).tolist(), int(position), int(has_gauss), float(cached)],
    }
    return RandomStates(plain, tensors)


def restore(states: RandomStates) -> None:
    """Put a snapshot back; streams of devices that are not here are left alone."""
    _restore_plain(states.plain)
    torch.set_rng_state(states.tensors["torch"])
    if torch.cuda.is_available():
        for name, state in states.tensors.items():
            kind, _, index = name.partition(".")
            if kind == "cuda" and int(index) < torch.cuda.device_count():
                torch.cuda.set_rng_state(state, int(index))
    if "mps" in states.tensors and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states.tensors["mps"])


def _restore_plain(plain: Mapping[str, Any]) -> None:
    version, words, following = plain["python"]
    random.setstate((version, tuple(words), following))
    name, keys, position, has_gauss, cached = plain["numpy"]
    state = (name, np.asarray(keys, dtype=np.uint32), position, has_gauss, cached)
    np.random.set_state(state)  # noqa: NPY002 - see above


@contextmanager
def undisturbed() -> Iterator[None]:
    """Whatever happens inside, the streams go on afterwards as if it had not."""
    before = capture()
    try:
        yield
    finally:
        restore(before)
