"""The command palette (Ctrl+K): every command, page and recent project, found by typing a few letters."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gui.actions import Action
from gui.theme import icons
from gui.theme import tokens as design
from gui.widgets.card import separator
from gui.widgets.text import Label

_WIDTH_PX = 620
_ROW_PX = 38
_MOST_ROWS = 10
_TOP_PX = 96
Index = QModelIndex | QPersistentModelIndex


def score(query: str, title: str, words: str = "") -> int:
    """How well a command answers what was typed: 0 not at all, higher is better.

    The start of the title beats the start of a word, which beats the middle of a word, which beats the other words it is found by.
    """
    wanted = query.casefold().split()
    if not wanted:
        return 1
    name, more = title.casefold(), words.casefold()
    total = 0
    for part in wanted:
        if name.startswith(part):
            total += 40
        elif any(word.startswith(part) for word in name.split()):
            total += 30
        elif part in name:
            total += 20
        elif any(word.startswith(part) for word in more.split()):
            total += 10
        else:
            return 0
    return total


class Palette(QFrame):
    """A list with a field over it, above everything else in the window.

    Signals:
        chosen: the `Action` that was picked; the palette is closed already.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("palette")
        self.setAccessibleName("Search or run anything")
        self._model = _Commands(self)
        self._window = parent
        self._actions: tuple[Action, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(4)
        self.field = QLineEdit()
        self.field.setObjectName("paletteField")
        self.field.setAccessibleName("Search or run anything")
        self.field.setPlaceholderText("Search or run anything")
        self.list = QListView()
        self.list.setObjectName("paletteList")
        self.list.setAccessibleName("Commands")
        self.list.setModel(self._model)
        self.list.setItemDelegate(_Rows(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.entered.connect(self.list.setCurrentIndex)
        self.list.clicked.connect(self._pick)
        self._none = Label("Nothing is called that.", role="muted")
        self._none.setContentsMargins(12, 8, 12, 8)
        column.addWidget(self.field)
        column.addWidget(separator())
        column.addWidget(self.list)
        column.addWidget(self._none)
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.hide()

    def open_with(self, actions: Sequence[Action]) -> None:
        """Show these commands and take the keyboard."""
        self._actions = tuple(actions)
        self.field.clear()
        self._filter("")
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def shown_actions(self) -> tuple[Action, ...]:
        """The commands that answer what is typed, the best first."""
        return self._model.actions

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Up, down, Enter and Escape in the field; leaving the field closes the palette."""
        if watched is not self.field:
            return False
        if event.type() == QEvent.Type.FocusOut and not self.underMouse():
            self.hide()
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._key(Qt.Key(event.key()))
        return False

    def place(self) -> None:
        """Sit in the upper middle of the window."""
        window = self._window
        width = min(_WIDTH_PX, window.width() - 40)
        rows = min(max(self._model.rowCount(), 1), _MOST_ROWS)
        self.list.setFixedHeight(rows * _ROW_PX + 2)
        self.adjustSize()
        self.setGeometry((window.width() - width) // 2, _TOP_PX, width, self.sizeHint().height())

    def _key(self, key: Qt.Key) -> bool:
        row = self.list.currentIndex().row()
        if key == Qt.Key.Key_Escape:
            self.hide()
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._pick(self.list.currentIndex())
        elif key in {Qt.Key.Key_Down, Qt.Key.Key_Up} and self._model.rowCount():
            step = 1 if key == Qt.Key.Key_Down else -1
            self.list.setCurrentIndex(self._model.index((row + step) % self._model.rowCount()))
        else:
            return False
        return True

    def _filter(self, text: str) -> None:
        ranked = [(score(text, action.title, action.words), action) for action in self._actions]
        found = sorted((pair for pair in ranked if pair[0]), key=lambda pair: -pair[0])
        self._model.show_actions(tuple(action for _, action in found))
        self.list.setVisible(bool(found))
        self._none.setVisible(not found)
        if found:
            self.list.setCurrentIndex(self._model.index(0))
        self.place()

    def _pick(self, index: Index) -> None:
        if index.isValid():
            action = self._model.actions[index.row()]
            self.hide()
            self.chosen.emit(action)


class _Commands(QAbstractListModel):
    """The commands on show."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.actions: tuple[Action, ...] = ()

    def show_actions(self, actions: tuple[Action, ...]) -> None:
        """Show others."""
        self.beginResetModel()
        self.actions = actions
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """How many."""
        return 0 if parent is not None and parent.isValid() else len(self.actions)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Title for eyes and screen readers, the command itself for the delegate."""
        action = self.actions[index.row()]
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole}:
            return action.title
        return action if role == Qt.ItemDataRole.UserRole else None


class _Rows(QStyledItemDelegate):
    """One row: icon, title, keys at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - Qt's name
        """All rows are alike."""
        return QSize(200, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw it."""
        action = index.data(Qt.ItemDataRole.UserRole)
        tokens = design.current()
        box = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.colour("accent_tint"))
            painter.drawRoundedRect(box.adjusted(0, 1, 0, -1), 8, 8)
        if action.icon:
            icons.paint(
                painter, action.icon, QRectF(box.left() + 12, box.center().y() - 8.5, 17, 17), tokens.colour("muted")
            )
        painter.setPen(tokens.colour("text"))
        line = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
        painter.drawText(box.adjusted(42, 0, -120, 0), line | Qt.AlignmentFlag.AlignLeft, action.title)
        if action.keys:
            words = QKeySequence(action.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
            small = QFont(painter.font())
            small.setPixelSize(design.SMALL_PX)
            painter.setFont(small)
            painter.setPen(QColor(tokens.muted))
            painter.drawText(box.adjusted(0, 0, -12, 0), line | Qt.AlignmentFlag.AlignRight, words)
        painter.restore()
