"""Which base model a run was begun with, kept in its folder (`base.json`): every later life works on the very same one.

A base from a hub is kept by the commit that was fetched first, so that a model renewed under its name changes no run that has begun.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engines.api.errors import JobError
from engines.diffusion.contracts import Base
from projects.files import atomic_write_json

FILE = "base.json"


def address(run: Path, base: str) -> str:
    """What to open for a run whose job names `base`: the same, or the commit of it that the run was begun with."""
    known = _read(run).get("source")
    return known if isinstance(known, str) and base.startswith("hub:") and known.startswith("hub:") else base


def keep(run: Path, base: str, opened: Base) -> None:
    """Write down what a run is begun with; in a later life see that it is the same.

    Raises:
        JobError: the base has changed since the run's first life.
    """
    known = _read(run).get("base_hash")
    if known is None:
        atomic_write_json(run / FILE, {"base": base, "source": opened.info.source, "base_hash": opened.info.base_hash})
    elif known != opened.info.base_hash:
        title = "The base model has changed"
        what = f"“{opened.info.title}” is not the model this run was begun with."
        raise JobError(title, what, "Put the old one back, or start a new run.")


def _read(run: Path) -> dict[str, Any]:
    try:
        found = json.loads((run / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
