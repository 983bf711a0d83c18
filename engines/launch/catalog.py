"""The catalog as the window gets it: printed once by `python -m engines describe`, then read from a file kept by version."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from pydantic import ValidationError

from engines.api.catalog import Catalog
from engines.api.places import cache_home
from engines.launch.local import checkout
from projects.files import atomic_write_text

_LIMIT_BYTES = 16 * 2**20
# What the catalog is made from: a changed file makes it stale, also where the version number stays.
_SOURCES = (
    "engines/api",
    "engines/diffusion",
    "engines/diffusion/methods",
    "engines/diffusion/backbones",
    "engines/diffusion/erasers",
    "engines/segmentation",
    "engines/segmentation/tuners",
)


def cache_path() -> Path:
    """Where the catalog of this very code is kept."""
    return cache_home() / f"catalog-{_fingerprint()}.json"


def load_cached() -> Catalog | None:
    """The kept catalog; None when there is none for this code, or it is damaged."""
    path = cache_path()
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            return None
        return Catalog.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def store(text: str | bytes) -> Catalog:
    """Check and keep what `describe` printed; older versions' files are removed.

    Raises:
        pydantic.ValidationError: it is no catalog.
    """
    catalog = Catalog.model_validate_json(text)
    path = cache_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_text(path, catalog.model_dump_json(), durable=False)
    for other in path.parent.glob("catalog-*.json"):
        if other != path:
            other.unlink(missing_ok=True)
    return catalog


def describe_command() -> list[str]:
    """The command that prints the catalog as JSON; run it in `engines.launch.local.checkout()`."""
    return [sys.executable, "-m", "engines", "describe"]


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((checkout() / folder).glob("*.py")):
            status = path.stat()
            digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
