"""A stroke of the brush or the eraser as pixels of the picture, and what it makes of a mask."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from projects.regions.mask import Bools, Mask

Box = tuple[int, int, int, int]
_HALF = 128


@dataclass(frozen=True)
class Stroke:
    """Where a round brush went.

    Attributes:
        points: (x, y) in pixels of the picture, at least one.
        diameter: of the brush, in pixels of the picture.
        erase: whether it takes away.
    """

    points: tuple[tuple[float, float], ...]
    diameter: float
    erase: bool = False


def cover(stroke: Stroke, width: int, height: int) -> tuple[Bools, int, int]:
    """The pixels of a `width` x `height` picture that a stroke goes over: (h, w), and the column and row where that begins."""
    reach = stroke.diameter / 2 + 1
    xs, ys = [x for x, _y in stroke.points], [y for _x, y in stroke.points]
    left, top = max(0, math.floor(min(xs) - reach)), max(0, math.floor(min(ys) - reach))
    right, bottom = min(width, math.ceil(max(xs) + reach)), min(height, math.ceil(max(ys) + reach))
    if right <= left or bottom <= top:
        return np.zeros((0, 0), np.bool_), 0, 0
    image = QImage(right - left, bottom - top, QImage.Format.Format_Grayscale8)
    image.fill(0)
    with QPainter(image) as painter:
        # Smooth edges say how much of a pixel is covered: it counts from half of it on.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(-left, -top)
        draw(painter, stroke.points, QPen(QColor(255, 255, 255), max(stroke.diameter, 1.0)))
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width()] >= _HALF, left, top


def draw(painter: QPainter, points: tuple[tuple[float, float], ...], pen: QPen) -> None:
    """Draw round strokes; a single point is a dot."""
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    if len(points) == 1:
        painter.drawPoint(QPointF(*points[0]))
    else:
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))


def painted(base: Mask | None, stroke: Stroke, width: int, height: int) -> Mask:
    """What a stroke makes of a mask (of nothing, when None) of a `width` x `height` picture; may come out empty."""
    base = base if base is not None else Mask.from_counts([width * height], width, height)
    over, left, top = cover(stroke, width, height)
    if not over.size:
        return base
    x, y, wide, high = _around(base.box, (left, top, over.shape[1], over.shape[0]))
    inside = base.crop((x, y, wide, high)).copy()
    part = inside[top - y : top - y + over.shape[0], left - x : left - x + over.shape[1]]
    if stroke.erase:
        part &= ~over
    else:
        part |= over
    return Mask.of(inside, left=x, top=y, size=(width, height))


def _around(one: Box, other: Box) -> Box:
    """The smallest box around two; an empty one counts for nothing."""
    if not one[2] or not one[3]:
        return other
    left, top = min(one[0], other[0]), min(one[1], other[1])
    right, bottom = max(one[0] + one[2], other[0] + other[2]), max(one[1] + one[3], other[1] + other[3])
    return left, top, right - left, bottom - top
