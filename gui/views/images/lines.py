"""The lines of an import report as a list: however many there are, only those in view are drawn."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from gui.theme import icons
from gui.theme import tokens as design
from projects.report import ReportLine

_ROW_PX = 40
_MOST_ROWS = 4
_ICONS = {"error": ("error", "bad"), "warning": ("warning", "warning"), "info": ("info", "muted")}
Index = QModelIndex | QPersistentModelIndex


class LinesModel(QAbstractListModel):
    """Holds the lines of one report."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[ReportLine, ...] = ()

    def set_lines(self, lines: tuple[ReportLine, ...]) -> None:
        """Show another report."""
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()

    def line(self, row: int) -> ReportLine:
        """The line in a row."""
        return self._lines[row]

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """How many."""
        return 0 if parent is not None and parent.isValid() else len(self._lines)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words for eyes and screen readers, the whole of them on hover, and the line for the delegate."""
        line = self._lines[index.row()]
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole}:
            return f"{line.level}: {headline(line)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(part for part in (headline(line), line.hint) if part)
        return line if role == Qt.ItemDataRole.UserRole else None


class LinesView(QListView):
    """Signals.

    file_asked: a line was pressed that is about a file; carries its name.
    """

    file_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("images.import.lines")
        self.setAccessibleName("Report, line by line")
        self._model = LinesModel(self)
        self.setModel(self._model)
        self.setItemDelegate(_Rows(self))
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.activated.connect(self._pressed)
        self.clicked.connect(self._pressed)

    def set_lines(self, lines: tuple[ReportLine, ...]) -> None:
        """Show another report, a few lines of it at a time."""
        self._model.set_lines(lines)
        self.setFixedHeight(min(len(lines), _MOST_ROWS) * _ROW_PX + 2)

    def count(self) -> int:
        """How many lines there are."""
        return self._model.rowCount()

    def _pressed(self, index: Index) -> None:
        line = self._model.line(index.row())
        if line.file:
            self.file_asked.emit(line.file)


class _Rows(QStyledItemDelegate):
    """One line: its mark, the file and what happened, and the hint under it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - Qt's name
        """All rows are alike."""
        return QSize(120, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw it."""
        line = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(line, ReportLine):
            return
        tokens = design.current()
        box = QRectF(option.rect)
        drawing, ink = _ICONS[line.level]
        painter.save()
        if option.state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_Selected) and line.file:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.colour("field"))
            painter.drawRoundedRect(box.adjusted(0, 1, -4, -1), 8, 8)
        icons.paint(painter, drawing, QRectF(box.left() + 8, box.top() + 11, 18, 18), tokens.colour(ink))
        words = box.adjusted(36, 3, -12, -3)
        left = Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine
        painter.setPen(tokens.colour("text"))
        metrics = painter.fontMetrics()
        top = Qt.AlignmentFlag.AlignTop if line.hint else Qt.AlignmentFlag.AlignVCenter
        title = metrics.elidedText(headline(line), Qt.TextElideMode.ElideRight, int(words.width()))
        painter.drawText(words, left | top, title)
        if line.hint:
            small = QFont(option.font)
            small.setPixelSize(design.SMALL_PX)
            painter.setFont(small)
            painter.setPen(tokens.colour("muted"))
            hint = painter.fontMetrics().elidedText(line.hint, Qt.TextElideMode.ElideRight, int(words.width()))
            painter.drawText(words, left | Qt.AlignmentFlag.AlignBottom, hint)
        painter.restore()


def headline(line: ReportLine) -> str:
    """The file and what happened to it."""
    return ": ".join(part for part in (line.file, line.title) if part)
