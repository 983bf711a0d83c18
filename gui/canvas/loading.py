"""Brings a file's pixels into a view: read on another thread, shown only if the view is still there when they come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from shiboken6 import isValid

from gui.canvas.pixels import read_image
from gui.workers.background import Background, Task


class Shows(Protocol):
    """A widget that shows a picture, such as `PictureView`."""

    def set_picture(self, picture: QImage) -> None:
        """Show it."""
        ...


def show_file(background: Background, view: Shows, path: Path, edge: int) -> Task[QImage]:
    """Read a file and give it to `view`, at most `edge` pixels large; a view that has gone by then is left alone."""
    return read_for(background, view, path, edge, view.set_picture)


def read_for(
    background: Background, owner: object, path: Path, edge: int, use: Callable[[QImage], object]
) -> Task[QImage]:
    """Read a file and hand the picture to `use`, unless `owner` (a Qt object) has been deleted meanwhile."""

    def came(image: QImage) -> None:
        if not isinstance(owner, QObject) or isValid(owner):
            use(image)

    return background.run(lambda _task: read_image(path, edge), done=came)
