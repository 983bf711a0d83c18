"""Composed pictures of a project: each result is a folder `compositions/<id>` with its recipe and its pictures.

What is taken away is only renamed, so that it can be taken back; `tidy` deletes it for good once nobody can want it any more.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from projects.change import Change
from projects.errors import ProjectError
from projects.files import is_temporary, replace, unique_path

if TYPE_CHECKING:
    from projects.project import Project

HOME = "compositions"
RECIPE = "recipe.json"
_REMOVED = ".removed-"
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,79}")
_KEPT_S = 24 * 3600.0


def home(root: Path) -> Path:
    """Where the results of a project lie."""
    return root / HOME


def new_folder(root: Path, *, created: float) -> Path:
    """Make a folder for a result begun at `created` (seconds since 1970).

    Raises:
        ProjectError: it cannot be made.
    """
    name = dt.datetime.fromtimestamp(created).astimezone().strftime("%Y-%m-%d-%H%M%S")
    try:
        home(root).mkdir(exist_ok=True)
        folder = unique_path(home(root) / name)
        folder.mkdir()
    except OSError as error:
        raise ProjectError(
            "The pictures have nowhere to go",
            f"A folder in {home(root)} could not be made ({error.strerror or error}).",
            "Check the free space and the folder's permissions.",
        ) from error
    return folder


def folders(root: Path) -> list[Path]:
    """The results that were not taken away, the newest first."""
    try:
        found = [path for path in home(root).iterdir() if _ID.fullmatch(path.name) and path.is_dir()]
    except OSError:
        return []
    return sorted(found, key=lambda path: path.name, reverse=True)


def remove(project: Project, result: str) -> Change:
    """Take a result away; the inverse brings it back.

    Raises:
        ProjectError: the project may not be changed, or the folder cannot be renamed.
    """
    return _renamed(
        project, result, f"{_REMOVED}{result}", "Delete a result", back=functools.partial(bring_back, result=result)
    )


def bring_back(project: Project, result: str) -> Change:
    """Bring a result back that was taken away; see `remove`."""
    return _renamed(
        project, f"{_REMOVED}{result}", result, "Bring a result back", back=functools.partial(remove, result=result)
    )


def tidy(root: Path, *, now: float | None = None) -> None:
    """Delete what was taken away a day ago or longer; no history of a window reaches as far back."""
    limit = (time.time() if now is None else now) - _KEPT_S
    with suppress(OSError):
        for path in list(home(root).iterdir()):
            gone = path.name.startswith(_REMOVED) or is_temporary(path.name)
            if gone and path.is_dir() and path.stat().st_mtime < limit:
                shutil.rmtree(path, ignore_errors=True)


def _renamed(project: Project, name: str, into: str, title: str, *, back: functools.partial[Change]) -> Change:
    result = name.removeprefix(_REMOVED)
    with project.transaction():  # refuses where the project may only be read
        if not _ID.fullmatch(result):
            raise ProjectError("There is no such result", f"“{result}” is not the name of one.")
        try:
            source = home(project.root) / name
            replace(source, home(project.root) / into)
            with suppress(OSError):
                (home(project.root) / into).touch()
        except OSError as error:
            raise ProjectError(
                "The result could not be moved",
                f"{name}: {error.strerror or error}.",
                "It may be open in another program.",
            ) from error
    return Change(frozenset({"compositions"}), title, (result,), back)
