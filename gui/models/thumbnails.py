"""Thumbnails for lists: loaded on other threads, only for what is in view, and kept within a bound."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from gui.workers.background import Background, Task
from projects import thumbnails
from projects.errors import UserError
from projects.project import Project
from projects.records import Image

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT = 600
_MOST_WAITING = 120
_AT_ONCE = 2


class Thumbnails(QObject):
    """Answers at once with what it has, and loads the rest; what was asked for last is loaded first.

    Signals:
        ready: carries the id of a picture whose thumbnail can be drawn now (or cannot be made at all).
    """

    ready = Signal(str)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._kept: OrderedDict[tuple[str, int], QPixmap] = OrderedDict()
        self._waiting: OrderedDict[tuple[str, int], tuple[Project, Image]] = OrderedDict()
        self._loading: dict[tuple[str, int], Task[QImage]] = {}
        self._missing: set[tuple[str, int]] = set()

    def get(self, project: Project, image: Image, edge: int) -> QPixmap | None:
        """The thumbnail if it is here; else None, and `ready` follows."""
        key = (image.sha256, edge)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        if key not in self._loading and key not in self._missing:
            self._waiting[key] = (project, image)
            self._waiting.move_to_end(key)
            # What scrolled by long ago is no longer worth loading; it will be asked for again when it comes back into view.
            while len(self._waiting) > _MOST_WAITING:
                self._waiting.popitem(last=False)
            self._next()
        return None

    def is_missing(self, image: Image, edge: int) -> bool:
        """Whether the picture's file turned out to be gone or damaged."""
        return (image.sha256, edge) in self._missing

    def forget(self) -> None:
        """Another project is open."""
        self._waiting.clear()
        for task in self._loading.values():
            task.cancel()
        self._loading.clear()
        self._missing.clear()

    def _next(self) -> None:
        while self._waiting and len(self._loading) < _AT_ONCE:
            key, (project, image) = self._waiting.popitem(last=True)
            self._loading[key] = self._background.run(
                _work(project, image, key[1]), done=self._done(key, image.id), priority=1
            )

    def _done(self, key: tuple[str, int], image_id: str) -> Callable[[QImage], None]:
        def done(picture: QImage) -> None:
            self._loading.pop(key, None)
            if picture.isNull():
                self._missing.add(key)
            else:
                self._kept[key] = QPixmap.fromImage(picture)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self.ready.emit(image_id)
            self._next()

        return done


def _work(project: Project, image: Image, edge: int) -> Callable[[Task[QImage]], QImage]:
    def work(_task: Task[QImage]) -> QImage:
        try:
            picture = QImage(str(thumbnails.thumbnail(project, image, edge)))
        except (UserError, OSError):
            return QImage()
        # In the form that is drawn fastest, so that the window's thread has nothing left to convert.
        return picture.convertToFormat(QImage.Format.Format_RGB32) if not picture.isNull() else picture

    return work
