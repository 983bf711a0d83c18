"""The open project as the window sees it: the only caller of edits, the undo history, and the one signal that says what changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import get_args

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from projects import queries
from projects.change import Change, Part
from projects.errors import ProjectError
from projects.project import Project
from projects.records import Concept

Edit = Callable[[Project], Change]
_LOOK_MS = 1500
_EVERYTHING: frozenset[Part] = frozenset(get_args(Part))


class Session(QObject):
    """Holds at most one project.

    Everything is saved when it is done: an edit is one transaction, so there is no "save" and no unsaved state.

    Signals:
        opened: a project is open now.
        closed: no project is open now.
        changed: carries the `Change`; also sent for changes that another window or program made.
        concept_changed: another concept is the current one (`concept_id`).
        failed: carries the `UserError` that an undo or a redo ran into.
    """

    opened = Signal()
    closed = Signal()
    changed = Signal(object)
    concept_changed = Signal()
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: Project | None = None
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(500)
        self._concept_id = ""
        self._version = 0
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_MS)
        self._look.timeout.connect(self.look_for_changes)

    @property
    def read_only(self) -> bool:
        """Whether edits would be refused; True too when nothing is open."""
        return self.project is None or self.project.read_only

    @property
    def concept_id(self) -> str:
        """The concept that the pages show; empty when there is none."""
        return self._concept_id

    def concept(self) -> Concept | None:
        """The current concept."""
        if self.project is None or not self._concept_id:
            return None
        return next((item for item in queries.concepts(self.project) if item.id == self._concept_id), None)

    def open(self, root: Path) -> Project:
        """Open a project in place of the one that is open.

        Raises:
            ProjectError: it cannot be opened; what was open stays open.
        """
        return self.adopt(Project.open(root))

    def create(self, root: Path, name: str) -> Project:
        """Make a project and open it.

        Raises:
            ProjectError: it cannot be made; what was open stays open.
        """
        return self.adopt(Project.create(root, name))

    def adopt(self, project: Project) -> Project:
        """Take a project that was opened elsewhere (on another thread) as the open one."""
        self.close()
        self.project = project
        concepts = queries.concepts(project)
        self._concept_id = concepts[0].id if concepts else ""
        self._version = project.data_version()
        self._look.start()
        self.opened.emit()
        return project

    def close(self) -> None:
        """Close the project; harmless when none is open."""
        if self.project is None:
            return
        self._look.stop()
        self.undo_stack.clear()
        project, self.project = self.project, None
        self._concept_id = ""
        project.close()
        self.closed.emit()

    def set_concept(self, concept_id: str) -> None:
        """Make another concept the current one."""
        if concept_id != self._concept_id:
            self._concept_id = concept_id
            self.concept_changed.emit()

    def apply(self, edit: Edit) -> Change:
        """Make one edit; it can be undone.

        Raises:
            ProjectError: no project is open, or the edit is not possible.
        """
        change = edit(self._open_project())
        self.record(change)
        return change

    def record(self, change: Change) -> None:
        """Take in a change that was made on another thread: it can be undone, and the pages hear of it.

        It is not taken for somebody else's later on. What another window did in the moment in between shows with its next change.
        """
        if not change.parts:
            return
        with suppress(ProjectError):  # a database that fails now is told of when it is looked at next
            self._version = self._open_project().data_version()
        self.undo_stack.push(_Step(self, change))
        self._heard(change)

    def look_for_changes(self) -> None:
        """Notice what another window or program did to the project, and refresh."""
        if self.project is None:
            return
        try:
            version = self.project.data_version()
        except ProjectError as error:
            self._look.stop()
            self.failed.emit(error)
            return
        if version != self._version:
            self._version = version
            self._keep_concept()
            self.changed.emit(Change(_EVERYTHING, "Changed elsewhere", (), _nothing))

    def step(self, edit: Edit) -> Change | None:
        """Take one step of the history; an expected failure goes to `failed` and returns None."""
        try:
            change = edit(self._open_project())
        except ProjectError as error:
            self.failed.emit(error)
            return None
        self._heard(change)
        return change

    def _open_project(self) -> Project:
        if self.project is None:
            raise ProjectError("No project is open", "There is nothing to change.", "Make a project or open one first.")
        return self.project

    def _heard(self, change: Change) -> None:
        self._keep_concept()
        self.changed.emit(change)

    def _keep_concept(self) -> None:
        """The current concept may have been removed, or the first one may have come."""
        if self.project is None:
            return
        known = [item.id for item in queries.concepts(self.project)]
        if self._concept_id not in known:
            self._concept_id = known[0] if known else ""
            self.concept_changed.emit()


class _Step(QUndoCommand):
    """One edit in the history. Undo and redo both run the inverse of what was done last."""

    def __init__(self, session: Session, change: Change) -> None:
        super().__init__(change.title)
        self._session = session
        self._inverse: Edit = change.inverse
        self._done = True

    def redo(self) -> None:
        """Do it again; Qt also calls this at the first push, when it is done already."""
        if self._done:
            self._done = False
            return
        self._turn()

    def undo(self) -> None:
        """Take it back."""
        self._done = False
        self._turn()

    def _turn(self) -> None:
        change = self._session.step(self._inverse)
        if change is None:
            self.setObsolete(True)
        else:
            self._inverse = change.inverse


def _nothing(project: Project) -> Change:  # noqa: ARG001 - the shape of an edit
    return Change(frozenset(), "", (), _nothing)
