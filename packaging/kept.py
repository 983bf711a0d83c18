"""Environments kept in a cache folder, one for each state of the dependencies, shared by every checkout on the machine.

An environment weighs several gigabytes, so those of former dependencies go. But one that nobody needs here may be at work in another checkout at
this moment, so only those go that were not used for some days; each use leaves its date.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

PREFIX = "env-"
USED = "last-used"
KEPT_DAYS = 4


def folder(cache: Path, key: str) -> Path:
    """Where the environment with this key lies in a cache."""
    return cache / (PREFIX + key)


def mark_used(environment: Path) -> None:
    """Leave today's date in an environment; one that may not be written cannot be removed by us either."""
    try:
        (environment / USED).touch()
    except OSError:
        return


def tidy(cache: Path, *, keep: Path) -> list[Path]:
    """Remove the environments of a cache that nobody used for `KEPT_DAYS` days, other than `keep`; returns those that went."""
    oldest = time.time() - KEPT_DAYS * 86_400
    found = sorted(cache.glob(PREFIX + "*")) if cache.is_dir() else []
    unused = [path for path in found if path.is_dir() and path != keep and _touched(path) < oldest]
    for path in unused:
        shutil.rmtree(path, ignore_errors=True)
    return unused


def _touched(environment: Path) -> float:
    """When something at the top of an environment last changed: its date of use, or the log of a set-up that is at work."""
    try:
        return max(path.stat().st_mtime for path in (environment, *environment.iterdir()))
    except OSError:  # going, or not ours to look into
        return time.time()
