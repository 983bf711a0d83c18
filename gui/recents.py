"""Projects opened lately, as a small JSON file that heals itself. It knows enough of each to be drawn before the project is opened."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engines.api import places
from gui.preferences import read_json
from gui.workers.background import Background
from gui.workers.keeping import Keeper

MOST = 12


@dataclass(frozen=True)
class Recent:
    """One project as it was when it was last seen.

    Attributes:
        root: its folder.
        name: what the person calls it.
        opened: when, seconds since 1970.
        images: how many pictures it held.
        concepts: how many concepts.
        runs: how many trainings.
        picture: absolute path of a thumbnail, or empty.
    """

    root: str
    name: str
    opened: float
    images: int = 0
    concepts: int = 0
    runs: int = 0
    picture: str = ""


class Recents(QObject):
    """The list, newest first.

    Signals:
        changed: the list is different now.
    """

    changed = Signal()

    def __init__(
        self, path: Path | None = None, parent: QObject | None = None, *, background: Background | None = None
    ) -> None:
        super().__init__(parent)
        self.path = path or places.state_home() / "recents.json"
        self._keeper = Keeper(self.path, background)
        self.items: tuple[Recent, ...] = _healed(read_json(self.path))

    def seen(self, recent: Recent) -> None:
        """Put a project first, in place of what was known of it."""
        others = tuple(item for item in self.items if not _same(item.root, recent.root))
        self._keep((recent, *others)[:MOST])

    def forget(self, root: str) -> None:
        """Take a project off the list; the project itself stays where it is."""
        self._keep(tuple(item for item in self.items if not _same(item.root, root)))

    def flush(self) -> None:
        """Write what was not written yet, at the end."""
        self._keeper.flush()

    def _keep(self, items: tuple[Recent, ...]) -> None:
        if items == self.items:
            return
        self.items = items
        self._keeper.keep([asdict(item) for item in items])
        self.changed.emit()


def age(opened: float, now: float | None = None) -> str:
    """How long ago, in words."""
    seconds = max((time.time() if now is None else now) - opened, 0.0)
    for limit, unit, word in (
        (3600.0, 60.0, "minute"),
        (86400.0, 3600.0, "hour"),
        (86400.0 * 14, 86400.0, "day"),
        (86400.0 * 60, 604800.0, "week"),
    ):
        if seconds < limit:
            count = int(seconds // unit)
            if count == 0:
                return "just now"
            if word == "day" and count == 1:
                return "yesterday"
            return f"{count} {word}{'s' if count != 1 else ''} ago"
    return f"{int(seconds // (86400 * 30))} months ago"


def _same(left: str, right: str) -> bool:
    return Path(left) == Path(right)


def _healed(found: object) -> tuple[Recent, ...]:
    if not isinstance(found, list):
        return ()
    kept = []
    for entry in found[:MOST]:
        if not isinstance(entry, dict):
            continue
        wanted = {field.name: entry[field.name] for field in fields(Recent) if field.name in entry}
        try:
            item = Recent(
                root=str(wanted["root"]),
                name=str(wanted["name"])[:200],
                opened=float(wanted["opened"]),
                images=int(wanted.get("images", 0)),
                concepts=int(wanted.get("concepts", 0)),
                runs=int(wanted.get("runs", 0)),
                picture=str(wanted.get("picture", "")),
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if item.root:
            kept.append(item)
    return tuple(kept)
