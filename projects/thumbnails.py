"""Small copies of pictures, kept in the user's cache and made again when they are missing."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

from PIL import Image as PillowImage

from projects.files import atomic_write_bytes
from projects.pixels import read
from projects.places import cache_home
from projects.project import Project
from projects.records import Image

EDGE = 256
_QUALITY = 85


def thumbnail(project: Project, image: Image, edge: int = EDGE) -> Path:
    """Return a JPEG of `image` whose long side is at most `edge` pixels; made now unless the cache has it.

    Raises:
        ImportFailure: the picture's file is missing or damaged.
        OSError: the cache cannot be written to.
    """
    place = cached(image.sha256, edge)
    if not place.is_file():
        source = project.path(image.file)
        store(read(source, at_least=edge).rgb, image.sha256, edge)
    return place


def cached(sha256: str, edge: int = EDGE) -> Path:
    """Where the thumbnail of a file with this content lies, if it was made."""
    return cache_home() / "thumbnails" / sha256[:2] / f"{sha256}-{edge}.jpg"


def store(rgb: PillowImage.Image, sha256: str, edge: int = EDGE) -> None:
    """Make the thumbnail from pixels that are at hand.

    Raises:
        OSError: the cache cannot be written to.
    """
    scale = min(1.0, edge / max(rgb.size))
    size = (max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale)))
    small = rgb.resize(size, PillowImage.Resampling.BICUBIC, reducing_gap=2.0)
    data = io.BytesIO()
    small.save(data, "JPEG", quality=_QUALITY)
    place = cached(sha256, edge)
    place.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(place, data.getvalue(), durable=False)


def store_if_possible(rgb: PillowImage.Image, sha256: str, edge: int = EDGE) -> None:
    """As `store`; a cache that cannot be written to is no reason to stop an import."""
    with suppress(OSError):
        store(rgb, sha256, edge)
