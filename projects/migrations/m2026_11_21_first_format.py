"""Format 1: concepts, pictures, runs and settings.

Rows are not deleted by the person's edits but marked as removed, so that undo brings them back with everything that refers to them.
"""

from __future__ import annotations

import sqlite3

TITLE = "First format"

_TABLES = (
    """
    CREATE TABLE concepts (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        trigger TEXT NOT NULL,
        class_noun TEXT NOT NULL,
        position INTEGER NOT NULL,
        removed REAL
    ) STRICT
    """,
    """
    CREATE TABLE images (
        id TEXT PRIMARY KEY,
        concept_id TEXT NOT NULL REFERENCES concepts (id),
        file TEXT NOT NULL UNIQUE,
        original_name TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        look TEXT NOT NULL,
        colours TEXT NOT NULL,
        caption TEXT NOT NULL,
        mask TEXT,
        repeats INTEGER NOT NULL,
        flags TEXT NOT NULL,
        twin TEXT,
        position INTEGER NOT NULL,
        added REAL NOT NULL,
        removed REAL
    ) STRICT
    """,
    "CREATE INDEX images_of_concept ON images (concept_id, position)",
    "CREATE INDEX images_by_content ON images (sha256)",
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        concept_id TEXT REFERENCES concepts (id),
        title TEXT NOT NULL,
        created REAL NOT NULL,
        note TEXT NOT NULL,
        favourite INTEGER NOT NULL,
        removed REAL
    ) STRICT
    """,
    """
    CREATE TABLE settings (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT
    """,
)


def apply(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty project."""
    for table in _TABLES:
        connection.execute(table)
