"""Embeddings of pictures, looked at once: in memory up to a number of bytes, and on disk where there is a folder for them.

An embedding is named by what it is made of: the picture's pixels as a person sees them (not its file's name or bytes), the model, the adapter
where it changes what the model sees, and how pictures are prepared. So nothing stale is ever found, and equal pictures share one.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from engines.segmentation.frames import Floats
from projects.pixels import load_rgb

PREPARATION = "longest side, bilinear, ImageNet's mean, zeros right and below"
MOST_BYTES = 256 * 2**20
_KNOWN_PICTURES = 4096
_NAME = "embedding"


@dataclass(frozen=True)
class Seen:
    """A picture file as it was when it was read: sha256 over its size and upright RGB pixels, `width` and `height` upright."""

    sha256: str
    width: int
    height: int


class Pictures:
    """Knows pictures again by their pixels, and reads a file again only when it has changed. May be used by several threads."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, int, int], Seen] = OrderedDict()
        self._lock = threading.Lock()

    def look(self, file: Path) -> tuple[Seen, Image.Image | None]:
        """What a file shows, and its pixels (upright 8-bit RGB) where it had to be read.

        Raises:
            ImportFailure: missing, damaged, too large, or no picture.
        """
        name = _identity(file)
        with self._lock:
            if name in self._seen:
                self._seen.move_to_end(name)
                return self._seen[name], None
        picture = load_rgb(file)
        seen = _seen(picture)
        with self._lock:
            self._seen[name] = seen
            if len(self._seen) > _KNOWN_PICTURES:
                self._seen.popitem(last=False)
        return seen, picture


def _identity(file: Path) -> tuple[str, int, int]:
    """What tells that a file is the one that was read; of one that is missing, reading says so in words."""
    try:
        stat = file.stat()
    except OSError:
        return str(file), -1, -1
    return str(file), stat.st_mtime_ns, stat.st_size


def _seen(picture: Image.Image) -> Seen:
    digest = hashlib.sha256(f"{picture.width} x {picture.height}".encode())
    digest.update(np.ascontiguousarray(picture).data)
    return Seen(digest.hexdigest(), picture.width, picture.height)


def embedding_key(seen: Seen, base: str, adapter: str) -> str:
    """The name of a picture's embedding; `base` and `adapter` are hashes."""
    from engines.core.cache import key_of

    return key_of(what=_NAME, picture=seen.sha256, model=base, adapter=adapter, preparation=PREPARATION)


class Embeddings:
    """Those at hand: the ones asked for last, up to `most_bytes`. May be used by several threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._held: OrderedDict[str, Floats] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, folder: Path | None) -> Floats | None:
        """An embedding (1, C, g, g) from memory or from the folder; None when it is in neither."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        if folder is None:
            return None
        from engines.core.cache import TensorCache

        entry = TensorCache(folder).get(key)
        if entry is None or _NAME not in entry:
            return None
        found: Floats = entry[_NAME].numpy()
        self._hold(key, found)
        return found

    def put(self, key: str, embedding: Floats, folder: Path | None) -> None:
        """Keep an embedding. That the disk is full or may not be written to is no reason to answer nothing."""
        self._hold(key, embedding)
        if folder is not None:
            import torch

            from engines.core.cache import TensorCache

            with suppress(OSError):
                TensorCache(folder).put(key, {_NAME: torch.from_numpy(embedding)})

    def release(self) -> None:
        """Forget those in memory."""
        with self._lock:
            self._held.clear()

    @property
    def bytes(self) -> int:
        """How much memory they take."""
        return sum(one.nbytes for one in self._held.values())

    def _hold(self, key: str, embedding: Floats) -> None:
        with self._lock:
            self._held[key] = embedding
            self._held.move_to_end(key)
            while self.bytes > self._most and len(self._held) > 1:
                self._held.popitem(last=False)
