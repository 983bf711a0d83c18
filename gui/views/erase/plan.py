"""The left column: words, ways, what it takes, and the button that starts."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from engines.api.erase_job import EraseJob
from engines.launch.forecast import best_device
from engines.launch.outlooks import outlook_of
from gui.services import Services
from gui.theme import tokens as design
from gui.views.erase import draft as drafts
from gui.views.erase.board import Board
from gui.views.erase.choices import Choices
from gui.views.erase.earlier import EarlierCard
from gui.views.erase.keeping import KeepingCard
from gui.views.erase.readiness import Readiness, look
from gui.views.erase.targets import TargetsCard
from gui.views.train.base_model import BaseSheet, base_title
from gui.views.train.fits import FitsCard
from gui.views.train.foresight import Foresight, Question
from gui.widgets.buttons import LinkButton, PrimaryButton
from gui.widgets.notice import Notice
from gui.widgets.page import GUTTER, ScrollBody
from gui.widgets.text import ElidedLabel, Label
from gui.workers.erasing import EraseDraft
from gui.workers.runs import RunView
from projects.errors import UserError

_WIDTH_PX = 344


class ErasePlan(QWidget):
    """Words and choices scroll; the forecast and the button stay in sight below them."""

    def __init__(self, services: Services, board: Board, *, on_start: Callable[[], object]) -> None:
        super().__init__()
        self._services, self._board = services, board
        self._readiness = Readiness()
        self._running: RunView | None = None
        self.targets, self.keeping = TargetsCard(board), KeepingCard(board)
        self.choices = Choices()
        self._fits = FitsCard(self.choices.use_less_memory)
        self._foresight = Foresight(services, self._fits, self._question)
        self._words = Label(wrap=True)
        self._words.setObjectName("erase.readiness")
        self.start_button = PrimaryButton("Start erasing", name="erase.start", icon="play", on_click=on_start)
        self.start_button.setMinimumHeight(40)
        self.start_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._lay_out()
        services.catalog.loaded.connect(lambda _catalog: self.draw())
        services.catalog.failed.connect(lambda words: self.choices.say(f"What is on offer could not be read: {words}"))
        self.choices.changed.connect(self._foresight.soon)
        board.changed.connect(self._refresh)
        board.changed.connect(self._foresight.soon)
        board.hinted.connect(self._refresh)
        self._refresh()

    def draw(self) -> None:
        """Draw the choices, once the catalog is there."""
        if self._services.catalog.catalog is not None and not self.choices.drawn:
            self.choices.draw(self._services.catalog.catalog)
            self._foresight.soon()
            self._refresh()

    def show_plan(self, running: RunView | None) -> None:
        """Show whether it can start, and what it takes."""
        self._running = running
        self._refresh()

    def fill(self, job: EraseJob) -> None:
        """Take everything over from an earlier erasure."""
        self._board.put(drafts.of_job(job), f"Take over “{job.title}”")
        self.choices.fill(job)

    def draft(self) -> EraseDraft | None:
        """What was chosen; None when something is wrong with it, which is then said and shown."""
        problems = self.choices.forms.problems()
        if problems:
            label, words = next(iter(problems.items()))
            self._services.notify(Notice("warning", f"{label}: {words}", "", "Correct it and start again."))
            self.choices.forms.focus_problem()
            return None
        return self._draft() if self._readiness.ready else None

    # --- building

    def _lay_out(self) -> None:
        self.setFixedWidth(_WIDTH_PX + design.GAP)
        scroll = ScrollBody(margins=GUTTER)
        earlier = EarlierCard(self._board, self._services.runs)
        for part in (self.targets, self.keeping, self._base_row(), self.choices, earlier):
            scroll.column.addWidget(part)
        scroll.column.addStretch(1)
        foot = QVBoxLayout()
        foot.setContentsMargins(0, 0, design.GAP, 0)
        foot.setSpacing(8)
        for widget in (self._fits, self._words, self.start_button):
            foot.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(scroll, 1)
        column.addLayout(foot)

    def _base_row(self) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(Label("From", role="strong"))
        self._base_words = ElidedLabel(base_title(self._board.draft.base), role="muted")
        line.addWidget(self._base_words, 1)
        line.addWidget(LinkButton("Change…", name="erase.base", on_click=self._choose_base))
        return row

    def _choose_base(self) -> None:
        sheet = BaseSheet(self.window(), self._board.draft.base)
        if sheet.exec():
            self._board.put(self._board.draft.changed(base=sheet.base), "Choose another model")

    # --- following

    def _draft(self) -> EraseDraft | None:
        recipe, method, draft = self.choices.recipe(), self.choices.method(), self._board.draft
        if recipe is None or method is None:
            return None
        try:
            return EraseDraft(draft.erasures(), draft.keep, method, recipe, draft.base, self._board.after())
        except UserError:
            return None  # said by what is in the way

    def _refresh(self) -> None:
        runs = self._services.runs
        self._readiness = readiness = look(self._board, read_only=self._services.session.read_only)
        self._base_words.setText(base_title(self._board.draft.base))
        self._foresight.follow(self._running)
        busy = runs.active() is not None or bool(runs.waiting)
        self.start_button.setText("Add to the queue" if busy else "Start erasing")
        self.start_button.setAccessibleName(self.start_button.text())
        self.start_button.setEnabled(readiness.ready and self.choices.drawn)
        self._words.setText(readiness.words)
        self._words.set_role("warning" if readiness.wrong else "small")
        self._words.setVisible(bool(readiness.words))

    def _question(self) -> Question | None:
        draft = self._draft() if self._readiness.ready else None
        device = best_device(self._services.devices, draft.recipe) if draft is not None else None
        if draft is None or device is None:
            return None
        job = draft.job()
        return Question(device, lambda: outlook_of(job, device))
