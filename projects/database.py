"""Opening a project's SQLite file and putting its failures into words.

The file is in WAL mode, so that two windows and an import can use it at once, and every commit reaches the disk before it counts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from projects.errors import ProjectError

NAME = "project.db"
# "LKET": lets us tell our files from any other SQLite file.
APPLICATION_ID = 0x4C4B4554
BUSY_TIMEOUT_S = 5.0


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the database at `path`; the connection runs no transaction by itself.

    Raises:
        sqlite3.Error: the file cannot be opened or is no database.
    """
    if not read_only:
        connection = _open(f"{path.resolve().as_uri()}?mode=rw")
        # Switching the mode needs no lock when it is WAL already, and one when it is not: two windows may meet here.
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = FULL")
        return connection
    connection = _open(f"{path.resolve().as_uri()}?mode=ro")
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        # A WAL database in a folder that cannot be written to opens only when SQLite need not make its side files.
        connection.close()
        connection = _open(f"{path.resolve().as_uri()}?mode=ro&immutable=1")
    return connection


def _open(uri: str) -> sqlite3.Connection:
    # One connection serves one thread; the check is off only so that closing the project can close them all.
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the database at `path` into a `ProjectError` that names the remedy."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error


def explain(error: sqlite3.Error, path: Path) -> ProjectError:
    """Say what SQLite's `error` means for the person whose project lies at `path`."""
    if isinstance(error, sqlite3.ProgrammingError):
        # Python's own complaint, not SQLite's: the connection was closed by another thread.
        return ProjectError("The project is closed", "It was closed while something still worked on it.")
    code = getattr(error, "sqlite_errorcode", None)
    kind = code & 0xFF if isinstance(code, int) else -1
    if kind == sqlite3.SQLITE_FULL:
        return ProjectError(
            "The disk is full",
            "The change could not be saved; nothing was half-written.",
            "Free some space on the disk of the project and try again.",
        )
    if kind in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ProjectError(
            "The project is busy",
            "Another window has been writing to it for several seconds.",
            "Wait a moment and try again.",
        )
    if kind in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}:
        return ProjectError(
            "The project cannot be written to",
            f"The file {path.name} or its folder is protected.",
            "Check the folder's permissions, or copy the project to another place.",
        )
    if kind == sqlite3.SQLITE_IOERR:
        return ProjectError(
            "The disk reported an error",
            f"{path.name} could not be read or written ({error}).",
            "Check that the disk is connected and healthy.",
        )
    if kind == sqlite3.SQLITE_ERROR:
        return ProjectError(
            "The project does not answer",
            f"Its format is not the one this version of Lorikeet knows ({error}).",
            "Open it with the version that wrote it.",
        )
    return damaged(path, str(error))


def damaged(path: Path, detail: str) -> ProjectError:
    """The failure for a database that cannot be trusted, with the way back that this project has."""
    backups = sorted(path.parent.glob(f"{path.name}.backup-*"), key=lambda backup: backup.stat().st_mtime)
    if backups:
        hint = f"Put the project's file {path.name} aside and rename {backups[-1].name}, its newest backup, to {path.name}."
    else:
        hint = "Restore the folder from a backup, or make a new project and import the folder images/ of this one."
    return ProjectError(
        "The project's database is damaged",
        f"{path.name} cannot be read ({detail}). The pictures in images/ are not affected.",
        hint,
    )


def version_of(connection: sqlite3.Connection) -> int:
    """The format's number, as stored in the file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def looks_whole(connection: sqlite3.Connection) -> str:
    """Return an empty string when the database passes SQLite's quick check, else its first complaint."""
    verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if verdict == "ok" else verdict


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the whole database, WAL included, to `target`, which appears only when complete."""
    from projects.files import atomic_path

    with atomic_path(target) as temporary:
        copy = sqlite3.connect(temporary)
        try:
            connection.backup(copy)
        finally:
            copy.close()
