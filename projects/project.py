"""The open project: one folder with its database, pictures, masks, runs and adapters.

A project may be used from any thread (each has its own connection) and by several windows at once. Edits live in `projects.edits`,
questions in `projects.queries`; this file only opens, guards and closes.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from projects import database, migrations, upkeep
from projects.errors import ProjectError, ReadOnlyError
from projects.files import atomic_path, is_temporary, is_writable
from projects.upkeep import Tidied

FOLDERS = ("images", "masks", "runs", "adapters", "exports")
NAME_KEY = "project.name"
SqlValue = str | int | float | None


class Project:
    """An open project. Make one with `Project.create` or `Project.open`.

    Attributes:
        root: the project's folder.
        read_only: it may be looked at but not changed; `read_only_reason` says why in a sentence.
        migrated_backup: the backup made because an older format was brought up to date, if any.
        tidied: what opening found out of step between the folder and the database.
    """

    def __init__(self, root: Path, *, read_only_reason: str = "", migrated_backup: Path | None = None) -> None:
        self.root = root
        self.read_only_reason = read_only_reason
        self.migrated_backup = migrated_backup
        self.tidied = Tidied()
        self._local = threading.local()
        self._guard = threading.Lock()
        self._connections: dict[threading.Thread, sqlite3.Connection] = {}
        self._closed = False

    @classmethod
    def create(cls, root: Path, name: str) -> Project:
        """Make a new project in `root`, which must be missing or empty, and open it.

        Raises:
            ProjectError: the folder holds something already, or cannot be written to.
        """
        root = Path(root).absolute()
        if root.exists() and not _is_free(root):
            raise ProjectError(
                "The folder is not empty",
                f"{root.name} holds other files already.",
                "Choose a new name or an empty folder; a project has a folder of its own.",
            )
        try:
            for folder in FOLDERS:
                (root / folder).mkdir(parents=True, exist_ok=True)
            with atomic_path(root / database.NAME) as temporary, closing(sqlite3.connect(temporary)) as connection:
                connection.isolation_level = None
                connection.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
                migrations.run_steps(connection)
                connection.execute(
                    "INSERT INTO settings VALUES (?, ?)", (NAME_KEY, json.dumps(name.strip() or root.name))
                )
        except (OSError, sqlite3.OperationalError) as error:
            _remove_empty(root)
            raise ProjectError(
                "The project cannot be made here",
                f"{root} could not be written to ({error}).",
                "Choose another folder, or check its permissions and the free space.",
            ) from error
        return cls.open(root)

    @classmethod
    def open(cls, root: Path) -> Project:
        """Open the project in `root` (or the project whose `project.db` that is), bringing an older format up to date.

        A project of a newer version, or in a folder that cannot be written to, opens read-only.

        Raises:
            ProjectError: there is no project, or its database is damaged; the hint names the way back.
        """
        root = Path(root).absolute()
        root = root.parent if root.name == database.NAME else root
        path = root / database.NAME
        if not path.is_file():
            raise ProjectError(
                "There is no project here",
                f"{root.name or root} holds no {database.NAME}.",
                "Open a folder that was made with New project.",
            )
        with database.in_words(path):
            reason = "" if is_writable(root) else "Its folder cannot be written to, or its disk is full."
            reason = reason or _reason_of_version(path)
            backup = None if reason else _prepare(path)
        project = cls(root, read_only_reason=reason, migrated_backup=backup)
        try:
            project.connection()
        except ProjectError:
            project.close()
            raise
        # A newer format may not know our questions, and another window may be busy: neither is a reason not to open.
        with suppress(ProjectError):
            project.tidied = upkeep.tidy(project)
            if not project.read_only:
                upkeep.purge(project)
        return project

    @property
    def read_only(self) -> bool:
        """Whether edits are refused."""
        return bool(self.read_only_reason)

    @property
    def name(self) -> str:
        """What the person calls the project."""
        found = self.rows("SELECT value FROM settings WHERE key = ?", (NAME_KEY,))
        return str(json.loads(found[0]["value"])) if found else self.root.name

    def path(self, relative: str) -> Path:
        """Return the place of a stored relative path.

        Raises:
            ProjectError: the path would leave the project's folder, by its words or through a link.
        """
        pure = PurePosixPath(relative)
        if not relative or pure.is_absolute() or ".." in pure.parts or "\\" in relative or ":" in relative:
            raise ProjectError(
                "The project's database is damaged", f"It names a file outside the project: {relative!r}."
            )
        path = self.root.joinpath(*pure.parts)
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise ProjectError(
                "A link leads out of the project",
                f"{relative} does not lie in the project's folder.",
                "Put the files themselves into the project instead of a link to them.",
            )
        return path

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, opened on first use.

        Raises:
            ProjectError: the project was closed, or the database cannot be opened.
        """
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is not None and not self._closed:
            return found
        if self._closed:
            raise ProjectError("The project is closed", "It was closed while something still worked on it.")
        with database.in_words(self.root / database.NAME):
            fresh = database.connect(self.root / database.NAME, read_only=self.read_only)
        self._local.connection = fresh
        self._local.depth = 0
        with self._guard:
            for thread in [thread for thread in self._connections if not thread.is_alive()]:
                self._connections.pop(thread).close()
            self._connections[threading.current_thread()] = fresh
        return fresh

    def rows(self, sql: str, values: Sequence[SqlValue] | Mapping[str, SqlValue] = ()) -> list[sqlite3.Row]:
        """Answer one question in SQL.

        Raises:
            ProjectError: the database is damaged, busy, or of a newer format that does not know the question.
        """
        connection = self.connection()
        with database.in_words(self.root / database.NAME):
            return connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything done in the block counts together or not at all. An inner block belongs to the outer one.

        Raises:
            ReadOnlyError: the project may not be changed.
            ProjectError: the disk is full or another window holds the project; nothing was changed.
        """
        if self.read_only:
            raise ReadOnlyError(
                "The project cannot be changed",
                self.read_only_reason,
                "Copy the project to another place to work on it.",
            )
        connection = self.connection()
        with database.in_words(self.root / database.NAME):
            if self._local.depth == 0:
                connection.execute("BEGIN IMMEDIATE")
            self._local.depth += 1
            try:
                yield connection
                if self._local.depth == 1:
                    connection.execute("COMMIT")
            except BaseException:
                if self._local.depth == 1 and connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._local.depth -= 1

    def data_version(self) -> int:
        """A number that differs from this thread's last one when another thread or window has changed the project."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def close(self) -> None:
        """Close every thread's connection; using the project afterwards is a `ProjectError`."""
        with self._guard:
            self._closed = True
            connections: Iterable[sqlite3.Connection] = list(self._connections.values())
            self._connections.clear()
        for connection in connections:
            with suppress(sqlite3.Error):
                connection.close()

    def __enter__(self) -> Self:
        """Give the project itself; it is closed when the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the project."""
        self.close()


