"""A picture at several sizes, so that it is drawn sharply and fast at any scale, however large it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from gui.canvas.frame import Frame
from projects import pixels

# What is larger is shown at half its size or less: memory would not bear it, and no eye needs it.
_MOST_PIXELS = 40_000_000
_SMALLEST_EDGE = 200
_PIXELS_SHOW_FROM = 3.0


@dataclass(frozen=True)
class Pyramid:
    """A picture of `width` x `height` pixels.

    Attributes:
        levels: (how many pixels of the picture make one of this image, the image), the finest first.
    """

    width: int
    height: int
    levels: tuple[tuple[int, QImage], ...]

    @classmethod
    def of(cls, rgb: Image.Image) -> Pyramid:
        """The pyramid of an RGB picture; for another thread than the window's."""
        times = max(1, math.ceil(math.sqrt(rgb.width * rgb.height / _MOST_PIXELS)))
        finest = rgb.reduce(times) if times > 1 else rgb
        levels = [(times, _image(finest))]
        while max(finest.size) > 2 * _SMALLEST_EDGE:
            finest, times = finest.reduce(2), 2 * times
            levels.append((times, _image(finest)))
        return cls(rgb.width, rgb.height, tuple(levels))

    def draw(self, painter: QPainter, frame: Frame, ratio: float) -> None:
        """Draw what the frame shows of it; single pixels are told apart where they are large enough."""
        scale = frame.scale * ratio
        times, image = next(((t, i) for t, i in reversed(self.levels) if t * scale <= 1.0), self.levels[0])
        smooth = times * scale < _PIXELS_SHOW_FROM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        draw_part(painter, frame, image, (0, 0), times)

    def small(self, edge: int) -> tuple[int, QImage]:
        """The smallest level whose longer side still has `edge` pixels, as in `levels`."""
        fitting = [level for level in self.levels if max(level[1].width(), level[1].height()) >= edge]
        return fitting[-1] if fitting else self.levels[0]


def read_pyramid(path: Path) -> Pyramid:
    """Read a picture as every part of Lorikeet sees it.

    Raises:
        ImportFailure: it is missing, damaged, not a picture or too large.
    """
    return Pyramid.of(pixels.load_rgb(path))


def draw_part(painter: QPainter, frame: Frame, image: QImage, origin: tuple[int, int], times: int) -> None:
    """Draw the part of `image` that the frame shows, and no more: a whole picture enlarged would be too much for a painter.

    Args:
        painter: in view coordinates.
        frame: where the picture lies.
        image: begins at `origin` of the picture; each of its pixels stands for `times` x `times` of the picture's.
        origin: column and row of the picture.
        times: see `image`.
    """
    left, top, right, bottom = frame.seen
    x, y = origin
    first_x, first_y = max(int((left - x) // times), 0), max(int((top - y) // times), 0)
    last_x, last_y = (
        min(int((right - x) // times) + 1, image.width()),
        min(int((bottom - y) // times) + 1, image.height()),
    )
    if last_x <= first_x or last_y <= first_y:
        return
    target_x, target_y = frame.to_view(x + first_x * times, y + first_y * times)
    part = QRectF(first_x, first_y, last_x - first_x, last_y - first_y)
    factor = times * frame.scale
    painter.drawImage(QRectF(target_x, target_y, part.width() * factor, part.height() * factor), image, part)


def _image(rgb: Image.Image) -> QImage:
    image = QImage(rgb.width, rgb.height, QImage.Format.Format_RGB32)
    values = np.frombuffer(image.bits(), np.uint8).reshape(rgb.height, rgb.width, 4)
    values[..., :3] = np.asarray(rgb)[..., ::-1]
    values[..., 3] = 255
    return image
