"""What is on the page: the layout, which subject is chosen, and what there is to choose from. The only place that edits the layout."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from engines.api.catalog import MethodEntry
from engines.api.compose import Composition
from engines.api.compose_words import Remark, remarks
from engines.launch.composing import Offer, checked, offers
from gui.services import Services
from gui.views.combine import draft as drafts
from gui.views.combine.candidates import Candidate, look, titles
from gui.views.combine.draft import KEY, LEAST, MOST, Draft, Part
from gui.widgets.notice import Notice, of_error
from gui.workers.background import Task
from projects import edits, queries
from projects.change import Change
from projects.errors import ProjectError, UserError
from projects.project import Project

_PAUSE_MS = 200


class Board(QObject):
    """Keeps the layout in the project, so that it comes back tomorrow and every change of it is one step of the window's history.

    Attributes:
        draft: the layout.
        chosen: number of the subject in hand; -1 for none.
        candidates: what can be put into the picture.
        listed: whether these were looked for yet.
        trouble: why the picture cannot be made, as a notice; None when it can as far as is known.
        notes: what else is worth knowing about the adapters.

    Signals:
        changed: the layout is different.
        chosen_changed: another subject is in hand.
        candidates_changed: there is more or less to choose from.
        looked_over: `trouble` and `notes` are those of the layout as it is now.
        failed: an edit was not possible; carries a `Notice`.
    """

    changed = Signal()
    chosen_changed = Signal()
    candidates_changed = Signal()
    looked_over = Signal()
    failed = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self.draft = Draft()
        self.chosen = -1
        self.candidates: tuple[Candidate, ...] = ()
        self.listed = False
        self.trouble: Notice | None = None
        self.notes: tuple[str, ...] = ()
        self._listing: Task[tuple[Candidate, ...]] | None = None
        self._checking: Task[tuple[Notice | None, tuple[str, ...]]] | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._look_over)
        session = services.session
        session.opened.connect(self._opened)
        session.closed.connect(self._opened)
        session.changed.connect(self._edited)
        services.catalog.loaded.connect(lambda _catalog: self._catalog_came())
        services.catalog.failed.connect(lambda _words: self.changed.emit())
        self._opened()

    # --- what there is

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self._services.session.project

    @property
    def part(self) -> Part | None:
        """The subject in hand."""
        return self.draft.parts[self.chosen] if 0 <= self.chosen < len(self.draft.parts) else None

    @property
    def catalog_problem(self) -> str:
        """Why what is on offer could not be read; empty when it was, or is being read."""
        return self._services.catalog.problem

    @property
    def full(self) -> bool:
        """Whether there is no room for another subject."""
        return len(self.draft.parts) >= MOST

    @property
    def enough(self) -> bool:
        """Whether there are subjects to bring together."""
        return len(self.draft.parts) >= LEAST

    def candidate(self, part: Part) -> Candidate | None:
        """What a subject of the picture was taken from; None when that is not there any more."""
        return next((one for one in self.candidates if one.id == part.source), None)

    def offers(self) -> tuple[Offer, ...]:
        """Every way to compose, the best that fits first; empty while the catalogue is not there."""
        return offers(self._entries(), self.composition()) if self.project is not None else ()

    def offer(self) -> Offer | None:
        """The way that counts: the chosen one while it fits, else the best that does; None when none does."""
        fitting = [offer for offer in self.offers() if not offer.why]
        wanted = next((offer for offer in fitting if offer.entry.name == self.draft.strategy), None)
        return wanted or next(iter(fitting), None)

    def composition(self) -> Composition:
        """The layout as the engine is told of it, but for the files of masks."""
        return drafts.composition(self.draft, self.project.root if self.project is not None else Path(), "")

    def remarks(self) -> tuple[Remark, ...]:
        """What may be mended in the prompt."""
        return remarks(self.composition()) if self.draft.parts and self.project is not None else ()

    # --- editing

    def put(self, draft: Draft, title: str) -> None:
        """Lay it out differently: one step of the history, called `title`."""
        if draft == self.draft:
            return
        if self._services.session.read_only:
            self._have(draft)  # may be looked at and tried, but is not kept
            return
        try:
            self._services.session.apply(partial(_keep, draft=draft, title=title))
        except ProjectError as error:
            self.failed.emit(of_error(error))

    def add(self, candidate: Candidate) -> None:
        """Put one more subject into the picture."""
        if self.full:
            return
        base = candidate.base if not self.draft.parts else self.draft.base
        self.put(drafts.added(self.draft.changed(base=base), candidate.part()), f"Add {candidate.title}")
        self.choose(len(self.draft.parts) - 1)

    def remove(self, number: int) -> None:
        """Take a subject out of the picture."""
        if 0 <= number < len(self.draft.parts):
            self.put(drafts.without(self.draft, number), f"Leave out {self.draft.parts[number].name}")

    def raise_part(self, number: int, by: int) -> None:
        """Lay a subject further up (1) or down (-1)."""
        into = number + by
        if 0 <= number < len(self.draft.parts) and 0 <= into < len(self.draft.parts):
            parts = list(self.draft.parts)
            parts.insert(into, parts.pop(number))
            self.put(self.draft.changed(parts=tuple(parts)), "Change the order of layers")
            self.choose(into)

    def set_part(self, number: int, title: str, **values: object) -> None:
        """Change something about one subject."""
        if 0 <= number < len(self.draft.parts):
            self.put(self.draft.with_part(number, **values), title)

    def choose(self, number: int) -> None:
        """Take another subject in hand."""
        number = number if 0 <= number < len(self.draft.parts) else -1
        if number != self.chosen:
            self.chosen = number
            self.chosen_changed.emit()

    # --- following

    def look(self) -> None:
        """Look again for what can be chosen."""
        if self._listing is not None:
            self._listing.cancel()
        project = self.project
        if project is None:
            self._listed(())
            return
        views, root, ways = self._services.runs.all(), project.root, titles(self._services.catalog.catalog)
        self._listing = self._services.background.run(
            lambda _task: look(views, root, ways), done=self._listed, owner=self
        )

    def _listed(self, found: tuple[Candidate, ...]) -> None:
        self.listed = True
        if found != self.candidates:
            self.candidates = found
            self._pause.start()
        self.candidates_changed.emit()

    def _catalog_came(self) -> None:
        self.look()
        self.changed.emit()

    def _opened(self) -> None:
        self.listed = False
        self.candidates = ()
        self._have(_kept(self.project))

    def _edited(self, change: Change) -> None:
        if "settings" in change.parts and (not change.ids or KEY in change.ids):
            self._have(_kept(self.project))

    def _have(self, draft: Draft) -> None:
        if draft == self.draft:
            return
        grown = len(draft.parts) != len(self.draft.parts)
        self.draft = draft
        self.changed.emit()
        if grown:
            self.choose(min(self.chosen, len(draft.parts) - 1))
            self.chosen_changed.emit()
        self._pause.start()

    def _look_over(self) -> None:
        """See beside the window whether the files are there and fit together."""
        if self._checking is not None:
            self._checking.cancel()
        if self.project is None or not self.enough:
            self._looked_over((None, ()))
            return
        composition = _without_masks(self.composition())
        self._checking = self._services.background.run(
            lambda _task: _checked(composition), done=self._looked_over, owner=self
        )

    def _looked_over(self, found: tuple[Notice | None, tuple[str, ...]]) -> None:
        self.trouble, self.notes = found
        self.looked_over.emit()

    def _entries(self) -> Sequence[MethodEntry]:
        catalog = self._services.catalog.catalog
        return catalog.composers if catalog is not None else ()


def _keep(project: Project, *, draft: Draft, title: str) -> Change:
    edit = partial(edits.set_setting, key=KEY, value=draft.model_dump(mode="json", exclude_defaults=True))
    return edits.together(project, [edit], title=title)


def _kept(project: Project | None) -> Draft:
    """The layout that the project keeps; an empty one when it keeps none, or something that is none."""
    return (drafts.read(queries.setting(project, KEY, {})) if project is not None else None) or Draft()


def _without_masks(composition: Composition) -> Composition:
    """Painted places and cut-outs are no files yet, and need no look."""
    bare = tuple(
        concept.model_copy(update={"mask": "", "cutout": "", "box": None if concept.mask else concept.box})
        for concept in composition.concepts
    )
    return composition.model_copy(update={"concepts": bare, "prompt": composition.prompt.strip() or "-"})


def _checked(composition: Composition) -> tuple[Notice | None, tuple[str, ...]]:
    try:
        return None, checked(composition)
    except UserError as error:
        return of_error(error, level="warning"), ()
