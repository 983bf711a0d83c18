"""Dropping files anywhere on the window: pictures go to the open project (or a new one), a project's folder is opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData

from gui import opening

if TYPE_CHECKING:
    from gui.services import Services

_PROJECT_FILE = "project.db"
_FIRST_NAME = "My first subject"


def dropped_paths(data: QMimeData) -> tuple[Path, ...]:
    """The local files and folders of a drag."""
    return tuple(Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile() and url.toLocalFile())


def has_pixels(data: QMimeData) -> bool:
    """Whether the drag or the clipboard carries something that Images can take."""
    return bool(dropped_paths(data)) or data.hasImage()


def is_project(paths: tuple[Path, ...]) -> bool:
    """Whether these are one project and nothing else."""
    return len(paths) == 1 and (paths[0].name == _PROJECT_FILE or (paths[0] / _PROJECT_FILE).is_file())


def take(services: Services, paths: tuple[Path, ...]) -> None:
    """Do what was meant by dropping these."""
    if is_project(paths):
        opening.open_path(services, paths[0], then=lambda: services.navigate("images"))
        return
    if services.session.project is None:
        opening.create_named(services, _name_for(paths), then=lambda: services.ask_import(paths))
        return
    services.ask_import(paths)


def _name_for(paths: tuple[Path, ...]) -> str:
    """A folder gives the new project its name; loose pictures do not know theirs."""
    return paths[0].name if len(paths) == 1 and paths[0].is_dir() else _FIRST_NAME
