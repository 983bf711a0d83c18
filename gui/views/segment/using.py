"""Which model answers: the plain one, or one that was taught here. The project remembers it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from engines.api.segment_requests import SegmentModel
from gui.services import Services
from gui.views.segment.teach.base_model import base_title
from gui.workers.runs import RunView
from projects import edits, queries
from projects.change import Change
from projects.errors import ProjectError

_BASE, _RUN = "segment.base", "segment.run"
STARTER = "starter"


class Using(QObject):
    """The choice, and what follows from it.

    Attributes:
        base: the plain model, as a job names it.
        run: the finished adaptation in use, or None.

    Signals:
        changed: another model answers.
    """

    changed = Signal()

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self.base = STARTER
        self.run: RunView | None = None
        self._wanted = ""
        services.session.opened.connect(self._read)
        services.session.closed.connect(self._read)
        services.session.changed.connect(self._changed)
        services.runs.changed.connect(self._follow)
        self._read()

    @property
    def model(self) -> SegmentModel:
        """What is asked."""
        job = self.run.info.adaptation if self.run is not None else None
        if self.run is None or job is None or self.run.adapter is None:
            return SegmentModel(base=self.base, adapter="")
        return SegmentModel(base=job.base, adapter=str(self.run.adapter))

    @property
    def title(self) -> str:
        """The model in a few words."""
        return self.run.title if self.run is not None else base_title(self.base)

    @property
    def classes(self) -> tuple[str, ...]:
        """What it finds without being asked; empty when it finds nothing by itself."""
        job = self.run.info.adaptation if self.run is not None else None
        return job.classes if job is not None and job.recipe.data.prompts != "clicks" else ()

    def offered(self) -> tuple[RunView, ...]:
        """The finished adaptations, the newest first."""
        return tuple(view for view in self._services.runs.all("segment") if view.adapter is not None)

    def use_base(self, base: str) -> None:
        """Have a plain model answer."""
        self._keep(base, "")

    def teach_on(self, base: str) -> None:
        """Teach on top of another plain model; what answers stays."""
        self._keep(base, self._wanted)

    def use_run(self, run: str) -> None:
        """Have a finished adaptation answer."""
        self._keep(self.base, run)

    def _keep(self, base: str, run: str) -> None:
        pairs = ((_BASE, base if base != STARTER else None), (_RUN, run or None))
        if not self._services.session.read_only:
            try:
                changes = [partial(edits.set_setting, key=key, value=value) for key, value in pairs]
                self._services.session.apply(
                    lambda project: edits.together(project, changes, title="Choose another model")
                )
            except ProjectError:
                pass  # it is used all the same, only not remembered
        self._take(base, run)

    def _read(self) -> None:
        project = self._services.session.project
        base = queries.setting(project, _BASE, STARTER) if project is not None else STARTER
        run = queries.setting(project, _RUN, "") if project is not None else ""
        self._take(str(base), str(run))

    def _changed(self, change: Change) -> None:
        if {_BASE, _RUN} & set(change.ids) or not change.ids:
            self._read()

    def _follow(self) -> None:
        """The runs are listed a moment after their project is opened, and the one in use may be taken off the list."""
        self._take(self.base, self._wanted)

    def _take(self, base: str, run: str) -> None:
        view = self._services.runs.view(run) if run else None
        view = view if view is not None and view.adapter is not None else None
        before = (self.base, self.model, self.title)
        self.base, self._wanted, self.run = base, run, view
        if (self.base, self.model, self.title) != before:
            self.changed.emit()
