"""Has the interactive worker make the pictures of a layout, and tells of each as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engines.api.compose import Compose
from engines.api.requests import Answer, Done, Dropped, Picture, Refused, Working
from gui.services import Services
from gui.views.combine import store
from gui.views.combine.draft import Draft
from gui.views.combine.store import Begun
from gui.views.train.words import duration
from gui.widgets.notice import Notice
from gui.workers.interactive import new_id

_LOOK_STEPS = 6
_LEAST_S = 1.5


@dataclass(frozen=True)
class Made:
    """One picture of a result: `plain` for the plain sum, `rough` for a first look of few steps."""

    result: str
    seed: int
    file: Path
    plain: bool
    rough: bool


class Maker(QObject):
    """One layout at a time; a newer wish replaces an older one.

    Signals:
        began: carries (id of the result, its `Draft`, title of the way).
        made: carries a `Made`.
        ended: nothing is being made any more; carries the id of the result, empty when nothing came of it.
        progress: (words, done, total) while at work; empty words when it rests.
        failed: carries a `Notice`.
    """

    began = Signal(str, object, str)
    made = Signal(object)
    ended = Signal(str)
    progress = Signal(str, int, int)
    failed = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._begun: Begun | None = None
        self._request = ""
        self._busy = False
        self._turn = 0
        self._since = 0.0

    @property
    def busy(self) -> bool:
        """Whether something is being made, or is about to be."""
        return self._busy

    def make(self, draft: Draft, strategy: str, title: str) -> None:
        """Make the pictures of a layout in one way to compose (its registered name and its title)."""
        project = self._services.session.project
        if project is None:
            return
        self.stop()
        self._busy = True
        self._turn = turn = self._turn + 1  # what an older wish still brings is known by its number
        root = project.root
        self.progress.emit("Starting", 0, 0)

        def ready(begun: Begun) -> None:
            if turn == self._turn:
                self._ask(begun)
            else:
                store.give_up(begun)

        def failed(notice: Notice) -> None:
            if turn == self._turn:
                self._rest("")
            self.failed.emit(notice)

        work: Callable[[object], Begun] = lambda _task: store.begin(root, draft, strategy, title)  # noqa: E731
        self._services.background.run(work, done=ready, failed=failed, owner=self, priority=2)

    def stop(self) -> None:
        """Drop what is being made; finished pictures stay."""
        if self._request:
            self._services.interactive.cancel(self._request)
        elif self._busy:
            self._turn += 1
            self._rest("")

    def _ask(self, begun: Begun) -> None:
        draft = begun.draft
        request = Compose(
            id=new_id("compose"),
            composition=begun.composition,
            seeds=draft.seeds,
            beside=draft.beside,
            preview_steps=_look_steps(draft),
            folder=str(begun.folder),
        )
        self._begun, self._request, self._since = begun, request.id, 0.0
        self.began.emit(begun.folder.name, draft, begun.strategy)
        self._services.interactive.request(request, self._answered)

    def _answered(self, answer: Answer) -> None:
        begun = self._begun
        if begun is None or answer.id != self._request:
            return
        if isinstance(answer, Working):
            self._tell(answer)
        elif isinstance(answer, Picture):
            made = Made(begun.folder.name, answer.seed, Path(answer.file), answer.column == 0, answer.preview)
            self.made.emit(made)
        elif isinstance(answer, Done | Refused | Dropped):
            self._over(begun, answer)

    def _over(self, begun: Begun, answer: Done | Refused | Dropped) -> None:
        """Put the folder in order beside the window, and only then say that it is over."""
        self._request, self._begun = "", None
        turn = self._turn
        if isinstance(answer, Done):
            notes = answer.data.get("notes")
            told = tuple(str(note) for note in notes) if isinstance(notes, list) else ()
            work: Callable[[], None] = partial(store.finish, begun, told)
        else:
            work = partial(store.give_up, begun)
        if isinstance(answer, Refused):
            self.failed.emit(Notice("bad", answer.title, answer.what, answer.hint))

        def ordered(_none: None) -> None:
            if turn == self._turn:
                self._rest(begun.folder.name)
            else:
                self.ended.emit(begun.folder.name)

        self._services.background.run(lambda _task: work(), done=ordered, owner=self, priority=2)

    def _rest(self, result: str) -> None:
        self._busy = False
        self.progress.emit("", 0, 0)
        self.ended.emit(result)

    def _tell(self, answer: Working) -> None:
        if answer.text != "Composing":  # “Starting” and “Loading” are said as they are
            self.progress.emit(answer.text, answer.done, answer.total)
            return
        if not self._since:
            self._since = time.monotonic()
        self.progress.emit(f"Making the pictures{self._left(answer)}", answer.done, answer.total)

    def _left(self, answer: Working) -> str:
        """`, about 20 s left`, once there is something to tell it from."""
        passed = time.monotonic() - self._since
        if passed < _LEAST_S or not 0 < answer.done < answer.total:
            return ""
        return f", about {duration(passed * (answer.total - answer.done) / answer.done)} left"


def _look_steps(draft: Draft) -> int:
    """About a quarter of the steps shows who is where."""
    if not draft.preview:
        return 0
    return max(2, draft.steps // 4) if draft.steps else _LOOK_STEPS
