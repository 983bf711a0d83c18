"""Reads the header of a safetensors file, and nothing else of it: names, types, shapes and metadata, without torch.

The file may come from anywhere, so every length and offset is checked before it is used. Layout: eight bytes with the length of the header
(little endian), the header as JSON, then the tensors one after the other (safetensors format description).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.api.errors import AdapterError, UserError

BYTES: dict[str, int] = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
MAX_HEADER_BYTES = 25_000_000
MAX_TENSORS = 100_000
_AXES = 8


@dataclass(frozen=True)
class TensorEntry:
    """One tensor as the header describes it; `start` and `end` are byte offsets behind the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class TensorFile:
    """The header of a safetensors file.

    Attributes:
        tensors: entry by tensor name, in the order of the file.
        metadata: the file's own strings.
        data_start: byte at which the tensors begin.
    """

    tensors: Mapping[str, TensorEntry]
    metadata: Mapping[str, str]
    data_start: int


def read_tensor_file(path: Path, *, failure: type[UserError] = AdapterError) -> TensorFile:
    """Read and check the header of `path`.

    Args:
        path: the file.
        failure: which `UserError` to raise.

    Raises:
        UserError: the file is missing, too short, not safetensors, or its header does not fit its size.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            if len(start) < 8:
                raise _damaged(path, failure, "it is too short")
            length = int.from_bytes(start, "little")
            if length > MAX_HEADER_BYTES or length > size - 8:
                raise _damaged(path, failure, "its header does not fit its size")
            raw = file.read(length)
    except OSError as error:
        title = "The file cannot be read"
        raise failure(title, f"{path.name}: {error.strerror or error}.") from error
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, failure, "its header is not readable") from error
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise _damaged(path, failure, "its header is not a list of tensors")
    found = header.pop("__metadata__", None) or {}
    metadata = {str(k): v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}
    space = size - 8 - length
    tensors = {name: _entry(path, failure, name, item, space) for name, item in header.items()}
    return TensorFile(tensors, metadata, 8 + length)


def order_metadata(path: Path) -> None:
    """Put a freshly written file's own strings in order: the library writes them in a random one, and equal content should be equal bytes.

    The header keeps its length, so no tensor moves.
    """
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        metadata = header.pop("__metadata__", {})
        ordered = {"__metadata__": dict(sorted(metadata.items())), **header} if metadata else header
        text = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        if len(text) <= length:
            file.seek(8)
            file.write(text.ljust(length))


def _entry(path: Path, failure: type[UserError], name: str, item: Any, space: int) -> TensorEntry:  # noqa: ANN401 - parsed JSON
    problem = _damaged(path, failure, f"the entry “{name[:80]}” is not right")
    if not isinstance(item, dict):
        raise problem
    dtype, shape, offsets = item.get("dtype"), item.get("shape"), item.get("data_offsets")
    if dtype not in BYTES or not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2:
        raise problem
    numbers = [*shape, *offsets]
    if len(shape) > _AXES or not all(type(n) is int and 0 <= n < 2**48 for n in numbers):
        raise problem
    start, end = offsets
    if not start <= end <= space or end - start != math.prod(shape) * BYTES[dtype]:
        raise problem
    return TensorEntry(dtype, tuple(shape), start, end)


def _damaged(path: Path, failure: type[UserError], why: str) -> UserError:
    title = "The file is damaged or not a safetensors file"
    return failure(title, f"{path.name}: {why}.", "Download or export it again.")
