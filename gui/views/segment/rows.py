"""A list of named, coloured things: the labels of a project, the regions of a picture. However many there are, only what is seen is drawn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QFrame, QLineEdit, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gui.theme import icons
from gui.theme import tokens as design

ROW_PX = 32
_DOT_PX = 12
_ICON_PX = 16
_EDGE_PX = 10
_LONGEST_NAME = 200
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes:
        id: of what it stands for.
        words: its name.
        colour: of its dot, `#rrggbb`.
        note: quiet words at the right.
        key: a key that leads to it, shown as one; empty for none.
        icon: a drawing at the very right that can be pressed; empty for none.
        faint: it is not to be seen at present, or waits for somebody.
        tip: words on hover and for screen readers; the name when empty.
    """

    id: str
    words: str
    colour: str
    note: str = ""
    key: str = ""
    icon: str = ""
    faint: bool = False
    tip: str = ""


class RowsModel(QAbstractListModel):
    """Holds the rows. `named` is sent when somebody typed another name: (id, name)."""

    named = Signal(str, str)

    def __init__(self, parent: QObject | None = None, *, editable: bool = False) -> None:
        super().__init__(parent)
        self._rows: tuple[Row, ...] = ()
        self.editable = editable

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is shown."""
        return self._rows

    def set_rows(self, rows: Sequence[Row]) -> bool:
        """Show these; whether they are others than before (and not the same in other words)."""
        old, new = self._rows, tuple(rows)
        if [row.id for row in old] == [row.id for row in new]:
            self._rows = new
            if new and old != new:
                self.dataChanged.emit(self.index(0), self.index(len(new) - 1))
            return False
        self.beginResetModel()
        self._rows = new
        self.endResetModel()
        return True

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """How many."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words for eyes, hands and screen readers, and the row for the delegate."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole}:
            return row.words
        if role in {Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole}:
            return row.tip or row.words
        return row if role == Qt.ItemDataRole.UserRole else None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802 - Qt's name
        """Another name was typed; it shows once it is written down."""
        name = str(value).strip()
        if role != Qt.ItemDataRole.EditRole or not name or name == self._rows[index.row()].words:
            return False
        self.named.emit(self._rows[index.row()].id, name)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Names can be typed over where they are names."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if self.editable else flags


class RowList(QListView):
    """Shows rows.

    Signals:
        chosen: the person chose other rows; carries their ids.
        icon_pressed: the drawing of a row was pressed; carries its id.
        menu_asked: (id, place on the screen).
        remove_asked: the Delete key was pressed.
    """

    chosen = Signal(object)
    icon_pressed = Signal(str)
    menu_asked = Signal(str, QPoint)
    remove_asked = Signal()

    def __init__(self, *, name: str, words: str, several: bool = False, editable: bool = False) -> None:
        super().__init__()
        self.rows = RowsModel(self, editable=editable)
        self.setObjectName(name)
        self.setAccessibleName(words)
        self.setModel(self.rows)
        self.setItemDelegate(_Lines(self))
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        mode = QListView.SelectionMode.ExtendedSelection if several else QListView.SelectionMode.SingleSelection
        self.setSelectionMode(mode)
        triggers = QListView.EditTrigger.DoubleClicked | QListView.EditTrigger.EditKeyPressed
        self.setEditTriggers(triggers if editable else QListView.EditTrigger.NoEditTriggers)
        # The mouse leaves the keyboard with the canvas.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        self._syncing = False
        self.selectionModel().selectionChanged.connect(lambda *_: self._selected())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as its rows."""
        return QSize(200, ROW_PX * max(len(self.rows.rows), 1))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Two rows will do."""
        return QSize(80, 2 * ROW_PX)

    def set_rows(self, rows: Sequence[Row], chosen: Collection[str]) -> None:
        """Show these rows, with these chosen."""
        self._syncing = True
        renewed = self.rows.set_rows(rows)
        wanted = [number for number, row in enumerate(rows) if row.id in chosen]
        present = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        if renewed or wanted != present:
            selection = QItemSelection()
            for number in wanted:
                selection.select(self.rows.index(number), self.rows.index(number))
            self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            if wanted:
                first = self.rows.index(wanted[0])
                self.selectionModel().setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)
                self.scrollTo(first)
        self._syncing = False

    def edit_row(self, row_id: str) -> None:
        """Let the name of a row be typed over."""
        number = next((n for n, row in enumerate(self.rows.rows) if row.id == row_id), -1)
        if number >= 0:
            self.setCurrentIndex(self.rows.index(number))
            self.edit(self.rows.index(number))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The drawing of a row is a button of its own."""
        index = self.indexAt(event.position().toPoint())
        row = index.data(Qt.ItemDataRole.UserRole) if index.isValid() else None
        at_icon = index.isValid() and icon_box(self.visualRect(index)).contains(event.position())
        if isinstance(row, Row) and row.icon and at_icon and event.button() == Qt.MouseButton.LeftButton:
            self.icon_pressed.emit(row.id)
            return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Delete removes; Space presses the drawing of the current row."""
        row = self.currentIndex().data(Qt.ItemDataRole.UserRole)
        if event.key() == Qt.Key.Key_Delete:
            self.remove_asked.emit()
        elif event.key() == Qt.Key.Key_Space and isinstance(row, Row) and row.icon:
            self.icon_pressed.emit(row.id)
        else:
            super().keyPressEvent(event)

    def _selected(self) -> None:
        if not self._syncing:
            rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
            self.chosen.emit(tuple(self.rows.rows[row].id for row in rows))

    def _menu(self, point: QPoint) -> None:
        index = self.indexAt(point)
        row = index.data(Qt.ItemDataRole.UserRole) if index.isValid() else None
        if isinstance(row, Row):
            self.menu_asked.emit(row.id, self.viewport().mapToGlobal(point))


