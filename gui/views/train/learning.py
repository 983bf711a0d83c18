"""The Learning card: the curve, how far the training is, how fast, and how long it still takes."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy

from engines.api.run_state import RunState
from gui.views.train.curve import CurveView
from gui.views.train.words import duration, standing
from gui.widgets.card import Card
from gui.widgets.chips import Chip, Level
from gui.widgets.text import ElidedLabel, Label
from gui.workers.background import Background
from gui.workers.runs import RunView

_NOTES = 3
_LONGEST_TITLE = 40


class LearningCard(Card):
    """Shows the state of one training."""

    def __init__(self, background: Background, *, curve: str) -> None:
        """`curve` says in a few words what the curve shows."""
        super().__init__(name="train.learning")
        self.setAccessibleName("Learning")
        self._told: list[str] = []
        head = QHBoxLayout()
        head.setSpacing(10)
        self._title = Label("Learning", role="title")
        head.addWidget(self._title)
        self._hint = ElidedLabel(curve, role="muted")
        head.addWidget(self._hint, 1)
        self._step = Chip(name="train.step")
        self._speed = Chip(name="train.speed")
        self._left = Chip(name="train.left")
        for chip in (self._step, self._speed, self._left):
            head.addWidget(chip)
        self.curve = CurveView(background)
        self._bar = QProgressBar()
        self._bar.setObjectName("train.progress")
        self._bar.setAccessibleName("Progress of the training")
        self._bar.setTextVisible(False)
        self.body.addLayout(head)
        self.body.addWidget(self.curve, 1)
        self.body.addWidget(self._bar)
        self._notes = Label(role="small", wrap=True, selectable=True)
        self._notes.setObjectName("train.notes")
        self.body.addWidget(self._notes)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def show_run(self, view: RunView) -> None:
        """Show where a training stands."""
        state = view.state
        title = view.title if len(view.title) <= _LONGEST_TITLE else view.title[: _LONGEST_TITLE - 1] + "…"
        self._title.setText(f"Learning “{title}”")
        total = state.steps_total or (view.info.any_job.recipe.loop.steps if view.info.any_job is not None else 0)
        self._set(self._step, f"step {state.step} of {total}" if total else "")
        moving = state.phase == "training" and state.steps_per_s > 0
        self._set(self._speed, _speed(state.steps_per_s) if moving else "")
        self._left.setVisible(True)
        self._left.set(*_left(state, moving=moving))
        self.curve.show_points(state.validation, total=total, words=_words(state))
        self._show_notes(state)
        if state.phase == "preparing" and state.total:
            self._bar.setRange(0, state.total)
            self._bar.setValue(state.done)
        elif state.phase == "preparing" or (state.phase == "finishing" and not state.total):
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, max(total, 1))
            self._bar.setValue(state.step)

    def _show_notes(self, state: RunState) -> None:
        """What the worker found worth telling, the newest last; a warning colours the whole."""
        told = list(dict.fromkeys(f"{note.title}. {note.text}".strip() for note in state.notes))[-_NOTES:]
        role = "warning" if any(note.level == "warning" for note in state.notes[-_NOTES:]) else "small"
        if told != self._told:
            self._told = told
            self._notes.set_role(role)
            self._notes.setText("\n".join(told))
        self._notes.setVisible(bool(told))

    @staticmethod
    def _set(chip: Chip, text: str) -> None:
        chip.setText(text)
        chip.setVisible(bool(text))


def _speed(steps_per_s: float) -> str:
    if steps_per_s >= 1:
        return f"{steps_per_s:.1f} steps/s"
    return f"{1 / steps_per_s:.1f} s a step"


def _left(state: RunState, *, moving: bool) -> tuple[str, Level]:
    if state.phase == "finished":
        return standing(state), "good"
    if state.phase in {"failed", "interrupted"}:
        return standing(state), "warning"
    if state.phase == "paused":
        return "paused", "warning"
    if moving and state.seconds_left > 0:
        return f"{duration(state.seconds_left)} left", "plain"
    return standing(state).lower(), "plain"


def _words(state: RunState) -> str:
    """What stands where the curve will be."""
    if len(state.validation) > 1:
        return ""
    if state.phase == "waiting":
        return "It has not been started yet."
    if state.phase == "preparing":
        count = f", {state.done} of {state.total}" if state.total else ""
        return f"{state.text or 'Getting ready'}{count}"
    if state.alive:
        return "The first measurement comes soon."
    return "It ended before there was anything to measure."
