"""Keeping a project's folder and its database in step: leftovers of a kill are cleared away, missing files are noticed.

Opening a project calls `tidy` and `purge`. Tidying never deletes a picture: a file without a row is moved to `unclaimed/`, where a
person can look at it, because it may also be all that is left after an older database was put back. Masks without a row stay where they
are until `purge`: another window's undo may still want them.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from projects.errors import ProjectError
from projects.files import flush_folder, is_temporary, replace, unique_path

if TYPE_CHECKING:
    from projects.project import Project

UNCLAIMED = "unclaimed"
# Files of an import under way in another window are listed within seconds; these are far older.
LEFTOVER_AGE_S = 3600.0
TRASH_AGE_S = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Tidied:
    """What `tidy` found.

    Attributes:
        unclaimed: files that no row names, as they are now called under `unclaimed/`.
        temporary: leftovers of writes that never ended; deleted.
        missing: pictures and masks whose file is gone, relative to the project.
    """

    unclaimed: tuple[str, ...] = ()
    temporary: int = 0
    missing: tuple[str, ...] = ()


def tidy(project: Project, *, older_than_s: float = LEFTOVER_AGE_S) -> Tidied:
    """Clear away what a kill or power cut left behind, and say which files are missing.

    Args:
        project: just opened; a read-only one is only looked at.
        older_than_s: younger files are left alone, since another window may be about to list them.
    """
    # Files first: one that is listed between the two looks is then known, never taken for a leftover.
    present = {f"{folder}/{path.name}": path for folder in ("images", "masks") for path in _files(project, folder)}
    listed = _listed(project)
    temporary, unclaimed = 0, []
    before = time.time() - older_than_s
    for name, path in present.items():
        if project.read_only or name in listed or not _older(path, before):
            continue
        if is_temporary(path.name):
            with suppress(OSError):
                path.unlink()
                temporary += 1
        elif name.startswith("images/"):
            moved = _set_aside(project, path)
            unclaimed += [moved] if moved else []
    missing = tuple(sorted(name for name in listed if name not in present and not _is_there(project, name)))
    return Tidied(tuple(unclaimed), temporary, missing)


def purge(project: Project, *, older_than_s: float = TRASH_AGE_S) -> int:
    """Delete for good what was removed longer ago than that: rows first, then files. Undo no longer reaches them.

    Rows of removed trainings stay: their folders are still there, and would otherwise be taken for new ones.

    Returns:
        How many pictures were deleted.

    Raises:
        ProjectError: the project cannot be written to.
    """
    before = time.time() - older_than_s
    _purge_regions(project, before)
    gone = "removed < :before OR concept_id IN (SELECT id FROM concepts WHERE removed < :before)"  # both are NULL when kept
    if not project.rows(f"SELECT 1 FROM images WHERE {gone} LIMIT 1", {"before": before}):  # noqa: S608
        return 0
    with project.transaction() as connection:
        files = connection.execute(f"SELECT file FROM images WHERE {gone}", {"before": before}).fetchall()  # noqa: S608
        connection.execute(
            f"DELETE FROM regions WHERE image_id IN (SELECT id FROM images WHERE {gone})",  # noqa: S608
            {"before": before},
        )
        connection.execute(f"DELETE FROM images WHERE {gone}", {"before": before})  # noqa: S608
        connection.execute(
            "DELETE FROM concepts WHERE removed < ? AND NOT EXISTS (SELECT 1 FROM runs WHERE concept_id = concepts.id)"
            " AND NOT EXISTS (SELECT 1 FROM images WHERE concept_id = concepts.id)",
            (before,),
        )
        kept = _listed(project)
    old_masks = {f"masks/{path.name}" for path in _files(project, "masks") if _older(path, before)}
    for name in {str(row["file"]) for row in files}.union(old_masks) - kept:
        with suppress(OSError, ProjectError):
            project.path(name).unlink(missing_ok=True)
    return len(files)


def _purge_regions(project: Project, before: float) -> None:
    gone = "removed < :before OR label_id IN (SELECT id FROM labels WHERE removed < :before)"
    found = f"SELECT 1 FROM regions WHERE {gone} UNION ALL SELECT 1 FROM labels WHERE removed < :before LIMIT 1"  # noqa: S608
    if project.rows(found, {"before": before}):
        with project.transaction() as connection:
            connection.execute(f"DELETE FROM regions WHERE {gone}", {"before": before})  # noqa: S608
            connection.execute("DELETE FROM labels WHERE removed < ?", (before,))


def _listed(project: Project) -> frozenset[str]:
    rows = project.rows("SELECT file FROM images UNION SELECT mask FROM images WHERE mask IS NOT NULL")
    return frozenset(str(row[0]) for row in rows)


def _files(project: Project, name: str) -> list[Path]:
    """The files of a folder of the project; none where the folder is a link to somewhere else, whose files are not ours to touch."""
    folder = project.root / name
    try:
        if folder.resolve() != project.root.resolve() / name:
            return []
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _is_there(project: Project, name: str) -> bool:
    try:
        return project.path(name).is_file()
    except ProjectError:
        return False


def _older(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime < before
    except OSError:
        return False


def _set_aside(project: Project, path: Path) -> str | None:
    folder = project.root / UNCLAIMED
    try:
        folder.mkdir(exist_ok=True)
        target = unique_path(folder / path.name)
        replace(path, target)
    except OSError:
        return None
    flush_folder(folder)
    return target.name