def icon_box(line: QRect) -> QRectF:
    """Where the drawing of a row is, a little larger than it is drawn, so that it is easily hit."""
    return QRectF(line.right() - _ICON_PX - 2 * 7, line.top(), _ICON_PX + 2 * 7, line.height())


class _Lines(QStyledItemDelegate):
    """Draws one line: a dot, a name, quiet words, a key, a drawing."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - Qt's name
        """All lines are alike."""
        return QSize(80, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one line."""
        row = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(row, Row):
            return
        tokens = design.current()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _ground(painter, option, tokens)
        box = option.rect.adjusted(_EDGE_PX, 0, -_EDGE_PX + 4, 0)
        dot = QRectF(box.left(), box.center().y() - _DOT_PX / 2 + 0.5, _DOT_PX, _DOT_PX)
        colour = QColor(row.colour)
        painter.setPen(QPen(colour, 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush if row.faint else colour)
        painter.drawEllipse(dot.adjusted(0.8, 0.8, -0.8, -0.8))
        right = box.right()
        if row.icon:
            middle = icon_box(option.rect).center()
            place = QRectF(middle.x() - _ICON_PX / 2, middle.y() - _ICON_PX / 2, _ICON_PX, _ICON_PX)
            icons.paint(painter, row.icon, place, tokens.colour("muted"))
            right = int(place.left()) - 6
        if row.key:
            right = _key(painter, row.key, right, box, tokens)
        painter.setPen(tokens.colour("muted"))
        small = QFont(option.font)
        small.setPixelSize(design.SMALL_PX)
        painter.setFont(small)
        note_w = QFontMetrics(small).horizontalAdvance(row.note)
        painter.drawText(
            QRect(right - note_w, box.top(), note_w, box.height()), Qt.AlignmentFlag.AlignVCenter, row.note
        )
        painter.setFont(option.font)
        painter.setPen(tokens.colour("muted" if row.faint else "text"))
        left = int(dot.right()) + 9
        room = QRect(left, box.top(), max(right - note_w - 8 - left, 0), box.height())
        text = option.fontMetrics.elidedText(row.words, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextSingleLine), text)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:  # noqa: ARG002, N802 - Qt's name
        """A field for the name."""
        field = QLineEdit(parent)
        field.setObjectName("segment.rename")
        field.setAccessibleName("Name")
        field.setProperty("small", "true")
        field.setMaxLength(_LONGEST_NAME)
        return field

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:  # noqa: N802 - Qt's name
        """What was typed."""
        if isinstance(editor, QLineEdit):
            model.setData(index, editor.text())

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:  # noqa: ARG002, N802 - Qt's name
        """Right of the dot."""
        editor.setGeometry(option.rect.adjusted(_EDGE_PX + _DOT_PX + 2, 1, -4, -1))


def _ground(painter: QPainter, option: QStyleOptionViewItem, tokens: design.Tokens) -> None:
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    if not selected and not option.state & QStyle.StateFlag.State_MouseOver:
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tokens.colour("accent_tint" if selected else "field"))
    painter.drawRoundedRect(QRectF(option.rect).adjusted(0, 1, 0, -1), 8, 8)


def _key(painter: QPainter, key: str, right: int, box: QRect, tokens: design.Tokens) -> int:
    """Draw a key; return where there is room left of it."""
    font = QFont(painter.font())
    font.setPixelSize(11)
    painter.setFont(font)
    width = QFontMetrics(font).horizontalAdvance(key) + 10
    place = QRectF(right - width, box.center().y() - 8.5, width, 18)
    painter.setPen(QPen(tokens.colour("line_strong"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(place, 5, 5)
    painter.setPen(tokens.colour("muted"))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, key)
    return int(place.left()) - 8
