"""The person's own settings, as one small JSON file that heals itself: a broken file or value counts as not being there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal, cast, get_args

from engines.api import places
from gui.theme.theme import MODES, Mode
from projects.files import atomic_write_json

Startup = Literal["last", "home"]
Answer = Literal["yes", "no"]


@dataclass(frozen=True)
class Values:
    """What can be set.

    Attributes:
        theme: light, dark or as the system has it.
        projects_folder: where new projects go; empty for the usual place.
        startup: open the last project again, or begin at Home.
        evaluate: whether before and after of every training are measured in the background.
    """

    theme: Mode = "system"
    projects_folder: str = ""
    startup: Startup = "last"
    evaluate: Answer = "yes"


class Preferences:
    """Reads the settings once and writes each change at once."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or places.state_home() / "preferences.json"
        self.values = _healed(read_json(self.path))

    def set(self, **changes: str) -> None:
        """Change settings.

        Raises:
            TypeError: there is no setting of that name.
            OSError: the file cannot be written; the change holds for this session.
        """
        self.values = _healed({**asdict(self.values), **asdict(replace(self.values, **changes))})  # type: ignore[arg-type] # healed to what is allowed
        self.path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_json(self.path, asdict(self.values))

    def projects_folder(self) -> Path:
        """Where new projects go."""
        chosen = self.values.projects_folder
        return Path(chosen) if chosen else default_projects_folder()


def default_projects_folder() -> Path:
    """The usual place of new projects: where people look for their own files."""
    import os

    if os.environ.get("LORIKEET_HOME"):
        return places.data_home() / "projects"
    import platformdirs

    return Path(platformdirs.user_documents_dir()) / "Lorikeet"


def read_json(path: Path) -> object:
    """The content of a small JSON file; None when it is missing, unreadable, broken or absurdly large."""
    try:
        if path.stat().st_size > 1_000_000:
            return None
        return cast("object", json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return None


def _healed(found: object) -> Values:
    values = Values()
    if not isinstance(found, dict):
        return values
    for field in fields(Values):
        value = found.get(field.name)
        allowed = {"theme": MODES, "startup": get_args(Startup), "evaluate": get_args(Answer)}.get(field.name)
        if isinstance(value, str) and (allowed is None or value in allowed):
            values = replace(values, **{field.name: value})  # type: ignore[arg-type] # checked in the line before
    return values
