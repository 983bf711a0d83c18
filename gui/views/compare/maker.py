"""Asks the interactive worker for pictures, one pair, one grid or one measured comparison at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engines.api.requests import Answer, Compare, Done, Dropped, Generate, Picture, Refused, Working
from engines.api.uses import AdapterUse
from gui.views.compare.pairing import Pairing
from gui.views.compare.store import Wanted
from gui.widgets.notice import Notice
from gui.workers.interactive import Interactive, OnAnswer, new_id


class Maker(QObject):
    """Makes what is asked; a newer wish replaces an older one.

    Signals:
        made: a picture is there; carries the `Wanted` and its file.
        grid_made: one cell of a grid is there; carries (column, prompt, file), column 0 being the base.
        measured: a comparison was measured.
        progress: (words, done, total) while at work; empty words when it rests.
        failed: carries a `Notice`.
    """

    made = Signal(object, object)
    grid_made = Signal(int, str, object)
    measured = Signal()
    progress = Signal(str, int, int)
    failed = Signal(object)

    def __init__(self, interactive: Interactive, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._interactive = interactive
        self._waiting: list[Wanted] = []
        self._request = ""

    @property
    def busy(self) -> bool:
        """Whether something is being made."""
        return bool(self._request)

    def make(self, wanted: Sequence[Wanted]) -> None:
        """Make single pictures, one after the other; those kept from before are not asked for."""
        self.stop()
        self._waiting = [one for one in wanted if one.kept() is None]
        self._next()

    def grid(self, pairing: Pairing, seed: int) -> None:
        """Make every column's picture of every prompt."""
        subject = pairing.subject
        adapters = [(column.title, column.stage.file) for column in pairing.columns if column.stage is not None]
        request = Compare(
            id=new_id("grid"),
            base=subject.base,
            adapters=tuple(AdapterUse(file=str(file)) for _title, file in adapters),
            labels=tuple(title for title, _file in adapters),
            prompts=subject.prompts,
            seeds=(seed,),
            trigger=subject.trigger,
            class_noun=subject.class_noun,
            folder=str(pairing.grid_folder),
        )

        def answered(answer: Answer) -> None:
            if isinstance(answer, Picture):
                self.grid_made.emit(answer.column, answer.prompt, Path(answer.file))
            self._follow(answer, "The grid is being made")

        self._begin(request, answered)

    def measure(self, request: Compare) -> None:
        """Make a dozen pictures of each column, and have them judged against the photos."""

        def answered(answer: Answer) -> None:
            if isinstance(answer, Done):
                self.measured.emit()
            self._follow(answer, "Making the pictures to measure")

        self._begin(request, answered)

    def stop(self) -> None:
        """Drop what is being made."""
        self._waiting = []
        if self._request:
            self._interactive.cancel(self._request)

    def _next(self) -> None:
        if not self._waiting:
            return
        one = self._waiting.pop(0)
        request = Generate(
            id=new_id("try"),
            base=one.base,
            adapters=one.uses,
            prompts=(one.prompt,),
            seeds=(one.seed,),
            folder=str(one.folder),
        )
        what = "Making the picture before" if one.adapter is None else "Making the picture with the adapter"

        def answered(answer: Answer) -> None:
            if isinstance(answer, Picture):
                self.made.emit(one, Path(answer.file))
            self._follow(answer, what)
            if isinstance(answer, Done):
                self._next()

        self._begin(request, answered)

    def _begin(self, request: Generate | Compare, answered: OnAnswer) -> None:
        if self._request:
            self._interactive.cancel(self._request)
        self._request = request.id
        self.progress.emit("Starting", 0, 0)
        self._interactive.request(request, answered)

    def _follow(self, answer: Answer, what: str) -> None:
        if isinstance(answer, Working):
            # "Starting" and "Loading" are said as they are; the counting of steps gets words a person knows.
            words = what if answer.total and answer.text in {"Making pictures", "Comparing"} else answer.text
            self.progress.emit(words, answer.done, answer.total)
        elif isinstance(answer, Done | Refused | Dropped):
            if answer.id == self._request:
                self._request = ""
            if isinstance(answer, Refused):
                self._waiting = []
                self.failed.emit(Notice("bad", answer.title, answer.what, answer.hint))
            if not self._request and not self._waiting:
                self.progress.emit("", 0, 0)