def _is_free(root: Path) -> bool:
    """Whether a project may be made here: nothing lies here but what an attempt that was cut short left behind."""
    if not root.is_dir():
        return False
    leftovers = (path for path in root.iterdir() if not is_temporary(path.name))
    return all(path.name in FOLDERS and path.is_dir() and not any(path.iterdir()) for path in leftovers)


def _remove_empty(root: Path) -> None:
    for folder in (*(root / name for name in FOLDERS), root):
        with suppress(OSError):
            folder.rmdir()


def _reason_of_version(path: Path) -> str:
    with closing(database.connect(path, read_only=True)) as connection:
        if int(connection.execute("PRAGMA application_id").fetchone()[0]) != database.APPLICATION_ID:
            raise database.damaged(path, "it was not written by Lorikeet")
        if database.version_of(connection) > migrations.newest():
            return "It was written by a newer version of Lorikeet; update to change it."
    return ""


def _prepare(path: Path) -> Path | None:
    with closing(database.connect(path)) as connection:
        complaint = database.looks_whole(connection)
        if complaint:
            raise database.damaged(path, complaint)
        try:
            backup = migrations.migrate(connection, path)
        except OSError as error:
            raise ProjectError(
                "The project could not be brought up to date",
                f"There was no room for the backup that is made first ({error}).",
                "Free some space and open the project again; it was not changed.",
            ) from error
    for folder in FOLDERS:
        with suppress(OSError):
            (path.parent / folder).mkdir(exist_ok=True)
    return backup
