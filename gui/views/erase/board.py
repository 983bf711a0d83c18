"""What is on the page: the words, and what is known of them. The only place that edits them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from engines.launch.folder import ADAPTER
from gui.services import Services
from gui.views.erase import draft as drafts
from gui.views.erase.asking import Hint, Suggester
from gui.views.erase.draft import KEY, Draft
from gui.widgets.notice import of_error
from gui.workers.runs import RunView
from projects import edits, queries
from projects.change import Change
from projects.errors import ProjectError
from projects.project import Project


class Board(QObject):
    """Keeps the words in the project, so that they come back tomorrow and every change of them is one step of the window's history.

    Signals:
        changed: the words are different.
        hinted: more is known of them.
        failed: an edit was not possible; carries a `Notice`.
    """

    changed = Signal()
    hinted = Signal()
    failed = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._in_view = False
        self.draft = Draft()
        self.suggester = Suggester(services, self)
        self.suggester.changed.connect(self.hinted)
        session = services.session
        session.opened.connect(self._opened)
        session.closed.connect(self._opened)
        session.changed.connect(self._edited)
        services.runs.changed.connect(self._ask)
        self._opened()

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self._services.session.project

    def hint(self, word: str) -> Hint | None:
        """What the chosen base knows of a word."""
        return self.suggester.hint(self.draft.base, word)

    def neighbours(self) -> tuple[str, ...]:
        """Words near what goes that are neither to go nor to stay yet."""
        taken = {word.casefold() for word in (*self.draft.words, *self.draft.keep)}
        taken |= {target.surrogate.casefold() for target in self.draft.targets}
        hints = [self.hint(target.word) for target in self.draft.targets]
        columns = [hint.neighbours for hint in hints if hint is not None]
        found = [
            column[row] for row in range(max(map(len, columns), default=0)) for column in columns if row < len(column)
        ]
        return tuple(word for word in drafts.once(found) if word.casefold() not in taken)

    def earlier(self) -> list[RunView]:
        """Finished erasures of the chosen base, the newest first."""
        runs = self._services.runs.all("erase")
        return [
            view
            for view in runs
            if view.adapter is not None and view.info.erasure is not None and view.info.erasure.base == self.draft.base
        ]

    def after(self) -> tuple[str, ...]:
        """Files (from the project's folder on) of the chosen erasures that act while the next one is made, the oldest first."""
        chosen = [view for view in reversed(self.earlier()) if view.id in self.draft.after]
        return tuple(
            f"runs/{view.id}/{(view.adapter.name if view.adapter is not None else ADAPTER)}" for view in chosen
        )

    def put(self, draft: Draft, title: str) -> None:
        """Have other words: one step of the history, called `title`."""
        if draft == self.draft:
            return
        if self._services.session.read_only:
            self._have(draft)  # may be looked at, but is not kept
            return
        try:
            self._services.session.apply(partial(_keep, draft=draft, title=title))
        except ProjectError as error:
            self.failed.emit(of_error(error))

    def watch(self, *, in_view: bool) -> None:
        """The page came into view, or went: only then anything is asked."""
        self._in_view = in_view
        self._ask()

    def ask_again(self) -> None:
        """Ask anew what could not be asked."""
        self.suggester.again()
        self._ask()
        self.hinted.emit()

    def _opened(self) -> None:
        self._have(_kept(self.project))

    def _edited(self, change: Change) -> None:
        if "settings" in change.parts and (not change.ids or KEY in change.ids):
            self._have(_kept(self.project))

    def _have(self, draft: Draft) -> None:
        if draft != self.draft:
            self.draft = draft
            self.changed.emit()
            self._ask()

    def _ask(self) -> None:
        """While a run is at work its model has the memory; what is near can wait."""
        if self._in_view and self.project is not None and self._services.runs.active() is None:
            self.suggester.want(self.draft.base, self.draft.words)


def _keep(project: Project, *, draft: Draft, title: str) -> Change:
    edit = partial(edits.set_setting, key=KEY, value=draft.model_dump(mode="json", exclude_defaults=True))
    return edits.together(project, [edit], title=title)


def _kept(project: Project | None) -> Draft:
    """The words that the project keeps; none when it keeps none, or something else."""
    return (drafts.read(queries.setting(project, KEY, {})) if project is not None else None) or Draft()
