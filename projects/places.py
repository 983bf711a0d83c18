"""Where the user's own things lie outside any project: what may be deleted at any time."""

from __future__ import annotations

import os
from pathlib import Path

APP = "lorikeet"


def cache_home() -> Path:
    """Folder of what may be deleted at any time: thumbnails, latents, the catalog; `LORIKEET_HOME` overrides it."""
    override = os.environ.get("LORIKEET_HOME")
    if override:
        return Path(override) / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir(APP, appauthor=False))
