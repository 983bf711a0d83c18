"""How a training ended, in words, with the way on: finished, failed, interrupted, or never begun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QSizePolicy, QWidget

from engines.launch.follow import log_tail
from gui.views.compare.outcome import OutcomeView
from gui.views.train.words import duration, size
from gui.widgets.buttons import PrimaryButton, QuietButton
from gui.widgets.card import Card
from gui.widgets.chips import Chip, Level
from gui.widgets.text import Label
from gui.workers.background import Background
from gui.workers.runs import RunView

_MEASURING = {
    "waiting": "Before and after are measured in the background when no other training is at work.",
    "working": "Before and after are being measured in the background.",
    "failed": "Before and after were not measured. {}",
}


@dataclass(frozen=True)
class Ending:
    """What to say about a training that rests.

    Attributes:
        way_on: `compare`, `resume`, `start` or empty, the primary button.
        log: whether the end of its log helps.
    """

    chip: str
    level: Level
    title: str
    text: str = ""
    hint: str = ""
    way_on: str = ""
    log: bool = False


def ending(view: RunView) -> Ending | None:
    """Words for a training that rests; None while it is at work or waits in the queue."""
    state = view.state
    kept = state.checkpoints[-1].step if state.checkpoints else 0
    if view.info.problem:
        return Ending("Damaged", "bad", "This training cannot be read", view.info.problem)
    if state.phase == "finished" and state.result is not None:
        result = state.result
        stopped = result.reason == "stopped"
        took = f" in {duration(result.seconds)}" if result.seconds else ""
        noun = "eraser" if view.kind == "erase" else "adapter"
        weight = f" The {noun} is {size(result.bytes)}." if result.bytes else ""
        title = "Stopped, and what it had learned was kept" if stopped else f"The {noun} is ready"
        done = f"{result.step} steps" if result.step else "Solved without learning"
        best = f" Its lowest error was at step {state.best[0]}." if state.best is not None else ""
        return Ending(
            "Stopped" if stopped else "Finished",
            "good",
            title,
            f"{done}{took}.{weight}{best}",
            _MEASURING.get(view.info.evaluation.stage, "").format(view.info.evaluation.words),
            "compare",
        )
    if state.phase == "failed" and state.failure is not None:
        failure = state.failure
        way_on = "resume" if kept else ""
        if failure.expected:
            return Ending("Failed", "warning", failure.title, failure.what, failure.hint, way_on)
        hint = (
            failure.hint
            or "This is a fault in the program, not in your photos. The report lies in the training's folder."
        )
        return Ending("Failed", "bad", failure.title, failure.what, hint, way_on, log=True)
    if state.phase == "interrupted":
        what = f"It had done {state.step} of {state.steps_total} steps when its worker ended: the power went, or it was closed from outside."
        hint = (
            f"It goes on from step {kept}, exactly as if nothing had happened."
            if kept
            else "It had saved nothing yet, so it begins again."
        )
        return Ending("Interrupted", "warning", "This training was interrupted", what, hint, "resume")
    if state.phase == "waiting" and view.place < 0:
        return Ending("Not started", "plain", "This training has not been started", "", "", "start")
    return None


class EndingCard(Card):
    """Shows an `Ending` and offers the way on; each callable gets nothing and acts on the training shown.

    `offer` are the words of what is done with a finished one (`compare`); `more` is for further buttons, shown with it.
    """

    def __init__(
        self,
        background: Background,
        *,
        offer: str,
        compare: Callable[[], object],
        resume: Callable[[], object],
        repeat: Callable[[], object],
        folder: Callable[[], object],
    ) -> None:
        super().__init__(name="train.ending")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._background = background
        self._for = ""
        head = QHBoxLayout()
        head.setSpacing(10)
        self._chip = Chip(name="train.ending.state")
        self._title = Label(role="title", wrap=True)
        head.addWidget(self._chip)
        head.addWidget(self._title, 1)
        self._text = Label(wrap=True, selectable=True)
        self._hint = Label(role="muted", wrap=True, selectable=True)
        self._outcome = OutcomeView(background, name="train.outcome", edge=132, beside=True)
        self._log = QPlainTextEdit()
        self._log.setObjectName("train.ending.log")
        self._log.setAccessibleName("End of the log")
        self._log.setReadOnly(True)
        self._log.setMaximumHeight(130)
        self._log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        self._compare = PrimaryButton(offer, name="train.ending.compare", on_click=compare)
        self._resume = PrimaryButton("Resume", name="train.ending.resume", icon="play", on_click=resume)
        buttons.addWidget(self._compare)
        buttons.addWidget(self._resume)
        self.more = QHBoxLayout()
        self.more.setSpacing(10)
        self._more = QWidget()
        self._more.setLayout(self.more)
        self.more.setContentsMargins(0, 0, 0, 0)
        buttons.addWidget(self._more)
        buttons.addWidget(QuietButton("Repeat with changes", name="train.ending.repeat", on_click=repeat))
        self._folder = QuietButton("Show its folder", name="train.ending.folder", on_click=folder)
        buttons.addWidget(self._folder)
        buttons.addStretch(1)
        self.body.addLayout(head)
        for widget in (self._outcome, self._text, self._hint, self._log):
            self.body.addWidget(widget)
        self.body.addLayout(buttons)

    def show_run(self, view: RunView) -> None:
        """Show how a training ended; hidden while it is at work."""
        words = ending(view)
        self.setVisible(words is not None)
        if words is None:
            return
        self.setAccessibleName(f"{words.chip}: {words.title}")
        self._outcome.show_folder(view.info.measured)
        self._chip.set(words.chip, words.level)
        self._title.setText(words.title)
        for label, text in ((self._text, words.text), (self._hint, words.hint)):
            label.setText(text)
            label.setVisible(bool(text))
        self._compare.setVisible(words.way_on == "compare")
        self._more.setVisible(words.way_on == "compare" and self.more.count() > 0)
        self._resume.setVisible(words.way_on in {"resume", "start"})
        self._resume.setText("Start" if words.way_on == "start" else "Resume")
        self._resume.setAccessibleName(self._resume.text())
        self._folder.setVisible(words.level == "bad")
        self._log.setVisible(words.log)
        if words.log and self._for != view.id:
            folder = view.info.folder
            self._background.run(lambda _task: log_tail(folder, lines=14), done=self._show_log)
        self._for = view.id if words.log else ""

    def _show_log(self, text: str) -> None:
        self._log.setPlainText(text or "The log is empty.")
