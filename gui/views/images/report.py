"""What an import did, in one panel: how many came in, and every file that deserves a word."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui.widgets.buttons import IconButton, LinkButton
from gui.widgets.card import Card
from gui.widgets.mark import Mark
from gui.widgets.progress import ProgressLine
from gui.widgets.text import ElidedLabel, Label
from projects.report import ImportReport, ReportLine

_MOST_LINES = 200
_HEIGHT_PX = 168
_ICONS = {"error": ("error", "bad"), "warning": ("warning", "warning"), "info": ("info", "muted")}


class ImportPanel(Card):
    """Progress while an import runs, its report afterwards.

    Signals:
        stop_asked: the import shall stop.
        file_asked: a line of the report was pressed; carries the name of its file.
        undo_asked: take the import back.
    """

    stop_asked = Signal()
    file_asked = Signal(str)
    undo_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(name="images.import", padding=14, parent=parent)
        self.setAccessibleName("Import")
        self._progress = ProgressLine(name="images.import.progress", on_stop=self.stop_asked.emit)
        head = QHBoxLayout()
        head.setSpacing(10)
        self._title = Label(role="title")
        self._sentence = Label(role="muted")
        self._undo = LinkButton("Undo", name="images.import.undo", on_click=self.undo_asked.emit)
        head.addWidget(self._title)
        head.addWidget(self._sentence, 1)
        head.addWidget(self._undo)
        head.addWidget(IconButton("close", "Close this report", name="images.import.close", on_click=self.hide))
        self._head = QWidget()
        self._head.setLayout(head)
        head.setContentsMargins(0, 0, 0, 0)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("images.import.lines")
        self._scroll.setAccessibleName("Report, line by line")
        self._scroll.setWidgetResizable(True)
        self.body.addWidget(self._progress)
        self.body.addWidget(self._head)
        self.body.addWidget(self._scroll)
        self.hide()

    def show_progress(self, done: int, total: int, text: str) -> None:
        """An import is under way."""
        self._progress.set(done, total, f"Taking in {text}" if total else text)
        self._progress.show()
        self._head.hide()
        self._scroll.hide()
        self.show()

    def show_report(self, report: ImportReport) -> None:
        """An import is over."""
        self._progress.hide()
        self._title.setText(headline(report))
        self._sentence.setText(summary(report))
        self._undo.setVisible(report.change is not None)
        self._head.show()
        lines = report.lines[:_MOST_LINES]
        self._scroll.setVisible(bool(lines))
        if lines:
            inner = QWidget()
            inner.setObjectName("scrollBody")
            column = QVBoxLayout(inner)
            column.setContentsMargins(0, 0, 8, 0)
            column.setSpacing(6)
            for number, line in enumerate(lines):
                column.addWidget(self._line(number, line))
            if len(report.lines) > _MOST_LINES:
                column.addWidget(Label(f"and {len(report.lines) - _MOST_LINES} more like these", role="muted"))
            column.addStretch(1)
            self._scroll.setWidget(inner)
            self._scroll.setFixedHeight(min(_HEIGHT_PX, inner.sizeHint().height() + 4))
        self.show()

    def lines_shown(self) -> int:
        """How many lines of the report are on show."""
        inner = self._scroll.widget()
        return 0 if inner is None or self._scroll.isHidden() else len(inner.findChildren(LineRow))

    def _line(self, number: int, line: ReportLine) -> QWidget:
        row = LineRow(line)
        if line.file:
            row.body.addWidget(
                LinkButton(
                    "Show", name=f"images.import.show{number}", on_click=partial(self.file_asked.emit, line.file)
                )
            )
        return row


class LineRow(QWidget):
    """One line of a report."""

    def __init__(self, line: ReportLine) -> None:
        super().__init__()
        self.body = QHBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(10)
        drawing, ink = _ICONS[line.level]
        mark = Mark(drawing, 18, ink=ink)
        mark.setAccessibleName(line.level)
        self.body.addWidget(mark)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(ElidedLabel(": ".join(part for part in (line.file, line.title) if part)))
        if line.hint:
            words.addWidget(ElidedLabel(line.hint, role="small"))
        self.body.addLayout(words, 1)


def headline(report: ImportReport) -> str:
    """How many came in."""
    count = len(report.added)
    if count == 0:
        return "No photos came in"
    return f"{count} photo{'s' if count != 1 else ''} came in"


def summary(report: ImportReport) -> str:
    """What else there is to say, in one sentence."""
    left_out = sum(line.level == "error" for line in report.lines)
    to_look_at = sum(line.level == "warning" for line in report.lines)
    parts = []
    if report.cancelled:
        parts.append("stopped by you")
    if left_out:
        parts.append(f"{left_out} left out")
    if to_look_at:
        parts.append(f"{to_look_at} worth a look")
    if not parts:
        return f"in {report.seconds:.1f} s, nothing to complain of" if report.added else ""
    return ", ".join(parts)
