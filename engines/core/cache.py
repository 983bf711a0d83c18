"""Tensors kept between runs under `<project>/cache/`, one safetensors file an entry, named by a hash of everything that changes its content.

Deleting the folder is always safe. Several processes may write at once: each file appears whole or not at all, and equal keys mean equal content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch

from projects.files import atomic_write_bytes

VERSION = 4
"""Part of every key; raised when the content of an entry changes its meaning."""


def key_of(**parts: object) -> str:
    """A file name from named parts; each must have a JSON form."""
    text = json.dumps({"version": VERSION, **parts}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


class TensorCache:
    """Entries of one kind in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        """Where an entry lies or would lie."""
        return self._folder / key[:2] / f"{key}.safetensors"

    def get(self, key: str) -> dict[str, torch.Tensor] | None:
        """An entry; None when it is not there or damaged."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            return load(self.path(key).read_bytes())
        except (OSError, SafetensorError, ValueError):
            return None

    def put(self, key: str, tensors: Mapping[str, torch.Tensor]) -> None:
        """Keep an entry; raises OSError when the disk is full or read-only."""
        from safetensors.torch import save

        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
        atomic_write_bytes(path, save(plain), durable=False)
