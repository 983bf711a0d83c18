"""What an import did, in one panel: how many came in, and every file that deserves a word."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.views.images.lines import LinesView
from gui.widgets.buttons import IconButton, LinkButton
from gui.widgets.card import Card
from gui.widgets.progress import ProgressLine
from gui.widgets.text import Label
from projects.report import ImportReport


class ImportPanel(Card):
    """Progress while an import runs, its report afterwards; `noun` is what comes in.

    Signals:
        closed: the report was put away.
        stop_asked: the import shall stop.
        file_asked: a line of the report was pressed; carries the name of its file.
        undo_asked: take the import back.
    """

    closed = Signal()
    stop_asked = Signal()
    file_asked = Signal(str)
    undo_asked = Signal()

    def __init__(self, parent: QWidget | None = None, *, noun: str = "photo") -> None:
        super().__init__(name="images.import", padding=14, parent=parent)
        self._noun = noun
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
        head.addWidget(IconButton("close", "Close this report", name="images.import.close", on_click=self.put_away))
        self._head = QWidget()
        self._head.setLayout(head)
        head.setContentsMargins(0, 0, 0, 0)
        self._lines = LinesView()
        self._lines.file_asked.connect(self.file_asked)
        self.body.addWidget(self._progress)
        self.body.addWidget(self._head)
        self.body.addWidget(self._lines)
        self.hide()

    def show_progress(self, done: int, total: int, text: str) -> None:
        """An import is under way."""
        self._progress.set(done, total, f"Taking in {text}" if total else text)
        self._progress.show()
        self._head.hide()
        self._lines.hide()
        self.show()

    def show_report(self, report: ImportReport) -> None:
        """An import is over."""
        self._progress.hide()
        self._title.setText(headline(report, self._noun))
        self._sentence.setText(summary(report))
        self._undo.setVisible(report.change is not None)
        self._head.show()
        self._lines.set_lines(report.lines)
        self._lines.setVisible(bool(report.lines))
        self.show()

    def put_away(self) -> None:
        """Close the report."""
        self.hide()
        self.closed.emit()

    def lines_shown(self) -> int:
        """How many lines of the report are on show."""
        return 0 if self._lines.isHidden() else self._lines.count()


def headline(report: ImportReport, noun: str = "photo") -> str:
    """How many came in."""
    count, masks = len(report.added), len(report.regions)
    photos = f"{count} {noun}{'s' if count != 1 else ''}"
    if masks:
        return f"{masks} mask{'s' if masks != 1 else ''} came in" + (f", with {photos}" if count else "")
    return f"{photos} came in" if count else "Nothing came in"


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
        return f"in {report.seconds:.1f} s, nothing to complain of" if report.added or report.regions else ""
    return ", ".join(parts)
