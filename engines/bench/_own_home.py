"""Keeps what a bench leaves in caches out of the person's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_home(folder: Path) -> Iterator[None]:
    """Inside, settings, models and caches of this process lie in `folder`."""
    before = os.environ.get("LORIKEET_HOME")
    os.environ["LORIKEET_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["LORIKEET_HOME"]
        else:
            os.environ["LORIKEET_HOME"] = before
