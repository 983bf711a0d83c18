"""A picture with what was found in it laid over, before and after, drawn on another thread."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtGui import QColor, QImage, QPainter

from gui.canvas.frame import Frame
from gui.canvas.marking.piece import Piece
from gui.canvas.marking.pyramid import Pyramid, read_pyramid
from gui.views.segment import looks
from gui.views.segment.results.report import Measured
from projects.regions.mask import Mask

_EDGE = 1400
_OPACITY = 0.42


def overlays(path: Path, measured: Measured, colours: Mapping[str, QColor]) -> tuple[QImage, QImage]:
    """The picture before and after; `colours` are those of the labels by name, lower case.

    Raises:
        ImportFailure: the picture cannot be read.
    """
    pyramid = read_pyramid(path)
    before, after = (_laid_over(pyramid, measured, side, colours) for side in measured.masks)
    return before, after


def _laid_over(pyramid: Pyramid, measured: Measured, masks: tuple[str, ...], colours: Mapping[str, QColor]) -> QImage:
    scale = min(1.0, _EDGE / max(pyramid.width, pyramid.height))
    width, height = max(1, round(pyramid.width * scale)), max(1, round(pyramid.height * scale))
    image = QImage(width, height, QImage.Format.Format_RGB32)
    frame = Frame(width, height, pyramid.width, pyramid.height)
    with QPainter(image) as painter:
        pyramid.draw(painter, frame, 1.0)
        for name, text in zip(measured.names, masks, strict=False):
            try:
                mask = Mask.from_text(text, pyramid.width, pyramid.height)
            except ValueError:
                continue  # of another picture of that name; nothing can be shown of it
            look = looks.of_region(_colour(name, colours), _OPACITY, accepted=True, selected=False)
            Piece(mask).draw(painter, frame, 1.0, look)
    return image


def _colour(name: str, colours: Mapping[str, QColor]) -> QColor:
    """Of a class, or of an object that bears the name of its class and a number."""
    plain = name.casefold()
    return colours.get(plain) or colours.get(plain.rpartition(" ")[0]) or looks.NO_LABEL
