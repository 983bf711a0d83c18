"""Format 3: a picture may be written down as looked through, with nothing in it to mark."""

from __future__ import annotations

import sqlite3

TITLE = "Pictures with nothing to mark"


def apply(connection: sqlite3.Connection) -> None:
    """Add the column; of no picture is it known yet."""
    connection.execute("ALTER TABLE images ADD COLUMN checked_empty INTEGER NOT NULL DEFAULT 0")
