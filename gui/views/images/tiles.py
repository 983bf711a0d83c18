"""How one picture looks in the grid: the picture, what is to be said of it, and the beginning of its caption."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui.models.thumbnails import Thumbnails
from gui.theme import icons
from gui.theme import tokens as design
from gui.theme.tokens import Tokens
from gui.widgets.cutting import Cuttings
from projects.project import Project
from projects.records import Image
from projects.thumbnails import EDGE

SHORT_WORDS = {
    "duplicate": "copy",
    "near-duplicate": "twin",
    "blurry": "blurred",
    "small": "small",
    "extreme-aspect": "long",
    "has-alpha": "see-through",
}
_MARGIN_PX = 6
_CAPTION_PX = 24
_RADIUS = 10
_BUNDLE_PX = 84
_CHIP_PX = 18
Index = QModelIndex | QPersistentModelIndex


class Tiles(QStyledItemDelegate):
    """Draws the tiles; thumbnails that are not loaded yet show as an empty place."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._size = QSize(164, 164 + _CAPTION_PX)
        self._cuttings = Cuttings(_RADIUS)
        self.project: Project | None = None

    def set_width(self, width: int) -> None:
        """Tiles are as wide as the columns."""
        self._size = QSize(width, width + _CAPTION_PX)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - Qt's name
        """All tiles are alike."""
        return self._size

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one tile."""
        image = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(image, Image) or self.project is None:
            return
        tokens = design.current()
        box = option.rect.adjusted(_MARGIN_PX, _MARGIN_PX, -_MARGIN_PX, -_MARGIN_PX)
        place = QRect(box.left(), box.top(), box.width(), box.width())
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self._picture(painter, place, image, tokens)
        self._chips(painter, place, image, tokens)
        self._edge(painter, place, option, tokens)
        words = QRect(box.left() + 2, place.bottom() + 3, box.width() - 4, _CAPTION_PX - 4)
        painter.setPen(tokens.colour("text" if selected or image.caption else "muted"))
        small = QFont(option.font)
        small.setPixelSize(design.SMALL_PX)
        painter.setFont(small)
        text = painter.fontMetrics().elidedText(
            image.caption or "no caption yet", Qt.TextElideMode.ElideRight, words.width()
        )
        painter.drawText(
            words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, text
        )
        painter.restore()

    def bundle(self, image: Image, count: int) -> QPixmap:
        """What is seen under the pointer while `count` pictures are dragged, `image` being the first."""
        tokens = design.current()
        made = QPixmap(_BUNDLE_PX, _BUNDLE_PX)
        made.fill(Qt.GlobalColor.transparent)
        with QPainter(made) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            place = QRect(0, 0, _BUNDLE_PX, _BUNDLE_PX)
            self._picture(painter, place, image, tokens)
            if count > 1:
                font = QFont(painter.font())
                font.setPixelSize(11)
                painter.setFont(font)
                self._chip(painter, 5.0, 5.0, f"{count} photos", place.right(), tokens, "text")
        return made

    def _picture(self, painter: QPainter, place: QRect, image: Image, tokens: Tokens) -> None:
        path = QPainterPath()
        path.addRoundedRect(QRectF(place), _RADIUS, _RADIUS)
        painter.fillPath(path, tokens.colour("field"))
        found = self._thumbnails.get(self.project, image, EDGE) if self.project is not None else None
        if found is not None:
            ratio = painter.device().devicePixelRatio()
            painter.drawPixmap(place.topLeft(), self._cuttings.get(found, place.width(), ratio))
        elif self._thumbnails.is_missing(image, EDGE):
            middle = QRectF(0, 0, 26, 26)
            middle.moveCenter(QRectF(place).center())
            icons.paint(painter, "warning", middle, tokens.colour("warning"))

    def _edge(self, painter: QPainter, place: QRect, option: QStyleOptionViewItem, tokens: Tokens) -> None:
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        if selected:
            painter.setPen(QPen(tokens.colour("accent"), 3.0))
        elif focused:
            painter.setPen(QPen(tokens.colour("accent"), 1.5, Qt.PenStyle.DashLine))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(tokens.colour("line_strong"), 2.0))
        else:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(place).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)

    def _chips(self, painter: QPainter, place: QRect, image: Image, tokens: Tokens) -> None:
        font = QFont(painter.font())
        font.setPixelSize(11)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        left, bottom = place.left() + 6.0, place.bottom() - 6.0 - _CHIP_PX
        shown = sorted(image.flags, key=list(SHORT_WORDS).index if image.flags <= SHORT_WORDS.keys() else str)
        for flag in shown:
            left = self._chip(painter, left, bottom, SHORT_WORDS.get(flag, flag), place.right(), tokens, "warning")
        marks = ["mask"] * bool(image.mask) + [f"× {image.repeats}"] * (image.repeats > 1)
        left = place.left() + 6.0
        for words in marks:
            left = self._chip(painter, left, place.top() + 6.0, words, place.right(), tokens, "text")

    def _chip(
        self, painter: QPainter, left: float, top: float, words: str, limit: int, tokens: Tokens, kind: str
    ) -> float:
        width = QFontMetricsF(painter.font()).horizontalAdvance(words) + 14
        if left + width > limit - 4:
            return left
        box = QRectF(left, top, width, _CHIP_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("warning_tint") if kind == "warning" else QColor(tokens.overlay))
        painter.drawRoundedRect(box, 9, 9)
        painter.setPen(tokens.colour("warning_text") if kind == "warning" else tokens.colour("on_overlay"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
        return left + width + 4
