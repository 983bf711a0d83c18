"""Weight files of models: reading them without running anything in them, plain words when they are damaged, and their hashes."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engines.api.errors import ModelError
from engines.api.places import cache_home
from engines.core.guard import is_memory_shortage
from projects.files import atomic_write_text

if TYPE_CHECKING:
    import torch

PICKLES = frozenset({".ckpt", ".pt", ".pth", ".bin"})
"""Endings of files in torch's own format, which is read as weights only."""
_BLOCK = 1 << 22


@contextmanager
def plain_failures(model: str, part: str) -> Iterator[None]:
    """Turn what the libraries raise about a damaged model into a ModelError."""
    import pickle

    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, pickle.UnpicklingError) as error:
        if is_memory_shortage(error):
            raise  # its remedy is another one
        title = "The base model could not be loaded"
        first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise ModelError(title, f"“{model}”, part {part}: {first}", "Fetch the base model again.") from error


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a checkpoint file by name, on the CPU; torch's own format is mapped where it can be.

    Raises:
        ModelError: damaged, truncated, or holding something else than tensors by name.
    """
    with plain_failures(path.name, "weights"):
        if path.suffix.lower() not in PICKLES:
            from safetensors.torch import load_file

            return load_file(path)
        import torch

        mapped = zipfile.is_zipfile(path)  # files of before 2020 are not, and cannot be mapped
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        found = found.get("state_dict", found) if isinstance(found, dict) else found
        if not isinstance(found, dict):
            message = "it holds no weights by name"
            raise TypeError(message)
        return {str(name): tensor for name, tensor in found.items() if isinstance(tensor, torch.Tensor)}


def sha256_of(path: Path) -> str:
    """sha256 of a file, remembered under the user's cache by size and time of change, since base models are large."""
    stat = path.stat()
    key = hashlib.sha256(f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}".encode()).hexdigest()[:32]
    known = cache_home() / "hashes" / key
    try:
        text = known.read_text(encoding="ascii").strip()
        if len(text) == 64:
            return text
    except OSError:
        pass
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    with suppress(OSError):  # remembering is a convenience
        known.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_text(known, digest.hexdigest(), durable=False)
    return digest.hexdigest()


def joint_hash(parts: Iterable[str]) -> str:
    """sha256 over several hashes or texts, in order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()
