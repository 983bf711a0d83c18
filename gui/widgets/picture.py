"""Pictures with rounded corners that fill or fit their place, sharp on every screen."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import icons
from gui.theme import tokens as design
from gui.widgets.text import set_tip

Fit = Literal["fill", "fit"]
_EMPTY_PX = 20


class PictureView(QWidget):
    """Shows one picture; pixels come in from outside (it never opens a file).

    Args:
        fit: "fill" crops to the place, "fit" shows all of it.
        radius: of the corners, in pixels; with `top_only` just the upper two (a picture at the head of a card).
        ratio: width by height that the height follows; 0 leaves the height to the layout.
        empty: a drawing for the place while there is no picture, saying that none is on its way.
    """

    clicked = Signal()

    def __init__(
        self,
        *,
        name: str = "",
        fit: Fit = "fill",
        radius: int = 10,
        top_only: bool = False,
        ratio: float = 0.0,
        smooth: bool = True,
        empty: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._fit: Fit = fit
        self._radius = radius
        self._top_only = top_only
        self._ratio = ratio
        self._smooth = smooth
        self._empty = empty
        self._pixmap = QPixmap()
        self._scaled = QPixmap()
        self._selected = False
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(ratio > 0)
        self.setSizePolicy(policy)

    def set_picture(self, picture: QPixmap | QImage | None) -> None:
        """Show another picture; None shows an empty place."""
        self._pixmap = (
            QPixmap() if picture is None else picture if isinstance(picture, QPixmap) else QPixmap.fromImage(picture)
        )
        self._scaled = QPixmap()
        self.update()

    def has_picture(self) -> bool:
        """Whether there is something to see."""
        return not self._pixmap.isNull()

    def set_selected(self, selected: bool) -> None:
        """Wear the accent as an edge."""
        self._selected = selected
        self.update()

    def set_clickable(self, words: str) -> None:
        """Make it a button; `words` say what it opens."""
        self.setAccessibleName(words)
        set_tip(self, words)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        """Whether the height follows the width."""
        return self._ratio > 0

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """The height of the wanted shape."""
        return round(width / self._ratio) if self._ratio > 0 else -1

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A middling size."""
        return QSize(160, self.heightForWidth(160) if self._ratio > 0 else 160)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Small is fine."""
        return QSize(24, 24)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name
        """Draw the picture, or an empty place."""
        tokens = design.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            place = QRectF(self.rect())
            picture = self._fitted()
            if not picture.isNull():
                size = QRectF(
                    0, 0, picture.width() / picture.devicePixelRatio(), picture.height() / picture.devicePixelRatio()
                )
                size.moveCenter(place.center())
                place = size if self._fit == "fit" else place
                painter.setClipPath(self._path(place))
                painter.drawPixmap(size.topLeft(), picture)
            else:
                painter.fillPath(self._path(place), tokens.colour("field"))
                if self._empty:
                    middle = QRectF(0, 0, _EMPTY_PX, _EMPTY_PX)
                    middle.moveCenter(place.center())
                    icons.paint(painter, self._empty, middle, tokens.colour("muted"))
            if self._selected or self.hasFocus():
                painter.setClipping(False)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(tokens.colour("accent"), 2.5))
                painter.drawRoundedRect(place.adjusted(1.25, 1.25, -1.25, -1.25), self._radius, self._radius)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A click."""
        if event.button() == Qt.MouseButton.LeftButton and self.focusPolicy() != Qt.FocusPolicy.NoFocus:
            self.clicked.emit()
            return
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter and Space click too."""
        if (
            event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}
            and self.focusPolicy() != Qt.FocusPolicy.NoFocus
        ):
            self.clicked.emit()
            return
        super().keyPressEvent(event)

    def _path(self, place: QRectF) -> QPainterPath:
        path = QPainterPath()
        lower = self._radius + 1 if self._top_only else 0
        path.addRoundedRect(place.adjusted(0, 0, 0, lower), self._radius, self._radius)
        return path

    def _fitted(self) -> QPixmap:
        """The picture scaled once for this size and screen, then kept."""
        if self._pixmap.isNull() or self.width() < 1 or self.height() < 1:
            return self._pixmap
        ratio = self.devicePixelRatioF()
        wanted = QSize(round(self.width() * ratio), round(self.height() * ratio))
        aspect = (
            Qt.AspectRatioMode.KeepAspectRatioByExpanding if self._fit == "fill" else Qt.AspectRatioMode.KeepAspectRatio
        )
        mode = Qt.TransformationMode.SmoothTransformation if self._smooth else Qt.TransformationMode.FastTransformation
        size = self._pixmap.size().scaled(wanted, aspect)
        if self._scaled.size() != size:
            self._scaled = self._pixmap.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, mode)
            self._scaled.setDevicePixelRatio(ratio)
        return self._scaled
