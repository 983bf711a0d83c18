"""Results: figures at the left, the picture under a slider in the middle, the worst pictures below it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from gui.canvas.compare import CompareView
from gui.models.thumbnails import Thumbnails
from gui.services import Services
from gui.theme import tokens as design
from gui.views.segment.board import Board
from gui.views.segment.results.figures import FiguresCard
from gui.views.segment.results.measuring import Measuring
from gui.views.segment.results.overlays import overlays
from gui.views.segment.results.report import Measured, Report
from gui.views.segment.results.worst import WorstCard
from gui.widgets.buttons import PrimaryButton, QuietButton
from gui.widgets.card import Card
from gui.widgets.page import EmptyState, ScrollBody
from gui.widgets.progress import ProgressLine
from gui.widgets.text import ElidedLabel
from gui.workers.background import Task
from gui.workers.runs import RunView
from projects.records import Image

_LEFT_PX = 330


class ResultsPanel(QWidget):
    """Shows the report of one finished adaptation, or offers to measure it.

    Signals:
        fix_asked: the marks of a picture shall be corrected and learned from; carries its id.
        export_asked: what the run made shall be written for use elsewhere.
    """

    fix_asked = Signal(str)
    export_asked = Signal()

    def __init__(self, services: Services, board: Board, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._services, self._board = services, board
        self._view: RunView | None = None
        self._report: Report | None = None
        self._found: Sequence[tuple[Measured, Image]] = ()
        self._at = -1
        self._drawing: Task[tuple[QImage, QImage]] | None = None
        self.measuring = Measuring(services, self)
        self._figures = FiguresCard()
        self._worst = WorstCard(thumbnails, self.look_at)
        self._compare = CompareView("Choose a picture")
        self._compare.setObjectName("segment.compare")
        self._compare.setAccessibleName("Before and after")
        self._compare.set_words("Plain model", "Adapted")
        self._name = ElidedLabel(role="muted")
        self._fix = PrimaryButton("Correct it and learn from it", name="segment.fix", on_click=self._ask_fix)
        self._again = QuietButton("Measure again", name="segment.measureAgain", on_click=self.measure)
        self._export = QuietButton(
            "Export…", name="segment.results.export", icon="upload", on_click=self.export_asked.emit
        )
        self._progress = ProgressLine(name="segment.measuring", on_stop=self.measuring.stop)
        self._empty = EmptyState(
            "compare", "", "", name="segment.unmeasured", button="Measure before and after", on_click=self.measure
        )
        self._stack = QStackedWidget()
        self._lay_out()
        self._figures.way_changed.connect(lambda _key: self._show_pictures())
        self.measuring.changed.connect(self._refresh)
        self.measuring.read.connect(self._have_report)
        self.measuring.failed.connect(services.notify)
        board.contents_changed.connect(self._names_may_differ)
        self._refresh()

    def show_run(self, view: RunView | None) -> None:
        """Show the results of a run that has ended well; None for none."""
        fresh = (view.id if view is not None else "") != (self._view.id if self._view is not None else "")
        self._view = view
        if fresh:
            self._report = None
        if view is not None and self._report is None:
            self.measuring.look(view.info.folder)
        self._refresh()

    def measure(self) -> None:
        """Measure the run on show."""
        if self._view is not None:
            self.measuring.measure(self._view.info.folder, clicks=True)

    def look_at(self, number: int) -> None:
        """Show one of the measured pictures."""
        project = self._services.session.project
        if project is None or not 0 <= number < len(self._found):
            return
        self._at = number
        measured, image = self._found[number]
        self._worst.mark(number)
        change = (
            f", overlap {measured.before:.2f} → {measured.after:.2f}"
            if measured.before is not None and measured.after is not None
            else ""
        )
        self._name.setText(f"{image.original_name}{change}")
        self._fix.setEnabled(not self._services.session.read_only)
        colours = {label.name.casefold(): QColor(label.colour) for label in self._board.contents.labels}
        if self._drawing is not None:
            self._drawing.cancel()
        path: Path = project.path(image.file)
        self._drawing = self._services.background.run(
            lambda _task: overlays(path, measured, colours),
            done=self._drawn,
            failed=self._services.notify,
            owner=self,
            priority=5,
        )

    # --- building

    def _lay_out(self) -> None:
        left = ScrollBody(margins=(0, 0, design.GAP, 0))
        left.setFixedWidth(_LEFT_PX + design.GAP)
        left.column.addWidget(self._figures)
        left.column.addWidget(self._worst)
        left.column.addStretch(1)
        card = Card(name="segment.measured", padding=12)
        card.setAccessibleName("Before and after in one picture")
        foot = QHBoxLayout()
        foot.setSpacing(10)
        foot.addWidget(self._name, 1)
        foot.addWidget(self._export)
        foot.addWidget(self._again)
        foot.addWidget(self._fix)
        card.body.addWidget(self._compare, 1)
        card.body.addLayout(foot)
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(left)
        row.addWidget(card, 1)
        empty = Card(name="segment.noResults")
        empty.body.addWidget(self._empty)
        self._stack.addWidget(both)
        self._stack.addWidget(empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self._progress)
        column.addWidget(self._stack, 1)

    # --- following

    def _have_report(self, folder: Path, report: Report | None) -> None:
        if self._view is None or folder != self._view.info.folder or report == self._report:
            return
        self._report = report
        if report is not None:
            self._figures.show_report(report)
        self._refresh()

    def _show_pictures(self) -> None:
        project = self._services.session.project
        way = self._report.way(self._figures.way) if self._report is not None else None
        if project is None or way is None:
            return
        known = {image.file: image for image in self._board.contents.images}
        self._found = [(one, known[one.file]) for one in way.pictures if one.file in known]
        self._worst.show_pictures(project, self._found)
        self._compare.set_before(QImage())
        self._compare.set_after(QImage())
        self.look_at(0)

    def _names_may_differ(self) -> None:
        """Pictures of the project came or went; what is looked at stays, if it still can."""
        known = {image.file for image in self._board.contents.images}
        gone = any(image.file not in known for _measured, image in self._found)
        if self._report is not None and (gone or not self._found):
            self._show_pictures()

    def _drawn(self, pictures: tuple[QImage, QImage]) -> None:
        self._compare.set_before(pictures[0])
        self._compare.set_after(pictures[1])

    def _refresh(self) -> None:
        busy = self.measuring.run is not None
        self._progress.setVisible(busy)
        self._progress.set(0, 0, self.measuring.words)
        self._stack.setCurrentIndex(0 if self._report is not None and self._view is not None else 1)
        self._again.setEnabled(not busy)
        if self._view is None:
            words = ("Nothing was taught yet", "Once a model has learned, before and after are measured here.")
        else:
            words = (
                f"“{self._view.title}” was not measured yet",
                "The plain model and the adapted one are asked the same about pictures that were not learned from.",
            )
        self._empty.set_words(*words)
        button = self._empty.findChild(QWidget, "segment.unmeasured.button")
        if button is not None:
            button.setVisible(self._view is not None)
            button.setEnabled(not busy)

    def _ask_fix(self) -> None:
        if 0 <= self._at < len(self._found):
            self.fix_asked.emit(self._found[self._at][1].id)
