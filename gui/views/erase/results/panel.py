"""Results: the large picture and the table in the middle, what was found and what else changed at the right."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from engines.api.erase_report import ErasePicture
from engines.api.prompts import with_article
from gui.services import Services
from gui.theme import tokens as design
from gui.views.erase.results.grid import GridCard
from gui.views.erase.results.measured import Eraser, Result, eraser_of, read
from gui.views.erase.results.measuring import Measuring
from gui.views.erase.results.meter import MeterCard
from gui.views.erase.results.stage import LEAST_PX, StageCard
from gui.views.erase.results.tries import TriesCard
from gui.views.erase.results.verdict import VerdictCard
from gui.views.train.past import PastCard
from gui.views.train.watch import TrainLike, WatchPanel
from gui.widgets.page import GUTTER, ScrollBody
from gui.widgets.progress import ProgressLine
from gui.workers.background import Task
from gui.workers.runs import RunView

_RIGHT_PX = 330
_SHARE = 0.52
"""Of its height, which the large picture takes."""


class ResultsPanel(QWidget):
    """Shows what came of one finished erasure. `page` is asked to look at another one, or to repeat it; `watch` renames and removes."""

    def __init__(self, services: Services, page: TrainLike, watch: WatchPanel) -> None:
        super().__init__()
        self._services = services
        self._view: RunView | None = None
        self.result: Result | None = None
        self._reading: Task[Result] | None = None
        self.measuring = Measuring(services, self)
        self.stage = StageCard(services)
        self.grid = GridCard(services.background)
        self._verdict = VerdictCard(lambda: self.measure(circumvent=False))
        self._meter = MeterCard()
        self._tries = TriesCard(lambda: self.measure(circumvent=True))
        self._progress = ProgressLine(name="erase.measuring", on_stop=self.measuring.stop)
        self._progress.hide()
        self._past = PastCard(
            services.background,
            title="Erasers",
            look=page.look,
            repeat=page.repeat,
            rename=watch.rename,
            remove=watch.remove,
        )
        self._lay_out()
        self.grid.picked.connect(self._pick)
        self.measuring.progress.connect(self._progressed)
        self.measuring.measured.connect(lambda _run: self._read(anew=True))
        self.measuring.failed.connect(services.notify)

    def show_run(self, view: RunView | None) -> None:
        """Show the results of a run that has ended well; None for none."""
        before, self._view = self._view, view
        self._past.show_runs(self._services.runs.all("erase"), view.id if view is not None else "")
        if view is not None and (before is None or _key(before) != _key(view)):
            self._read(anew=before is not None and before.id == view.id)
        elif view is not None and self.result is not None:
            self.stage.show_eraser(self.result.eraser, self._others(), prompt=self._prompt(self.result))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """A tall window shows a large picture."""
        super().resizeEvent(event)
        self.stage.view.setMinimumHeight(max(LEAST_PX, round(self.height() * _SHARE)))

    def measure(self, *, circumvent: bool) -> None:
        """Measure the eraser on show, with attempts to bring the concept back or without."""
        view, result = self._view, self.result
        if view is not None and result is not None and view.info.erasure is not None:
            known = result.report.circumvention if result.report is not None else ()
            wished = circumvent or bool(known) or view.info.erasure.recipe.check.circumvent
            self.measuring.measure(result.eraser, view.info.erasure, result.folder, circumvent=wished)

    # --- building

    def _lay_out(self) -> None:
        middle = ScrollBody(margins=GUTTER)
        self._middle = middle
        for part in (self.stage, self.grid):
            middle.column.addWidget(part)
        middle.column.addStretch(1)
        right = ScrollBody(margins=GUTTER)
        right.setFixedWidth(_RIGHT_PX + design.GAP)
        for card in (self._progress, self._verdict, self._meter, self._tries, self._past):
            right.column.addWidget(card)
        right.column.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(middle, 1)
        row.addWidget(right)

    # --- following

    def _read(self, *, anew: bool) -> None:
        view = self._view
        eraser = eraser_of(view) if view is not None else None
        home = view.info.home if view is not None else None
        if eraser is None or home is None:
            return
        if self._reading is not None:
            self._reading.cancel()
        if not anew:
            self.result = None
            self._have(Result(eraser, home))
        self._reading = self._services.background.run(
            lambda _task: read(eraser, home), done=self._have, owner=self, priority=3
        )

    def _have(self, result: Result) -> None:
        before, self.result = self.result, result
        self.stage.show_eraser(result.eraser, self._others(), prompt=self._prompt(result))
        self._refresh()
        self.grid.show_result(result)
        first = result.report.rows[0].pictures[:1] if result.report is not None and result.report.rows else ()
        if first and (before is None or before.report != result.report):
            self._show_pair(first[0])

    def _refresh(self) -> None:
        result = self.result
        if result is not None:
            busy = bool(self.measuring.run)
            self._verdict.show_result(result, busy=busy)
            self._meter.show_report(result.report)
            self._tries.show_result(result, busy=busy)

    def _others(self) -> tuple[Eraser, ...]:
        """Other finished erasers of the same base, which may act beside this one."""
        mine = eraser_of(self._view) if self._view is not None else None
        every = (eraser_of(view) for view in self._services.runs.all("erase"))
        return tuple(
            one
            for one in every
            if one is not None and mine is not None and one.run != mine.run and one.base == mine.base
        )

    def _prompt(self, result: Result) -> str:
        job = self._view.info.erasure if self._view is not None else None
        words = (
            result.eraser.concepts[0] if result.eraser.concepts else job.targets[0].target if job is not None else ""
        )
        return f"a photo of {with_article(words)}" if words else ""

    def _pick(self, picture: ErasePicture) -> None:
        self._show_pair(picture)
        self._middle.ensureWidgetVisible(self.stage)
        self.stage.view.setFocus()

    def _show_pair(self, picture: ErasePicture) -> None:
        result = self.result
        if result is not None:
            files: tuple[Path, Path] = (result.picture(picture.base), result.picture(picture.erased))
            self.stage.show_pair(*files, picture.prompt, picture.seed)

    def _progressed(self, words: str, done: int, total: int) -> None:
        self._progress.setVisible(bool(words))
        if words:
            self._progress.set(done, total, words)
        self._refresh()


def _key(view: RunView) -> tuple[object, ...]:
    """What a new look at the files depends on."""
    return view.id, view.title, view.state.result, view.info.measured
