"""Changing rows in a way that can be taken back exactly: the one place where an inverse is made.

An edit is written down as field changes, each with the value before and after. Writing the values before, last change first, is the
inverse, whatever the edit was; fields that the edit did not name keep what another window gave them meanwhile.
"""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from projects.change import Change, Part
from projects.errors import ProjectError
from projects.project import Project, SqlValue

Table = Literal["concepts", "images", "labels", "regions", "runs", "settings"]


@dataclass(frozen=True, slots=True)
class RowChange:
    """Some fields of one row, before and after. A setting has the one field `value`; None there means that it is not set."""

    table: Table
    key: str
    before: Mapping[str, SqlValue]
    after: Mapping[str, SqlValue]

    def reversed(self) -> RowChange:
        """The change that takes this one back."""
        return RowChange(self.table, self.key, self.after, self.before)


def commit(
    project: Project, changes: Sequence[RowChange], *, parts: frozenset[Part], title: str, ids: Sequence[str] = ()
) -> Change:
    """Write `changes` in one transaction and return the `Change` with its inverse.

    Raises:
        ProjectError: a row is gone, or the project cannot be written to; nothing was changed.
    """
    real = [change for change in changes if change.before != change.after]
    with project.transaction() as connection:
        for change in real:
            _write(connection, change)
    return described(real, parts=parts, title=title, ids=ids)


def described(changes: Sequence[RowChange], *, parts: frozenset[Part], title: str, ids: Sequence[str] = ()) -> Change:
    """The `Change` for rows that are written already."""
    touched = tuple(ids) if changes else ()
    backwards = [change.reversed() for change in reversed(changes)]
    inverse = functools.partial(commit, changes=backwards, parts=parts, title=title, ids=touched)
    return Change(parts if changes else frozenset(), title, touched, inverse)


def arrived(
    rows: Mapping[Table, Sequence[str]], *, parts: frozenset[Part], title: str, also: Sequence[RowChange] = ()
) -> Change:
    """The `Change` for rows that were just added: its inverse marks them as removed. `ids` are theirs, in the order given.

    `also` are changes of other rows that were made with it.
    """
    now = time.time()
    changes = [
        RowChange(table, key, {"removed": now}, {"removed": None}) for table, keys in rows.items() for key in keys
    ]
    return described([*changes, *also], parts=parts, title=title, ids=[change.key for change in changes])


def nothing(title: str) -> Change:
    """The `Change` of an edit that had nothing to do."""
    return described((), parts=frozenset(), title=title)


def _write(connection: sqlite3.Connection, change: RowChange) -> None:
    if change.table == "settings":
        value = change.after["value"]
        if value is None:
            connection.execute("DELETE FROM settings WHERE key = ?", (change.key,))
        else:
            connection.execute(
                "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (change.key, value),
            )
        return
    assignments = ", ".join(f"{field} = ?" for field in change.after)
    # Table and field names come from this package only, never from input.
    done = connection.execute(
        f"UPDATE {change.table} SET {assignments} WHERE id = ?",  # noqa: S608
        (*change.after.values(), change.key),
    )
    if done.rowcount != 1:
        raise ProjectError(
            "That is no longer there",
            "What this would change was deleted for good in another window.",
        )
