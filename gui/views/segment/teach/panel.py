"""Teach: how to adapt the model on the left, how it goes on the right, and what to do with what came of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.services import Services
from gui.theme import tokens as design
from gui.views.segment.board import Board
from gui.views.segment.teach.plan import TeachPlan
from gui.views.segment.teach.readiness import Leaks, Readiness, leaks, look
from gui.views.segment.using import Using
from gui.views.train.watch import Watched, WatchPanel
from gui.widgets.buttons import LinkButton, QuietButton
from gui.widgets.card import Card
from gui.widgets.notice import Notice
from gui.widgets.page import EmptyState
from gui.widgets.text import Label
from gui.workers.adapting import SegmentDraft
from gui.workers.reading import Reader
from gui.workers.runs import RunView
from projects import edits, edits_regions

ADAPTING = Watched(
    "segment",
    "Use it",
    "how far masks are from right on the watched pictures, lower is better",
    "The first picture shows what the model finds before it has learned anything.",
    seeded=False,
)


class TeachPanel(QWidget):
    """Arranges the panel.

    Signals:
        used: a finished adaptation answers from now on.
        results_asked: before and after of a run are wanted; carries its id.
        export_asked: what a run made shall be written for use elsewhere.
        running_changed: another run is at work, or none (`running`).
    """

    used = Signal()
    results_asked = Signal(str)
    export_asked = Signal()
    running_changed = Signal()

    def __init__(self, services: Services, board: Board, using: Using) -> None:
        super().__init__()
        self._services, self._board, self._using = services, board, using
        self._readiness = Readiness()
        self._leaks = Leaks()
        self._followed = True
        self._filled = False
        self.plan = TeachPlan(services, on_start=self.start)
        self._watch = WatchPanel(services, self, replace(ADAPTING, named=self._name_of))
        self._watch.more.addWidget(
            QuietButton(
                "Before and after", name="segment.results", on_click=lambda: self.results_asked.emit(self.current)
            )
        )
        self._watch.more.addWidget(
            QuietButton("Export…", name="segment.teach.export", icon="upload", on_click=self.export_asked.emit)
        )
        self._leaking = Card(name="segment.leaks", padding=14)
        self._leak_words = Label(role="warning", wrap=True)
        self._first = Card(name="segment.firstTimeCard")
        self._leaking_inset, self._first_inset = QWidget(), QWidget()
        self._leak_reader = Reader(
            services.background, lambda: leaks(services.session), failed=services.notify, parent=self
        )
        self._lay_out()
        self._connect()
        self._refresh()

    @property
    def current(self) -> str:
        """Id of the run on show."""
        return self._services.runs.current_of("segment")

    @property
    def running(self) -> RunView | None:
        """The run on show, while it is at work."""
        view = self._services.runs.view(self.current)
        return view if view is not None and view.active else None

    def shown(self) -> None:
        """It came into view."""
        self._services.catalog.load()
        self.plan.draw()
        self._watch.warm_up()
        self._services.runs.look()
        self._leak_reader.soon()
        self._refresh()

    def look(self, run: str) -> None:
        """Show another run."""
        self._services.runs.set_current(run, "segment")

    def repeat(self, run: str) -> None:
        """Fill the form from an earlier run."""
        view = self._services.runs.view(run)
        if view is not None and view.info.adaptation is not None:
            self.plan.fill(view.info.adaptation)
            text = f"They are those of “{view.title}”. Change what you like, then start; the old one stays as it is."
            self._services.notify(Notice("info", "The settings were taken over", text))

    def use(self, run: str) -> None:
        """Have a finished adaptation answer from now on."""
        self._using.use_run(run)
        self.used.emit()

    def start(self) -> None:
        """Start teaching, or put it in the queue; parts that are not decided yet are decided first."""
        labels = [label.name for label in self._board.contents.labels if self._board.contents.used(label.id)]
        draft = self.plan.draft(", ".join(labels[:3]))
        if draft is None:
            return
        self.plan.start_button.setEnabled(False)
        if self._readiness.undecided:
            self._board.do(edits_regions.split_pictures, lambda _change: self._start(draft))
        else:
            self._start(draft)

    # --- building

    def _lay_out(self) -> None:
        self._first.body.addWidget(
            EmptyState(
                "segment",
                "Watch it being learned here",
                "A curve shows how far its masks are from right on pictures it does not learn from, and samples what it finds in them. You can "
                "pause or stop at any time, and use what it has learned at once.",
                name="segment.firstTime",
            )
        )
        self._leaking.body.addWidget(self._leak_words)
        mend = QHBoxLayout()
        mend.addWidget(LinkButton("Learn from all of them", name="segment.mendLeaks", on_click=self._mend))
        mend.addStretch(1)
        self._leaking.body.addLayout(mend)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(12)
        # What scrolls ends a gap further right, where its bar stands; these do not.
        for widget, inset, share in ((self._leaking, self._leaking_inset, 0), (self._first, self._first_inset, 1)):
            row = QHBoxLayout(inset)
            row.setContentsMargins(0, 0, design.GAP, 0)
            row.addWidget(widget)
            right.addWidget(inset, share)
        right.addWidget(self._watch, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.plan)
        row.addLayout(right, 1)

    def _connect(self) -> None:
        session, runs = self._services.session, self._services.runs
        session.opened.connect(self._another_project)
        session.closed.connect(self._another_project)
        runs.changed.connect(self._refresh)
        runs.run_changed.connect(self._run_moved)
        runs.current_changed.connect(self._refresh)
        self._board.contents_changed.connect(self._contents_changed)
        self._leak_reader.read.connect(self._have_leaks)
        self._using.changed.connect(lambda: self.plan.show_base(self._using.base))
        self.plan.base_chosen.connect(self._using.teach_on)

    # --- following

    def _start(self, draft: SegmentDraft) -> None:
        def began(run: str) -> None:
            self._followed = self._services.runs.active("segment") is None
            if self._followed:
                self.look(run)
            self._refresh()

        def failed(notice: Notice) -> None:
            self._services.notify(notice)
            self._refresh()

        self._services.runs.start(draft, done=began, failed=failed)

    def _another_project(self) -> None:
        self._followed, self._filled = True, False
        self._leaks = Leaks()
        self._refresh()

    def _contents_changed(self) -> None:
        if self.isVisible():
            self._leak_reader.soon()
        self._refresh()

    def _have_leaks(self, found: Leaks) -> None:
        self._leaks = found
        self._refresh()

    def _run_moved(self, run: str) -> None:
        if run == self.current:
            self._refresh()

    def _refresh(self) -> None:
        runs = self._services.runs
        self._readiness = look(self._board.contents, editable=not self._services.session.read_only)
        self._choose_current()
        self._fill_from_last()
        view = runs.view(self.current)
        self._first_inset.setVisible(view is None)
        self._watch.setVisible(view is not None)
        self._watch.show_run(view)
        self._watch.show_lists(self.current)
        self.plan.show_plan(self._readiness, self.running)
        groups = self._leaks.groups
        self._leaking_inset.setVisible(groups > 0 and not self._services.session.read_only)
        which = "One group of pictures resembles" if groups == 1 else f"{groups} groups of pictures resemble"
        self._leak_words.setText(
            f"{which} each other, yet some are learned from and others measured. The figures would flatter the model."
        )
        self.running_changed.emit()

    def _name_of(self, file: str) -> str:
        """A picture as the person knows it, by the name of its file in the project."""
        ending = f"/{file}"
        found = (image.original_name for image in self._board.contents.images if image.file.endswith(ending))
        return next(found, file)

    def _choose_current(self) -> None:
        """Follow the run at work, unless the person looks at another one."""
        runs = self._services.runs
        active, every = runs.active("segment"), runs.all("segment")
        if active is not None and (self._followed or runs.view(self.current) is None):
            self._followed = True
            runs.set_current(active.id)
        elif runs.view(self.current) is None:
            runs.set_current(every[0].id if every else "", "segment")

    def _fill_from_last(self) -> None:
        """Settings come back as they were."""
        runs = self._services.runs
        if self._filled or not self.plan.choices.drawn or not runs.listed:
            return
        self._filled = True
        every = runs.all("segment")
        if every and every[0].info.adaptation is not None:
            self.plan.choices.fill(every[0].info.adaptation)

    def _mend(self) -> None:
        mended = dict(self._leaks.mended)
        changes = [
            partial(edits_regions.set_split, image_ids=tuple(i for i, p in mended.items() if p == part), split=part)
            for part in dict.fromkeys(mended.values())
        ]
        self._board.do(lambda project: edits.together(project, changes, title="Keep likenesses together"))
