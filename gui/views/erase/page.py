"""The Erase page: an eraser is made, and what came of it is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from gui import opening
from gui.actions import Action
from gui.services import Services
from gui.views.erase.board import Board
from gui.views.erase.commands import page_actions
from gui.views.erase.making import MakingPanel
from gui.views.erase.results.panel import ResultsPanel
from gui.views.library.export import ExportSheet
from gui.views.train.controls import RunControls
from gui.widgets.buttons import QuietButton
from gui.widgets.page import EmptyState, PageHeader, columned
from gui.widgets.segmented import Segmented
from gui.workers.runs import RunView

Mode = Literal["make", "results"]
_MODES = (("make", "Erase"), ("results", "Results"))


class ErasePage(QWidget):
    """Arranges the page and brings its commands."""

    title = "Erase"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.setObjectName("page.erase")
        self.services = services
        self._in_view = False
        self._at_work = ""
        self.board = Board(services, self)
        self.making = MakingPanel(services, self.board)
        self._results: ResultsPanel | None = None
        self.controls = RunControls(services, name="erase")
        self.modes = Segmented(_MODES, name="erase.mode", label="What to do")
        self.export_button = QuietButton("Export…", name="erase.export", icon="upload", on_click=self.export)
        self._header = PageHeader("Erase", " ", buttons=(self.controls, self.modes, self.export_button))
        self._panels = QStackedWidget()
        self._panels.addWidget(self.making)
        both = QHBoxLayout()
        both.addWidget(self._panels)
        empty = EmptyState(
            "erase",
            "Begin with a project",
            "A project keeps the words, the erasers made from them, and the pictures that show what they do.",
            name="erase.none",
            button="New project",
            on_click=lambda: opening.new_project(services, page="erase"),
        )
        self._stack = columned(self, self._header, both, empty)
        self._connect()
        self._refresh()

    @property
    def results(self) -> ResultsPanel:
        """Its half for results, made when it is first needed: both halves at once would be felt."""
        if self._results is None:
            self._results = ResultsPanel(self.services, self.making, self.making.watch)
            self._panels.addWidget(self._results)
            self._results.show_run(self.finished)
        return self._results

    @property
    def mode(self) -> Mode:
        """What is being done: making an eraser, or looking at results."""
        return cast("Mode", self.modes.value)

    @property
    def finished(self) -> RunView | None:
        """The finished erasure that the page is about: the one on show, or else the newest."""
        runs = self.services.runs
        view = runs.view(self.making.current)
        if view is not None and view.adapter is not None:
            return view
        return next((one for one in runs.all("erase") if one.adapter is not None), None)

    def shown(self) -> None:
        """It came into view."""
        self._in_view = True
        self.board.watch(in_view=True)
        self._enter()

    def hidden(self) -> None:
        """It goes out of view."""
        self._in_view = False
        self.board.watch(in_view=False)

    def prepare(self) -> Iterator[None]:
        """Draw the choices before they are seen."""
        self.making.plan.draw()
        yield
        self.results.show_run(self.finished)
        yield

    def page_actions(self) -> tuple[Action, ...]:
        """Its commands."""
        return page_actions(self)

    def go(self, mode: Mode) -> None:
        """Do something else: make an eraser, or look at results."""
        self.modes.set_value(mode if mode == "make" or self.finished is not None else "make")
        self._refresh()
        self._enter()

    def export(self) -> None:
        """Ask for a format and a place, and write the eraser for another tool."""
        view = self.finished
        if view is not None and view.adapter is not None:
            ExportSheet(self.window(), self.services, view.adapter, view.title).open()

    def _connect(self) -> None:
        session, runs, making = self.services.session, self.services.runs, self.making
        session.opened.connect(self._another_project)
        session.closed.connect(self._another_project)
        self.modes.changed.connect(self.go)
        self.board.failed.connect(self.services.notify)
        making.running_changed.connect(self._run_moved)
        making.looked.connect(self._look)
        making.results_asked.connect(self._look)
        runs.changed.connect(self._run_moved)
        runs.current_changed.connect(self._run_moved)
        runs.repeat_asked.connect(self._repeat)
        runs.results_asked.connect(self._look)

    def _enter(self) -> None:
        """Only what is in view works."""
        if self._in_view:
            self.services.catalog.load()
            if self.mode == "make":
                self.making.shown()
            else:
                self.services.runs.look()

    def _another_project(self) -> None:
        self.modes.set_value("make")
        self._at_work = ""
        self._refresh()

    def _run_moved(self) -> None:
        """What came of a run that was watched to its end shows by itself."""
        running, ended = self.making.running, self.services.runs.view(self._at_work)
        self._at_work = running.id if running is not None else ""
        if running is None and ended is not None and ended.adapter is not None and ended.id == self.making.current:
            self.go("results")
        self._refresh()

    def _refresh(self) -> None:
        view = self.finished
        if view is None and self.mode == "results":
            self.modes.set_value("make")
        self._stack.setCurrentIndex(0 if self.services.session.project is not None else 1)
        self._panels.setCurrentWidget(self.making if self.mode == "make" else self.results)
        if self._results is not None:
            self._results.show_run(view)
        self.controls.show_run(self.making.running if self.mode == "make" else None)
        self.modes.setVisible(self.services.session.project is not None)
        self.modes.set_enabled("results", enabled=view is not None, why="Nothing was erased yet.")
        self.export_button.setVisible(self.mode == "results")
        about = f"“{view.title}”" if view is not None and self.mode == "results" else ""
        self._header.set_subtitle(about or "Make a model forget something, and see what that did")

    def _look(self, run: str) -> None:
        """Look at an erasure: at what came of it, or at how it goes."""
        view = self.services.runs.view(run)
        if view is not None and view.kind == "erase":
            self.services.runs.set_current(run, "erase")
            self.go("results" if view.adapter is not None else "make")

    def _repeat(self, run: str) -> None:
        view = self.services.runs.view(run)
        if view is not None and view.kind == "erase":
            self.go("make")
            self.making.repeat(run)
