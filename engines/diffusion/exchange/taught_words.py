"""Vectors of taught words: inside our own files as metadata, which every reader passes over, and as embedding files for other tools.

A1111 and ComfyUI know an embedding by the name of its file; its tensor is `emb_params` for one text encoder, `clip_l` and `clip_g` for two.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from engines.api.errors import AdapterError

KEY = "lorikeet.words"
_MOST_NUMBERS = 2**18
_ONE, _TWO = ("emb_params",), ("clip_l", "clip_g")

Words = Mapping[str, Sequence[torch.Tensor]]


def pack(words: Words) -> dict[str, str]:
    """Metadata that hold the vectors (k, D) of words for each text encoder; none for no words."""
    if not words:
        return {}
    told = {word: [_packed(vectors) for vectors in parts] for word, parts in words.items()}
    return {KEY: json.dumps(told, ensure_ascii=False, sort_keys=True)}


def unpack(metadata: Mapping[str, str]) -> dict[str, list[torch.Tensor]]:
    """The words in metadata.

    Raises:
        AdapterError: they are damaged.
    """
    if KEY not in metadata:
        return {}
    try:
        told = json.loads(metadata[KEY])
        return {str(word): [_unpacked(part) for part in parts] for word, parts in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        title = "The adapter is damaged"
        raise AdapterError(
            title, "The vectors of its trigger word cannot be read.", "Export or download it again."
        ) from error


def embedding(vectors: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of an embedding file for other tools."""
    names = _ONE if len(vectors) == 1 else _TWO
    return dict(zip(names, vectors, strict=True))


def _packed(vectors: torch.Tensor) -> dict[str, object]:
    data = vectors.detach().cpu().numpy().astype("<f4").tobytes()
    return {"shape": list(vectors.shape), "fp32": base64.b64encode(data).decode("ascii")}


def _unpacked(part: Mapping[str, object]) -> torch.Tensor:
    pieces, width = (int(str(side)) for side in part["shape"])  # type: ignore[attr-defined]
    if not 0 < pieces * width <= _MOST_NUMBERS:
        message = "more numbers than any word has"
        raise ValueError(message)
    values = np.frombuffer(base64.b64decode(str(part["fp32"]), validate=True), dtype="<f4")
    vectors = torch.from_numpy(values.reshape(pieces, width).copy())
    if not bool(torch.isfinite(vectors).all()):
        message = "not finite"
        raise ValueError(message)
    return vectors
