"""Format 2: labels and regions, pictures that belong to no concept, and the part of a training that a picture plays.

A picture to segment belongs to no concept, so `images.concept_id` may be empty now; SQLite changes that only by making the table anew.
"""

from __future__ import annotations

import sqlite3

TITLE = "Labels and regions"

_KEPT = (
    "id, concept_id, file, original_name, size_bytes, width, height, sha256, look, colours, caption, mask, repeats, flags, twin, position,"
    " added, removed"
)
_STATEMENTS = (
    """
    CREATE TABLE images_next (
        id TEXT PRIMARY KEY,
        concept_id TEXT REFERENCES concepts (id),
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
        removed REAL,
        split TEXT,
        split_by_hand INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    f"INSERT INTO images_next ({_KEPT}) SELECT {_KEPT} FROM images",  # noqa: S608 - no input in it
    "DROP TABLE images",
    "ALTER TABLE images_next RENAME TO images",
    "CREATE INDEX images_of_concept ON images (concept_id, position)",
    "CREATE INDEX images_by_content ON images (sha256)",
    """
    CREATE TABLE labels (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        colour TEXT NOT NULL,
        position INTEGER NOT NULL,
        removed REAL
    ) STRICT
    """,
    """
    CREATE TABLE regions (
        id TEXT PRIMARY KEY,
        image_id TEXT NOT NULL REFERENCES images (id),
        label_id TEXT NOT NULL REFERENCES labels (id),
        counts TEXT NOT NULL,
        box_left INTEGER NOT NULL,
        box_top INTEGER NOT NULL,
        box_width INTEGER NOT NULL,
        box_height INTEGER NOT NULL,
        area INTEGER NOT NULL,
        origin TEXT NOT NULL,
        accepted INTEGER NOT NULL,
        position INTEGER NOT NULL,
        removed REAL
    ) STRICT
    """,
    "CREATE INDEX regions_of_image ON regions (image_id, position)",
    "CREATE INDEX regions_of_label ON regions (label_id)",
)


def apply(connection: sqlite3.Connection) -> None:
    """Make the new tables and bring the pictures over."""
    for statement in _STATEMENTS:
        connection.execute(statement)
