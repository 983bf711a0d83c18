"""How benches start the window: in a home of its own, and without a screen where there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def environment(home: Path) -> dict[str, str]:
    """The environment of a window that shall touch nothing of the person's own."""
    found = {**os.environ, "LORIKEET_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    # A person's Python keeps what it compiled; a shell set up for tests may forbid that, and would measure the compiler.
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not screen:
        found["QT_QPA_PLATFORM"] = "offscreen"
    return found
