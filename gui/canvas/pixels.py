"""Reads a picture's pixels for the screen; called in a background thread, never on the window's own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QPainter

_LARGEST_EDGE = 8192


def read_image(path: Path, edge: int = 0) -> QImage:
    """Return the picture upright, at most `edge` pixels on its longer side (0: as it is, within reason).

    A missing or damaged file gives a null image: a preview is never worth an error message.
    """
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    reader.setDecideFormatFromContent(True)
    size = reader.size()
    limit = min(edge or _LARGEST_EDGE, _LARGEST_EDGE)
    if size.isValid() and max(size.width(), size.height()) > limit:
        reader.setScaledSize(size.scaled(QSize(limit, limit), Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    if image.isNull():
        return QImage()
    return image.convertToFormat(QImage.Format.Format_RGB32)


def difference(before: QImage, after: QImage, *, gain: int = 2) -> QImage:
    """Absolute difference of two pictures, doubled `gain` times over so that small changes show; black where nothing changed."""
    if before.isNull() or after.isNull():
        return QImage()
    result = before.convertToFormat(QImage.Format.Format_RGB32)
    painter = QPainter(result)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
    painter.drawImage(result.rect(), after)
    painter.end()
    for _doubling in range(gain):
        once = result.copy()
        painter = QPainter(result)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Plus)
        painter.drawImage(0, 0, once)
        painter.end()
    return result
