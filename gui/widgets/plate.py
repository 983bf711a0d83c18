"""Draws the rounded ground of a card cheaply: its corners are drawn smoothly once and then only copied.

A large smooth shape costs milliseconds each time; nine copies cost next to nothing, however large the card is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from gui.theme import tokens as design

SHADOW_PX = 3
_CORNER_PX = 20
_SHADOWS = ((2.5, 7), (1.5, 9))


@dataclass(frozen=True)
class Plate:
    """How a card looks: colours as 0xAARRGGBB, the width of its edge in pixels, whether it throws a shadow."""

    ground: int
    edge: int
    width: float
    shadow: bool


def paint(painter: QPainter, rect: QRect, plate: Plate) -> None:
    """Draw a plate that fills `rect` but for the room of the shadow at its foot."""
    ratio = painter.device().devicePixelRatio()
    image = _template(plate, ratio)
    corner = _CORNER_PX
    far = round(corner * ratio)
    source = (QRectF(0, 0, far, far), QRectF(far, 0, 1, far), QRectF(far + 1, 0, far, far))
    columns = (
        (rect.left(), corner),
        (rect.left() + corner, rect.width() - 2 * corner),
        (rect.left() + rect.width() - corner, corner),
    )
    rows = (
        (rect.top(), corner),
        (rect.top() + corner, rect.height() - 2 * corner),
        (rect.top() + rect.height() - corner, corner),
    )
    for row, (y, height) in enumerate(rows):
        for column, (x, width) in enumerate(columns):
            if width <= 0 or height <= 0:
                continue
            target = QRectF(x, y, width, height)
            if row == column == 1:
                painter.fillRect(target, QColor.fromRgba(plate.ground))
                continue
            across = source[column]
            down = (0.0, far, far + 1.0)[row]
            piece = QRectF(across.x(), down, across.width(), 1.0 if row == 1 else far)
            painter.drawImage(target, image, piece)


@lru_cache(maxsize=64)
def _template(plate: Plate, ratio: float) -> QImage:
    """A small plate with one pixel between its corners."""
    edge = 2 * round(_CORNER_PX * ratio) + 1
    image = QImage(edge, edge, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    image.setDevicePixelRatio(ratio)
    size = edge / ratio
    inset = plate.width / 2
    sheet = QRectF(inset, inset, size - plate.width, size - plate.width - SHADOW_PX)
    radius = design.CARD_RADIUS
    with QPainter(image) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if plate.shadow:
            painter.setPen(Qt.PenStyle.NoPen)
            for offset, alpha in _SHADOWS:
                painter.setBrush(QColor(20, 24, 20, alpha))
                painter.drawRoundedRect(sheet.translated(0, offset), radius, radius)
        painter.setBrush(QColor.fromRgba(plate.ground))
        painter.setPen(QPen(QColor.fromRgba(plate.edge), plate.width))
        painter.drawRoundedRect(sheet, radius, radius)
    image.setDevicePixelRatio(1.0)
    return image
