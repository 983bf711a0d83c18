"""Icons: shipped line drawings, coloured from the tokens and sharp at every scale.

A plain name ("home") is a drawing in `resources/icons`. A dotted name ("ph.bear") is taken from the icon fonts of qtawesome, which are
loaded only then, because they cost a third of a second.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from engines.api import places
from gui.theme import tokens as design


def icon(name: str, *, ink: str = "text", active: str = "") -> QIcon:
    """An icon that takes its colour from the theme in force whenever it is painted.

    Args:
        name: a file of `resources/icons` without its ending, or a dotted name of qtawesome.
        ink: the token it is drawn in.
        active: the token while checked or selected; empty for the same.

    Raises:
        FileNotFoundError: there is no such drawing.
    """
    if "." in name:
        import qtawesome

        made: QIcon = qtawesome.icon(name, color=design.current().colour(ink))
        return made
    return QIcon(_LineEngine(_source(name), ink, active or ink))


def pixmap(name: str, size: int, *, colour: QColor, ratio: float = 1.0) -> QPixmap:
    """A drawing as a picture of `size` logical pixels in any colour."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        _draw(painter, _source(name), QRectF(0, 0, size, size), colour)
    return picture


def paint(painter: QPainter, name: str, box: QRectF, colour: QColor) -> None:
    """Draw an icon straight into `box` (logical pixels) of a painter."""
    _draw(painter, _source(name), box, colour)


def names() -> tuple[str, ...]:
    """All shipped drawings."""
    return tuple(sorted(path.stem for path in _folder().glob("*.svg")))


class _LineEngine(QIconEngine):
    """Paints one drawing in the colour its token has at that moment."""

    def __init__(self, source: str, ink: str, active: str) -> None:
        super().__init__()
        self._source = source
        self._ink = ink
        self._active = active

    def clone(self) -> QIconEngine:
        """A copy, as Qt asks for one."""
        return _LineEngine(self._source, self._ink, self._active)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw into `rect`."""
        chosen = self._active if state == QIcon.State.On or mode == QIcon.Mode.Selected else self._ink
        name = "muted" if mode == QIcon.Mode.Disabled else chosen
        _draw(painter, self._source, QRectF(rect), design.current().colour(name))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """The drawing as a picture of `size` device pixels."""
        picture = QPixmap(size)
        if picture.isNull():
            return picture  # Qt asks for nothing at all while a button has no size yet
        picture.fill(Qt.GlobalColor.transparent)
        with QPainter(picture) as painter:
            self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        return picture


@lru_cache(maxsize=1)
def _folder() -> Path:
    return places.resources() / "icons"


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    return (_folder() / f"{name}.svg").read_text(encoding="utf-8")


def _draw(painter: QPainter, source: str, box: QRectF, colour: QColor) -> None:
    ratio = painter.device().devicePixelRatio() if painter.device() is not None else 1.0
    # A box wider than high keeps room at the right: the gap between an icon and the words of its button.
    edge = min(box.width(), box.height())
    top = box.top() + (box.height() - edge) / 2
    # On whole pixels of the screen, or thin lines would blur.
    square = QRectF(round(box.left() * ratio) / ratio, round(top * ratio) / ratio, edge, edge)
    painter.drawImage(square, _rendered(source, max(1, round(edge * ratio)), colour.rgba()))


@lru_cache(maxsize=256)
def _rendered(source: str, edge: int, rgba: int) -> QImage:
    """A drawing of `edge` device pixels; drawn once, because the same few come back all the time."""
    colour = QColor.fromRgba(rgba)
    image = QImage(edge, edge, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(source.replace("currentColor", colour.name()).encode()))
    with QPainter(image) as painter:
        painter.setOpacity(colour.alphaF())
        renderer.render(painter, QRectF(0, 0, edge, edge))
    return image
