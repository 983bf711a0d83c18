"""The steps that bring a project's database from one format to the next, oldest first.

A step is a dated module with a `TITLE` and a pure `apply(connection)`. It speaks SQL only: it imports neither torch nor today's
records, because those move on and the step must not. `STEPS[n]` leads from format n to format n + 1; steps are never changed once
released, only followed by new ones, and tests/formats keeps a project of every format.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from projects import database
from projects.files import unique_path
from projects.migrations import m2026_11_21_checked_empty, m2026_11_21_first_format, m2026_11_21_regions


class Step(Protocol):
    """One dated module of this package."""

    TITLE: str

    def apply(self, connection: sqlite3.Connection) -> None:
        """Change the tables and their content inside the transaction that the caller holds."""


STEPS: tuple[Step, ...] = (m2026_11_21_first_format, m2026_11_21_regions, m2026_11_21_checked_empty)


def newest() -> int:
    """The format that this version of the application writes."""
    return len(STEPS)


def migrate(connection: sqlite3.Connection, path: Path) -> Path | None:
    """Bring the database at `path` to the newest format, after a backup beside it.

    Returns:
        The backup, or None when there was nothing to do.

    Raises:
        sqlite3.Error: a step failed; the database is as it was, and so is the backup.
        OSError: there is no room for the backup; nothing was changed.
    """
    version = database.version_of(connection)
    if version >= newest():
        return None
    backup = unique_path(path.with_name(f"{path.name}.backup-v{version}-{datetime.now(UTC):%Y-%m-%d}"))
    database.back_up(connection, backup)
    run_steps(connection)
    return backup


def run_steps(connection: sqlite3.Connection) -> None:
    """Run the steps that are missing, all of them or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another window may have done it while we waited for the lock.
        for number in range(database.version_of(connection), newest()):
            STEPS[number].apply(connection)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
