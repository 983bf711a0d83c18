"""What was made so far and which of it is on show: finished results, and the one whose pictures are just coming."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from gui.services import Services
from gui.views.combine.draft import Draft
from gui.views.combine.maker import Made
from gui.views.combine.store import Result, Shot, results
from gui.widgets.notice import Notice, of_error
from gui.workers.background import Task
from projects import compositions
from projects.change import Change
from projects.errors import ProjectError


class Gallery(QObject):
    """The results of the open project, the newest first.

    Attributes:
        results: those that are finished or were stopped.
        chosen: id of the one on show; empty for none.
        place: which of its pictures is on show.

    Signals:
        changed: something else is there or on show.
        failed: carries a `Notice`.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self.results: tuple[Result, ...] = ()
        self.chosen = ""
        self.place = 0
        self._coming: Result | None = None
        self._looking: Task[tuple[Result, ...]] | None = None
        session = services.session
        session.opened.connect(self._opened)
        session.closed.connect(self._opened)
        session.changed.connect(self._edited)
        self._opened()

    @property
    def shown(self) -> Result | None:
        """The result on show: the coming one, or one of those that are there."""
        if self._coming is not None and self._coming.id == self.chosen:
            return self._coming
        return next((result for result in self.results if result.id == self.chosen), None)

    @property
    def shot(self) -> Shot | None:
        """The picture on show."""
        result = self.shown
        return result.shots[min(self.place, len(result.shots) - 1)] if result is not None and result.shots else None

    def show(self, result: str, place: int = 0) -> None:
        """Put another result, or another picture of it, on show."""
        if (result, place) != (self.chosen, self.place):
            self.chosen, self.place = result, place
            self.changed.emit()

    def begin(self, result: str, draft: Draft, strategy: str) -> None:
        """Pictures of a new result are on their way; what comes first is shown at once."""
        project = self._services.session.project
        if project is not None:
            folder = compositions.home(project.root) / result
            self._coming = Result(result, folder, draft, (), strategy)
            self.chosen, self.place = result, 0
            self.changed.emit()

    def take(self, made: Made) -> None:
        """One picture came."""
        coming = self._coming
        if coming is None or coming.id != made.result:
            return
        shots = {shot.seed: shot for shot in coming.shots}
        known = shots.get(made.seed)
        if not made.plain:
            plain = known.plain if known is not None else None
            shots[made.seed] = Shot(made.seed, made.file, plain, rough=made.rough)
        elif known is not None:
            shots[made.seed] = replace(known, plain=made.file)
        self._coming = replace(coming, shots=tuple(shot for _seed, shot in sorted(shots.items())))
        self.changed.emit()

    def end(self, result: str) -> None:
        """It is over; what is there is read from the disk."""
        self.look(then=partial(self._settle, result))

    def remove(self, result: str) -> None:
        """Take a result away; the window's undo brings it back."""
        try:
            self._services.session.apply(partial(compositions.remove, result=result))
        except ProjectError as error:
            self.failed.emit(of_error(error))
            return
        undo = self._services.session.undo_stack.undo
        self.failed.emit(Notice("info", "The result was deleted", actions=(("Undo", undo),)))

    def look(self, *, then: Callable[[], object] | None = None) -> None:
        """Read again what is there."""
        if self._looking is not None:
            self._looking.cancel()
        project = self._services.session.project
        if project is None:
            self._looked((), then)
            return
        root = project.root
        self._looking = self._services.background.run(
            lambda _task: results(root), done=lambda found: self._looked(found, then), owner=self
        )

    def _looked(self, found: tuple[Result, ...], then: Callable[[], object] | None) -> None:
        self.results = found
        if then is not None:
            then()
        if self.shown is None:
            self.chosen, self.place = (found[0].id if found else ""), 0
        self.changed.emit()

    def _settle(self, result: str) -> None:
        if self._coming is not None and self._coming.id == result:
            self._coming = None

    def _opened(self) -> None:
        self._coming, self.chosen, self.place = None, "", 0
        project = self._services.session.project
        if project is not None:
            root = project.root
            self._services.background.run(lambda _task: compositions.tidy(root), priority=-1)
        self.look()

    def _edited(self, change: Change) -> None:
        if "compositions" in change.parts:
            self.look()
