"""The strip at the foot: every picture of the project, whether it is marked, and the part that it plays."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QFrame, QListView, QSizePolicy, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gui.models.images import ImagesModel
from gui.models.thumbnails import Thumbnails
from gui.theme import icons
from gui.theme import tokens as design
from gui.theme.tokens import Tokens
from gui.views.segment.board import Board
from gui.views.segment.contents import Contents
from gui.views.segment.words import PARTS
from gui.widgets.cutting import Cuttings
from projects.project import Project
from projects.records import Image
from projects.thumbnails import EDGE

_TILE_PX = 68
_ROOM_PX = 14
_RADIUS = 9
_MARK_PX = 16
Index = QModelIndex | QPersistentModelIndex


class Strip(QListView):
    """Follows the board, and puts the picture that is chosen here on it."""

    def __init__(self, board: Board, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self._pictures = ImagesModel(self, describe=lambda image: describe(image, board.contents))
        self._tiles = _Tiles(board, thumbnails, self)
        self.setObjectName("segment.strip")
        self.setAccessibleName("Pictures")
        self.setModel(self._pictures)
        self.setItemDelegate(self._tiles)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setFixedHeight(_TILE_PX + _ROOM_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        # The mouse leaves the keyboard with the canvas.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.selectionModel().currentChanged.connect(self._chosen)
        self._syncing = False
        board.contents_changed.connect(self._refresh)
        board.image_changed.connect(self._follow)
        thumbnails.ready.connect(self._pictures.touch)

    def set_project(self, project: Project | None) -> None:
        """Whose pictures these are."""
        self._tiles.project = project

    def _refresh(self) -> None:
        self._syncing = True
        self._pictures.set_images(self._board.contents.images)
        self._pictures.touch_all()
        self._syncing = False
        self._follow()

    def _follow(self) -> None:
        row = self._pictures.row(self._board.image.id) if self._board.image is not None else -1
        self._syncing = True
        if row < 0:
            self.selectionModel().clear()
        elif self.currentIndex().row() != row or not self.selectionModel().isRowSelected(row):
            index = self._pictures.index(row)
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.scrollTo(index, QListView.ScrollHint.EnsureVisible)
        self._syncing = False

    def _chosen(self, index: QModelIndex) -> None:
        if not self._syncing and index.isValid():
            self._board.go(self._pictures.image(index.row()).id)


def describe(image: Image, contents: Contents) -> str:
    """A picture of the strip in words."""
    count = sum(contents.accepted.get(image.id, {}).values())
    proposed = sum(contents.proposed.get(image.id, {}).values())
    parts = [f"{image.original_name}, {image.width} × {image.height}"]
    nothing = "checked, nothing is here" if image.id in contents.accepted else "nothing marked yet"
    parts.append(f"{count} marked" if count else nothing)
    if proposed:
        parts.append(f"{proposed} proposed")
    if image.split is not None:
        parts.append(PARTS[image.split].sentence)
    return ". ".join(parts)


class _Tiles(QStyledItemDelegate):
    """Draws the tiles; thumbnails that are not loaded yet show as an empty place."""

    def __init__(self, board: Board, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self._thumbnails = thumbnails
        self._cuttings = Cuttings(_RADIUS)
        self.project: Project | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - Qt's name
        """All tiles are alike."""
        return QSize(_TILE_PX, _TILE_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one tile."""
        image = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(image, Image) or self.project is None:
            return
        tokens = design.current()
        place = QRect(option.rect.left() + 3, option.rect.top() + 3, _TILE_PX - 6, _TILE_PX - 6)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._picture(painter, place, image, tokens)
        self._marks(painter, place, image, tokens)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if selected or over:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(tokens.colour("accent" if selected else "line_strong"), 3.0 if selected else 2.0))
            painter.drawRoundedRect(QRectF(place).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
        painter.restore()

    def _picture(self, painter: QPainter, place: QRect, image: Image, tokens: Tokens) -> None:
        path = QPainterPath()
        path.addRoundedRect(QRectF(place), _RADIUS, _RADIUS)
        painter.fillPath(path, tokens.colour("field"))
        found = self._thumbnails.get(self.project, image, EDGE) if self.project is not None else None
        if found is not None:
            ratio = painter.device().devicePixelRatio()
            painter.drawPixmap(place.topLeft(), self._cuttings.get(found, place.width(), ratio))
        elif self._thumbnails.is_missing(image, EDGE):
            middle = QRectF(0, 0, 22, 22)
            middle.moveCenter(QRectF(place).center())
            icons.paint(painter, "warning", middle, tokens.colour("warning"))

    def _marks(self, painter: QPainter, place: QRect, image: Image, tokens: Tokens) -> None:
        """A tick for what is marked, a ring for what is only proposed, a letter for the part it plays."""
        contents = self._board.contents
        badge = QRectF(place.right() - _MARK_PX - 3, place.bottom() - _MARK_PX - 3, _MARK_PX, _MARK_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        if image.id in contents.accepted:
            painter.setBrush(tokens.colour("accent_fill"))
            painter.drawEllipse(badge)
            icons.paint(painter, "check", badge.adjusted(2.5, 2.5, -2.5, -2.5), tokens.colour("on_accent"))
        elif image.id in contents.proposed:
            painter.setBrush(tokens.colour("card"))
            painter.setPen(QPen(tokens.colour("accent"), 2.0, Qt.PenStyle.DotLine))
            painter.drawEllipse(badge.adjusted(1, 1, -1, -1))
        if image.split is not None and image.split != "train":
            font = QFont(painter.font())
            font.setPixelSize(10)
            font.setWeight(QFont.Weight.DemiBold)
            painter.setFont(font)
            chip = QRectF(place.left() + 4, place.bottom() - _MARK_PX - 3, 38, _MARK_PX)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.colour("overlay"))
            painter.drawRoundedRect(chip, 7, 7)
            painter.setPen(tokens.colour("on_overlay"))
            painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, PARTS[image.split].short)
