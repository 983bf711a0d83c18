"""Making an eraser: words and choices on the left, how it goes on the right."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.services import Services
from gui.theme import tokens as design
from gui.views.erase.board import Board
from gui.views.erase.plan import ErasePlan
from gui.views.erase.progress import ProgressCard
from gui.views.train.watch import Watched, WatchPanel
from gui.widgets.card import Card
from gui.widgets.notice import Notice
from gui.widgets.page import EmptyState
from gui.workers.runs import RunView

ERASING = Watched(
    "erase",
    "See what came of it",
    "how far its answers are from what they shall be, lower is better",
    "The first picture shows what the model makes of the words before anything was erased.",
    listed="Erasers",
)


class MakingPanel(QWidget):
    """Arranges the panel.

    Signals:
        looked: a run is to be looked at; carries its id.
        results_asked: what came of a run is wanted; carries its id.
        running_changed: another run is at work, or none (`running`).
    """

    looked = Signal(str)
    results_asked = Signal(str)
    running_changed = Signal()

    def __init__(self, services: Services, board: Board) -> None:
        super().__init__()
        self._services, self._board = services, board
        self._followed = True
        self._filled = False
        self.plan = ErasePlan(services, board, on_start=self.start)
        self._progress = ProgressCard()
        self.watch = WatchPanel(services, self, replace(ERASING, learns=self._learns))
        self.watch.column.insertWidget(0, self._progress)
        self.watch.column.addStretch()  # takes the room that the curve leaves where there is none
        self._first = QWidget()
        self._lay_out()
        session, runs = services.session, services.runs
        session.opened.connect(self._another_project)
        session.closed.connect(self._another_project)
        runs.changed.connect(self._refresh)
        runs.run_changed.connect(self._run_moved)
        runs.current_changed.connect(self._refresh)
        services.catalog.loaded.connect(lambda _catalog: self._refresh())  # the choices are drawn by then
        self._refresh()

    @property
    def current(self) -> str:
        """Id of the run on show."""
        return self._services.runs.current_of("erase")

    @property
    def running(self) -> RunView | None:
        """The run on show, while it is at work."""
        view = self._services.runs.view(self.current)
        return view if view is not None and view.active else None

    def shown(self) -> None:
        """It came into view."""
        self._services.catalog.load()
        self.plan.draw()
        self.watch.warm_up()
        self._services.runs.look()
        self._refresh()

    def look(self, run: str) -> None:
        """Show another run."""
        self._services.runs.set_current(run, "erase")
        self.looked.emit(run)

    def use(self, run: str) -> None:
        """Look at what came of a finished one."""
        self.results_asked.emit(run)

    def repeat(self, run: str) -> None:
        """Fill words and choices from an earlier run."""
        view = self._services.runs.view(run)
        if view is not None and view.info.erasure is not None:
            self.plan.fill(view.info.erasure)
            text = f"They are those of “{view.title}”. Change what you like, then start; the old one stays as it is."
            self._services.notify(Notice("info", "Words and settings were taken over", text))

    def start(self) -> None:
        """Start erasing, or put it in the queue."""
        draft = self.plan.draft()
        if draft is None:
            return
        self.plan.start_button.setEnabled(False)

        def began(run: str) -> None:
            self._followed = self._services.runs.active("erase") is None
            if self._followed:
                self._services.runs.set_current(run, "erase")
            self._refresh()

        def failed(notice: Notice) -> None:
            self._services.notify(notice)
            self._refresh()

        self._services.runs.start(draft, done=began, failed=failed)

    def _lay_out(self) -> None:
        card = Card(name="erase.firstTimeCard")
        card.body.addWidget(
            EmptyState(
                "erase",
                "A model that no longer shows it",
                "Say what must not appear and what must stay, choose a way, and start. You get a small file that acts beside any model of the "
                "family. It ends by making the same pictures with and without it, and tells in how many of them the thing is still "
                "recognised, and what else has changed.",
                name="erase.firstTime",
            )
        )
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        inset = QHBoxLayout(self._first)
        inset.setContentsMargins(0, 0, design.GAP, 0)  # what scrolls ends a gap further right, where its bar stands
        inset.addWidget(card)
        right.addWidget(self._first, 1)
        right.addWidget(self.watch, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.plan)
        row.addLayout(right, 1)

    def _learns(self, view: RunView) -> bool:
        """Whether there are steps to watch; what is solved at once has none."""
        job, catalog = view.info.erasure, self._services.catalog.catalog
        entries = catalog.erasers if catalog is not None else ()
        entry = next((entry for entry in entries if job is not None and entry.name == job.method.name), None)
        return entry is None or entry.learns

    def _another_project(self) -> None:
        self._followed, self._filled = True, False
        self._refresh()

    def _run_moved(self, run: str) -> None:
        if run == self.current:
            self._refresh()

    def _refresh(self) -> None:
        self._choose_current()
        self._fill_from_last()
        view = self._services.runs.view(self.current)
        self._first.setVisible(view is None)
        self.watch.setVisible(view is not None)
        self.watch.show_run(view)
        self._progress.show_run(view)
        self.watch.show_lists(self.current)
        self.plan.show_plan(self.running)
        self.running_changed.emit()

    def _choose_current(self) -> None:
        """Follow the run at work, unless the person looks at another one."""
        runs = self._services.runs
        active, every = runs.active("erase"), runs.all("erase")
        if active is not None and (self._followed or runs.view(self.current) is None):
            self._followed = True
            runs.set_current(active.id)
        elif runs.view(self.current) is None:
            runs.set_current(every[0].id if every else "", "erase")

    def _fill_from_last(self) -> None:
        """The way and its settings come back as they were; the words are kept by the project."""
        runs = self._services.runs
        if self._filled or not self.plan.choices.drawn or not runs.listed:
            return
        self._filled = True
        every = runs.all("erase")
        if every and every[0].info.erasure is not None:
            self.plan.choices.fill(every[0].info.erasure)
