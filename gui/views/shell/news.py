"""Tells how far the training at work is and how trainings ended, whichever page is in view, also when that was while it was closed.

Which trainings were seen at work is kept in a small file: whatever stands in it and is at work no longer has not been told yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engines.api import places
from gui.preferences import read_json
from gui.services import Services
from gui.views.train.ending import ending
from gui.views.train.words import plural
from gui.widgets.notice import Notice
from gui.workers.keeping import Keeper
from gui.workers.runs import RunView
from gui.workers.watch import Kind

_ENDS = frozenset({"finished", "failed", "interrupted"})
PAGES: dict[Kind, str] = {"teach": "train", "erase": "erase", "segment": "segment"}
"""Where a run of each kind is looked at."""
_OFFERS: dict[Kind, tuple[str, str]] = {
    "teach": ("See before and after", "is taught"),
    "erase": ("See what came of it", "is made"),
    "segment": ("Use it", "has learned"),
}
_AT_WORK: dict[Kind, str] = {"teach": "Training", "erase": "Erasing", "segment": "Training"}


class News(QObject):
    """Follows the trainings of the open project; `in_view` gives the key of the page that is being looked at.

    Signals:
        standing: how far the training at work is, in a few words; empty when there is none.
    """

    standing = Signal(str)

    def __init__(self, services: Services, in_view: Callable[[], str], parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._in_view = in_view
        self._keeper = Keeper(places.state_home() / "at_work.json", services.background)
        self._at_work = _healed(read_json(self._keeper.path))
        services.stopping.connect(self._keeper.flush)
        services.runs.changed.connect(self._look)
        services.runs.changed.connect(self._stand)
        services.runs.run_changed.connect(lambda _run: self._stand())
        self._look()

    def _stand(self) -> None:
        active = self._services.runs.active()
        if active is None:
            self.standing.emit("")
            return
        state = active.state
        doing = _AT_WORK[active.kind]
        paused = "Paused at" if state.phase == "paused" else f"{doing},"
        known = state.phase in {"training", "paused"} and state.steps_total
        self.standing.emit(f"{paused} {state.step} of {state.steps_total}" if known else doing)

    def _look(self) -> None:
        runs = self._services.runs
        if not runs.listed:
            return
        views = runs.every()
        ended = [view for view in views if str(view.info.folder) in self._at_work and view.state.phase in _ENDS]
        gone = {str(view.info.folder) for view in ended}
        now = (self._at_work - gone) | {str(view.info.folder) for view in views if view.active}
        if now != self._at_work:
            self._at_work = now
            self._keeper.keep(sorted(now))
        news = [view for view in ended if self._in_view() != PAGES[view.kind] or view.id != runs.current_of(view.kind)]
        if news:
            self._services.notify(self._one(news[0]) if len(news) == 1 else self._several(news))

    def _one(self, view: RunView) -> Notice:
        words = ending(view)
        if view.state.phase == "finished":
            text = words.text if words is not None else ""
            page = "compare" if view.kind == "teach" else PAGES[view.kind]
            offer, said = _OFFERS[view.kind]
            actions = ((offer, lambda: self._show(view.id, page)),)
            return Notice("good", f"“{view.title}” {said}", text, actions=actions, stays=True)
        what = words.title if words is not None else ""
        show = ("Show it", lambda: self._show(view.id, PAGES[view.kind]))
        resume = ("Resume", lambda: self._services.runs.resume(view.id, failed=self._services.notify))
        offered = (resume, show) if view.state.phase == "interrupted" else (show,)
        return Notice("warning", f"“{view.title}” is not taught yet", f"{what}.", actions=offered)

    def _several(self, views: Sequence[RunView]) -> Notice:
        taught = [view for view in views if view.state.phase == "finished"]
        rest = len(views) - len(taught)
        text = ", ".join(view.title for view in taught)
        hint = f"{plural(rest, 'training')} did not come to the end." if rest else ""
        actions = (("Show them", lambda: self._show(views[0].id, PAGES[views[0].kind])),)
        title = f"{plural(len(views), 'training')} ended"
        return Notice(
            "warning" if rest else "good", title, f"Taught: {text}." if text else "", hint, actions, stays=True
        )

    def _show(self, run: str, page: str) -> None:
        self._services.runs.set_current(run)
        self._services.navigate(page)


def _healed(found: object) -> frozenset[str]:
    """The kept folders; those that are gone for good are forgotten."""
    entries = found if isinstance(found, list) else []
    return frozenset(entry for entry in entries if isinstance(entry, str) and Path(entry).is_dir())
