"""One mask, ready to be drawn: a fill with a border of the same width at every scale, in colours chosen when it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from gui.canvas.frame import Frame
from gui.canvas.marking.pyramid import draw_part
from projects.regions.mask import Bools, Mask

# What is larger is drawn from half its size on.
_MOST_PIXELS = 32_000_000
_SMALLEST_EDGE = 48
_LINES_FROM = 3.0
_NOTHING, _INSIDE, _BORDER = 0, 1, 2


@dataclass(frozen=True)
class Look:
    """How a mask is drawn: the colour of its pixels and of its border, both with their opacity."""

    fill: QColor
    border: QColor
    width: float = 1.5


class Piece:
    """The mask of one object.

    Attributes:
        box: left, top, width and height of what is marked, in pixels of the picture.
        area: in pixels.
    """

    def __init__(self, mask: Mask) -> None:
        """Decode a mask; for another thread than the window's."""
        self.mask = mask
        self.box, self.area = mask.box, mask.area
        inside, times = mask.crop(self.box), 1
        while inside.size > _MOST_PIXELS:
            inside, times = _halved(inside), 2 * times
        self._levels = [(times, _image(inside))] if inside.size else []
        while inside.size and max(inside.shape) > 2 * _SMALLEST_EDGE:
            inside, times = _halved(inside), 2 * times
            self._levels.append((times, _image(inside)))

    def contains(self, x: float, y: float) -> bool:
        """Whether this place of the picture belongs to it."""
        left, top, width, height = self.box
        if not self._levels or not (left <= x < left + width and top <= y < top + height):
            return False
        times, image = self._levels[0]
        return image.pixelIndex(int((x - left) // times), int((y - top) // times)) != _NOTHING

    def draw(self, painter: QPainter, frame: Frame, ratio: float, look: Look) -> None:
        """Draw what the frame shows of it."""
        if not self._levels:
            return
        scale = frame.scale * ratio
        times, image = next(((t, i) for t, i in reversed(self._levels) if t * scale <= 1.6), self._levels[0])
        lines = times * scale >= _LINES_FROM
        image.setColorTable([0, look.fill.rgba(), (look.fill if lines else look.border).rgba()])
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        draw_part(painter, frame, image, self.box[:2], times)
        if lines:
            painter.setPen(QPen(look.border, look.width))
            painter.drawLines(self._lines(frame, image, times))

    def _lines(self, frame: Frame, image: QImage, times: int) -> list[QLineF]:
        """The border of what is seen, along the edges of its pixels."""
        left, top, right, bottom = frame.seen
        x, y = self.box[0], self.box[1]
        first_x, first_y = max(int((left - x) // times), 0), max(int((top - y) // times), 0)
        last_x, last_y = int((right - x) // times) + 1, int((bottom - y) // times) + 1
        inside = np.pad(_values(image)[first_y:last_y, first_x:last_x] != _NOTHING, 1)
        factor = times * frame.scale
        origin = frame.to_view(x + first_x * times, y + first_y * times)

        def at(column: int, row: int) -> tuple[float, float]:
            return origin[0] + (column - 1) * factor, origin[1] + (row - 1) * factor

        flat = [(at(start, row), at(end, row)) for row, start, end in _stretches(inside[1:] != inside[:-1])]
        upright = [
            (at(row, start), at(row, end)) for row, start, end in _stretches((inside[:, 1:] != inside[:, :-1]).T)
        ]
        return [QLineF(*one, *other) for one, other in (*flat, *upright)]


def _stretches(turns: Bools) -> list[tuple[int, int, int]]:
    """Every unbroken stretch of true values in a row, as (row + 1, first, last + 1): lines between that row and the next."""
    padded = np.pad(turns, ((0, 0), (1, 1)))
    row, column = np.nonzero(padded[:, 1:] != padded[:, :-1])
    return [
        (int(r) + 1, int(start), int(end)) for r, start, end in zip(row[::2], column[::2], column[1::2], strict=True)
    ]


def _halved(inside: Bools) -> Bools:
    """Half as large; a pixel belongs to it when any of the four does, so that nothing thin is lost."""
    padded = np.pad(inside, ((0, inside.shape[0] % 2), (0, inside.shape[1] % 2)))
    return padded[::2, ::2] | padded[1::2, ::2] | padded[::2, 1::2] | padded[1::2, 1::2]


def _image(inside: Bools) -> QImage:
    """Pixels that belong to it, and those of them at its border, told apart by their index."""
    padded = np.pad(inside, 1)
    within = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    height, width = inside.shape
    image = QImage(width, height, QImage.Format.Format_Indexed8)
    image.setColorTable([0, 0, 0])
    values = np.frombuffer(image.bits(), np.uint8).reshape(height, image.bytesPerLine())
    values[:, :width] = np.where(inside, np.where(within, _INSIDE, _BORDER), _NOTHING)
    return image


def _values(image: QImage) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """(h, w) indices of an image made by `_image`."""
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width()]
