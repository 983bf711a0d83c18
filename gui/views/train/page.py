"""The Train page: what to teach and how on the left, how it goes on the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from engines.api.commands import SaveNow
from gui.actions import Action
from gui.services import Services
from gui.theme import tokens as design
from gui.views.train.controls import RunControls
from gui.views.train.header import TrainHeader
from gui.views.train.plan import PlanColumn
from gui.views.train.readiness import Readiness, look
from gui.views.train.trigger import ask_trigger
from gui.views.train.watch import WatchPanel
from gui.widgets.card import Card
from gui.widgets.notice import Notice
from gui.widgets.page import EmptyState, columned
from gui.workers.runs import Anew, RunView
from projects import queries
from projects.change import Change


class TrainPage(QWidget):
    """Arranges the page; the cards do the work."""

    title = "Train"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.setObjectName("page.train")
        self._services = services
        self._readiness = Readiness()
        self._followed = True
        self._filled_for = ""
        self._header = TrainHeader(services)
        self._plan = PlanColumn(services, on_start=self.start, on_drawn=self._refresh_all)
        self._watch = WatchPanel(services, self)
        self._teach = EmptyState(
            "train",
            "Watch it being learned here",
            "Choose how thoroughly to teach, then start. A curve and sample pictures show how it goes, and you can pause or stop at any time.",
            name="train.firstTime",
        )
        self._empty = EmptyState("train", "", "", name="train.empty", button="Go on", on_click=self._remedy)
        self._lay_out()
        self._connect()
        self._refresh_all()

    @property
    def current(self) -> str:
        """Id of the training on show."""
        return self._services.runs.current

    def page_actions(self) -> tuple[Action, ...]:
        """Commands for the palette and its shortcuts."""
        return _actions(self._header.controls, self._plan, self.start)

    def prepare(self) -> Iterator[None]:
        """Draw the choices and the plot before they are seen."""
        self._plan.draw()
        yield
        self._watch.warm_up()
        yield

    def shown(self) -> None:
        """The page came into view."""
        self._services.catalog.load()
        self._plan.draw()
        self._watch.warm_up()
        self._services.runs.look()
        self._refresh_all()

    def look(self, run: str) -> None:
        """Show another training."""
        self._services.runs.set_current(run)
        self._refresh_run()

    def use(self, _run: str) -> None:
        """Look at a finished training's before and after."""
        self._services.navigate("compare")

    def repeat(self, run: str) -> None:
        """Fill the form from an earlier training."""
        view = self._services.runs.view(run)
        if view is None or view.info.job is None:
            return
        self._turn_to(view.record.concept_id if view.record is not None else None)
        self._plan.fill(view.info.job)
        self._services.notify(
            Notice(
                "info",
                "The settings were taken over",
                f"They are those of “{view.title}”. Change what you like, then start; the old one stays as it is.",
            )
        )

    def teach_anew(self, wish: Anew) -> None:
        """Fill the form for teaching an earlier training's subject in another way, or under another word."""
        view = self._services.runs.view(wish.run)
        if view is None or view.info.job is None:
            return
        self._turn_to(view.record.concept_id if view.record is not None else None)
        self._plan.fill(view.info.job)
        if wish.method:
            self._plan.turn_to(wish.method, wish.settings)
        concept = self._readiness.concept
        if wish.rename and concept is not None:
            ask_trigger(self._services, self.window(), concept, f"“{concept.trigger}” is taken by another subject.")

    def start(self) -> None:
        """Start a training of the form, or put it in the queue."""
        draft = self._plan.draft()
        if draft is None:
            return
        self._plan.start_button.setEnabled(False)

        def began(run: str) -> None:
            self._followed = self._services.runs.active("teach") is None
            if self._followed:
                self.look(run)
            self._refresh_all()

        def failed(notice: Notice) -> None:
            self._services.notify(notice)
            self._refresh_all()

        self._services.runs.start(draft, done=began, failed=failed)

    # --- building

    def _lay_out(self) -> None:
        teach = Card(name="train.firstTimeCard")
        teach.body.addWidget(self._teach)
        # The scrolling columns end a gap further right, where their bars stand; what does not scroll keeps the page's margin.
        self._teach_card = QWidget()
        holder = QVBoxLayout(self._teach_card)
        holder.setContentsMargins(0, 0, design.GAP, 0)
        holder.addWidget(teach)
        right = QVBoxLayout()
        right.setSpacing(12)
        right.addWidget(self._teach_card, 1)
        right.addWidget(self._watch, 1)
        columns = QHBoxLayout()
        columns.setSpacing(0)
        columns.addWidget(self._plan)
        columns.addLayout(right, 1)
        self._stack = columned(self, self._header, columns, self._empty)

    def _connect(self) -> None:
        session, runs = self._services.session, self._services.runs
        session.opened.connect(self._project_changed)
        session.closed.connect(self._project_changed)
        session.concept_changed.connect(self._refresh_all)
        session.changed.connect(self._document_changed)
        runs.changed.connect(self._refresh_all)
        runs.run_changed.connect(self._run_moved)
        runs.current_changed.connect(self._another_chosen)
        runs.repeat_asked.connect(self.repeat)
        runs.anew_asked.connect(self.teach_anew)

    # --- following

    def _project_changed(self) -> None:
        self._followed, self._filled_for = True, ""
        self._refresh_all()

    def _document_changed(self, change: Change) -> None:
        if change.parts & {"concepts", "images", "runs"}:
            self._refresh_all()

    def _another_chosen(self) -> None:
        """Here or on another page; the training at work is followed again once it is chosen."""
        active = self._services.runs.active("teach")
        self._followed = active is None or active.id == self.current
        self._refresh_body()

    def _run_moved(self, run: str) -> None:
        if run == self.current:
            self._refresh_run()

    def _refresh_all(self) -> None:
        session = self._services.session
        self._readiness = look(session.project, session.concept())
        self._choose_current()
        self._fill_from_last()
        self._header.show_concept(self._readiness)
        self._refresh_body()

    def _choose_current(self) -> None:
        """Follow the training at work, unless the person looks at another one."""
        runs = self._services.runs
        active, every = runs.active("teach"), runs.all()
        if active is not None and (self._followed or runs.view(self.current) is None):
            self._followed = True
            runs.set_current(active.id)
        elif runs.view(self.current) is None:
            runs.set_current(every[0].id if every else "", "teach")

    def _fill_from_last(self) -> None:
        """Settings come back as they were: those of this concept's last training."""
        concept = self._readiness.concept
        runs = self._services.runs
        if concept is None or not self._plan.drawn or not runs.listed or self._filled_for == concept.id:
            return
        self._filled_for = concept.id
        mine = [view for view in runs.all() if view.record is not None and view.record.concept_id == concept.id]
        if mine and mine[0].info.job is not None:
            self._plan.fill(mine[0].info.job)

    def _turn_to(self, concept_id: str | None) -> None:
        """Make the concept of an earlier training the current one, if it is still there."""
        session = self._services.session
        known = queries.concepts(session.project) if session.project is not None else ()
        if any(concept.id == concept_id for concept in known):
            # Or the settings of its last training would come over those that are to be repeated.
            self._filled_for = str(concept_id)
            session.set_concept(str(concept_id))

    def _refresh_body(self) -> None:
        readiness, runs = self._readiness, self._services.runs
        view = runs.view(self.current)
        teach_first = not readiness.ready and view is None
        self._stack.setCurrentIndex(1 if teach_first else 0)
        self._empty.set_words(readiness.title, readiness.text)
        button = self._empty.findChild(QPushButton, "train.empty.button")
        if button is not None:
            words = {"project": "Go to Home", "trigger": "Choose a trigger word"}.get(readiness.missing, "Add photos")
            button.setText(words)
            button.setVisible(readiness.missing != "writable")
        self._teach_card.setVisible(view is None)
        self._watch.setVisible(view is not None)
        self._refresh_run()

    def _refresh_run(self) -> None:
        runs = self._services.runs
        view = runs.view(self.current)
        self._watch.show_run(view)
        self._watch.show_lists(self.current)
        running = self._running()
        self._header.controls.show_run(running)
        self._plan.show_plan(self._readiness, running)

    # --- doing

    def _running(self) -> RunView | None:
        """The training on show, while it is at work."""
        view = self._services.runs.view(self.current)
        return view if view is not None and view.active else None

    def _remedy(self) -> None:
        readiness = self._readiness
        if readiness.missing == "trigger" and readiness.concept is not None:
            ask_trigger(self._services, self.window(), readiness.concept, readiness.text)
        else:
            self._services.navigate("home" if readiness.missing == "project" else "images")


def _actions(controls: RunControls, plan: PlanColumn, start: Callable[[], object]) -> tuple[Action, ...]:
    def running(_services: Services) -> bool:
        return controls.running is not None

    def can_start(_services: Services) -> bool:
        return plan.start_button.isEnabled()

    return (
        Action("train.start", "Start training", lambda _s: start(), ("Ctrl+Return",), can_start, "play"),
        Action(
            "train.pause", "Pause or resume the training", lambda _s: controls.pause_or_resume(), (), running, "pause"
        ),
        Action("train.sample", "Make sample pictures now", lambda _s: controls.sample_now(), (), running, "images"),
        Action("train.save", "Save a checkpoint now", lambda _s: controls.command(SaveNow()), (), running, "save"),
        Action(
            "train.stop", "Stop training and keep the adapter", lambda _s: controls.stop_and_keep(), (), running, "stop"
        ),
    )
