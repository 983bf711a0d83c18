"""Thumbnails as they are shown in rows and grids: the middle square with round corners, cut once and kept."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPixmap

_MOST_KEPT = 300


class Cuttings:
    """Cuts pictures exactly as large as they are shown, because scaling is what costs; `radius` of the corners is in pixels."""

    def __init__(self, radius: float) -> None:
        self._radius = radius
        self._kept: OrderedDict[tuple[int, int, float], QPixmap] = OrderedDict()

    def get(self, picture: QPixmap, edge: int, ratio: float) -> QPixmap:
        """The middle square, `edge` logical pixels wide on a screen of this ratio."""
        key = (picture.cacheKey(), edge, ratio)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = _rounded(picture, edge, ratio, self._radius)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found


def _rounded(picture: QPixmap, edge: int, ratio: float, radius: float) -> QPixmap:
    size = round(edge * ratio)
    filled = QSize(size, size)
    scaled = picture.scaled(
        filled, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    made = QPixmap(filled)
    made.fill(Qt.GlobalColor.transparent)
    path = QPainterPath()
    path.addRoundedRect(QRectF(0, 0, size, size), radius * ratio, radius * ratio)
    with QPainter(made) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipPath(path)
        painter.drawPixmap((size - scaled.width()) // 2, (size - scaled.height()) // 2, scaled)
    made.setDevicePixelRatio(ratio)
    return made
