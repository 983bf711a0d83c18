"""The right side of Train: one training as it goes or went, what waits after it, and the earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from gui.services import Services
from gui.views.train.ending import EndingCard
from gui.views.train.learning import LearningCard
from gui.views.train.naming import ask_title
from gui.views.train.past import PastCard
from gui.views.train.samples import SamplesCard
from gui.views.train.upnext import UpNextCard
from gui.widgets.notice import Notice, of_error
from gui.widgets.page import GUTTER, ScrollBody
from gui.workers.runs import RunView
from gui.workers.watch import Kind
from projects import edits
from projects.errors import ProjectError


@dataclass(frozen=True)
class Watched:
    """What is watched, and the words for it.

    Attributes:
        kind: of the runs in the list.
        offer: what is done with a finished one.
        curve: what the curve shows, in a few words.
        first: what the first sample shows, while it is waited for.
        seeded: whether samples are drawn by lot.
        named: puts into words what a sample was made of, where that is no prompt.
        listed: what the runs in the list are called.
        learns: whether a run learns in steps, so that there is a curve to watch.
    """

    kind: Kind
    offer: str
    curve: str
    first: str
    seeded: bool = True
    named: Callable[[str], str] = str
    listed: str = "Trainings"
    learns: Callable[[RunView], bool] = lambda _view: True


TEACHING = Watched(
    "teach",
    "See before and after",
    "error on the same test noise every time, lower is better",
    "The first picture shows what the base model makes of the words before it has learned anything.",
)


class WatchPanel(ScrollBody):
    """Shows one training.

    `repeat` of the page is called with a run's id to fill the form from it, `use` to do what is done with a finished one. Further buttons of
    a finished one go into `more`.
    """

    def __init__(self, services: Services, page: TrainLike, watched: Watched = TEACHING) -> None:
        super().__init__(margins=GUTTER)
        self._services = services
        self._page = page
        self._watched = watched
        runs = services.runs
        self._ending = EndingCard(
            services.background,
            offer=watched.offer,
            compare=lambda: page.use(page.current),
            resume=lambda: runs.resume(self._page.current, failed=services.notify),
            repeat=lambda: self._page.repeat(self._page.current),
            folder=self._show_folder,
        )
        self.more = self._ending.more
        self._learning = LearningCard(services.background, curve=watched.curve)
        self._samples = SamplesCard(
            services.background, first=watched.first, seeded=watched.seeded, named=watched.named
        )
        self._up_next = UpNextCard(
            move=lambda run, place: runs.move_in_queue(run, place, failed=services.notify),
            remove=lambda run: runs.unqueue(run, failed=services.notify),
            begin=lambda: runs.start_queue(failed=services.notify),
        )
        self._past = PastCard(
            services.background,
            title=watched.listed,
            look=page.look,
            repeat=page.repeat,
            rename=self.rename,
            remove=self.remove,
        )
        self.column.addWidget(self._ending)
        self.column.addWidget(self._learning, 1)
        for card in (self._samples, self._up_next, self._past):
            self.column.addWidget(card)

    def warm_up(self) -> None:
        """Load what is slow to load."""
        self._learning.curve.warm_up()

    def show_run(self, view: RunView | None) -> None:
        """Show this training; the cards about one training hide while there is none."""
        for card in (self._learning, self._samples):
            card.setVisible(view is not None and self._watched.learns(view))
        if view is None:
            self._ending.hide()
            return
        self._ending.show_run(view)
        self._learning.show_run(view)
        self._samples.show_run(view)

    def show_lists(self, current: str) -> None:
        """Show the queue and the earlier trainings."""
        runs = self._services.runs
        self._up_next.show_queue(runs.queue(), active=runs.active() is not None, at_work=runs.queue_at_work)
        self._past.show_runs(runs.all(self._watched.kind), current)

    def rename(self, run: str) -> None:
        """Ask for another title of a run."""
        view = self._services.runs.view(run)
        if view is None:
            return
        title = ask_title(self.window(), view.title)
        if title:
            self._edit(lambda: self._services.session.apply(lambda p: edits.rename_run(p, run, title)))

    def remove(self, run: str) -> None:
        """Take a run off the list; it can be undone."""
        self._edit(lambda: self._services.session.apply(lambda p: edits.remove_run(p, run)))
        self._services.notify(
            Notice(
                "info",
                "Taken off the list",
                "Its folder stays in the project.",
                actions=(("Undo", self._services.session.undo_stack.undo),),
            )
        )

    def _show_folder(self) -> None:
        view = self._services.runs.view(self._page.current)
        if view is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(view.info.folder)))

    def _edit(self, call: Callable[[], object]) -> None:
        try:
            call()
        except ProjectError as error:
            self._services.notify(of_error(error))


class TrainLike(Protocol):
    """What this panel asks of its page."""

    @property
    def current(self) -> str:
        """Id of the training on show."""
        ...

    def look(self, run: str) -> None:
        """Show another training."""
        ...

    def repeat(self, run: str) -> None:
        """Fill the form from a training."""
        ...

    def use(self, run: str) -> None:
        """Do what is done with a finished training."""
        ...
