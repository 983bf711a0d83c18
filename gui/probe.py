"""Drives the real window from outside and says how long its thread was ever stuck: the half of `bench window` that may know Qt.

    python -m gui.probe import FOLDER          a new project takes in every photo of FOLDER through the page Images
    python -m gui.probe train PROJECT BASE N   the first concept of PROJECT is taught for N steps, sampled on the way, while pages change
    python -m gui.probe victim PROJECT FOLDER CONCEPT   FOLDER comes in while captions are edited, until the window is killed; each thing
                                                        accepted is told as a JSON line at once

Prints one JSON object. The heartbeat is a timer of 10 ms on the window's own thread; a stall is what a beat came too late by.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from gui import opening
from gui.app import get_ready, make_app, make_services
from gui.crash import Hook
from gui.services import Services
from gui.views.images.page import ImagesPage
from gui.views.shell.window import MainWindow
from gui.widgets.notice import Notice
from projects import edits, queries

if TYPE_CHECKING:
    from gui.workers.runs import RunDraft

BEAT_MS = 10
_LIMIT_S = 600.0
_CALM_MS = 1500
_PAGES = ("train", "images", "compare", "library", "home")
_TURN_MS = 900
_ENDS = frozenset({"finished", "failed", "interrupted"})


@dataclass
class Beats:
    """What the heartbeat saw between `start` and the end.

    Attributes:
        late_ms: how late each beat came.
    """

    late_ms: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Longest and typical lateness, and how many beats came more than a frame (16 ms) late."""
        late = sorted(self.late_ms) or [0.0]
        return {
            "beats": len(self.late_ms),
            "longest_ms": round(late[-1], 1),
            "late_99_ms": round(late[int(len(late) * 0.99)], 1),
            "over_a_frame": sum(value > 16.0 for value in late),
        }


class Heart(QObject):
    """Beats every 10 ms on the window's thread."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.beats = Beats()
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Begin to count."""
        self.beats = Beats()
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> Beats:
        """Stop counting."""
        self._timer.stop()
        return self.beats

    def _beat(self) -> None:
        now = time.perf_counter()
        self.beats.late_ms.append(max(0.0, (now - self._last) * 1e3 - BEAT_MS))
        self._last = now


class Probe(QObject):
    """One window under observation. `found` is what will be printed."""

    def __init__(self, app: QApplication, services: Services) -> None:
        super().__init__(app)
        self.app = app
        self.services = services
        self.window = MainWindow(services)
        self.heart = Heart(self)
        self.found: dict[str, object] = {}
        self._code = 0
        services.notice_asked.connect(self._noticed)
        QTimer.singleShot(int(_LIMIT_S * 1e3), self.give_up)

    def run(self, then: Callable[[], None]) -> int:
        """Show the window, do `then` once it is calm, and return the exit code when the probe is over."""
        self.window.painted.connect(lambda: QTimer.singleShot(0, lambda: get_ready(self.services, self.window)))
        self.window.show()
        QTimer.singleShot(_CALM_MS, then)
        self.app.exec()
        self.found["torch_loaded"] = "torch" in sys.modules
        sys.stdout.write(json.dumps(self.found) + "\n")
        self.services.stop()
        return self._code

    def finish(self) -> None:
        """The measurement is over."""
        self.found.update(self.heart.stop().summary())
        self.app.quit()

    def give_up(self) -> None:
        """It takes too long, or something failed; whatever was seen until now is told."""
        self._code = 1
        self.finish()

    def _noticed(self, notice: Notice) -> None:
        if notice.level == "bad":
            self.found["failure"] = " ".join(part for part in (notice.title, notice.text) if part)
            self.give_up()


def import_photos(probe: Probe, folder: Path) -> None:
    """Take in a folder on the page Images and count beats from the drop until the report is drawn."""

    def ready() -> None:
        page = probe.window.page("images")
        if not isinstance(page, ImagesPage):
            probe.give_up()
            return
        probe.services.navigate("images")
        began = time.perf_counter()

        def report(result: object) -> None:
            probe.found["seconds"] = round(time.perf_counter() - began, 2)
            probe.found["added"] = len(getattr(result, "added", ()))
            QTimer.singleShot(_CALM_MS, probe.finish)

        page.importer.finished.connect(report)
        QTimer.singleShot(_CALM_MS, lambda: _drop(page))

    def _drop(page: ImagesPage) -> None:
        probe.heart.start()
        page.take_in((folder,))

    opening.create_named(probe.services, "Probe", then=ready)


def train(probe: Probe, project: Path, base: str, steps: int) -> None:
    """Teach the first concept and turn the pages meanwhile."""

    def opened() -> None:
        QTimer.singleShot(_CALM_MS, begin)

    def begin() -> None:
        probe.heart.start()
        probe.services.runs.start(_draft(probe, base, steps), done=started, failed=probe.services.notify)

    def started(run: str) -> None:
        turn = QTimer(probe)
        turn.setInterval(_TURN_MS)
        turned = {"count": 0}
        first_visits: dict[str, float] = {}

        def look() -> None:
            page = _PAGES[turned["count"] % len(_PAGES)]
            turned["count"] += 1
            began = time.perf_counter()
            probe.services.navigate(page)
            if page not in first_visits:
                probe.app.processEvents()
                first_visits[page] = round((time.perf_counter() - began) * 1e3, 1)
            view = probe.services.runs.view(run)
            if view is None:
                return
            state = view.state
            if state.phase in _ENDS:
                turn.stop()
                probe.found.update(
                    phase=state.phase,
                    steps=state.step,
                    samples=len(state.samples),
                    pages_turned=turned["count"],
                    first_visit_ms=first_visits,
                )
                if state.failure is not None:
                    probe.found["failure"] = f"{state.failure.title} {state.failure.what}"
                QTimer.singleShot(_CALM_MS, probe.finish)

        turn.timeout.connect(look)
        turn.start()

    opening.open_path(probe.services, project, then=opened)


def be_victim(probe: Probe, project: Path, source: Path, concept_id: str) -> None:
    """Import through the page Images and edit meanwhile, telling what was accepted; somebody else ends it."""

    def say(what: dict[str, str]) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    def opened() -> None:
        session = probe.services.session
        page = probe.window.page("images")
        if session.project is None or not isinstance(page, ImagesPage):
            probe.give_up()
            return
        ids = [image.id for image in queries.images(session.project)]
        # Before the first picture it tells what it is looking for.
        page.importer.progressed.connect(lambda done, _total, name: say({"picture": name}) if done else None)
        page.importer.take_paths((source,), concept_id)
        turns = {"number": 0}

        def edit() -> None:
            number = turns["number"]
            turns["number"] += 1
            image_id = ids[number % len(ids)]
            session.apply(lambda opened: edits.set_caption(opened, [image_id], f"edit {number}"))
            say({"image": image_id, "caption": f"edit {number}"})
            if number % 5 == 4:
                say({"taking_back": image_id})
                session.undo_stack.undo()
                session.undo_stack.redo()
                say({"again": image_id})

        editing = QTimer(probe)
        editing.timeout.connect(edit)
        editing.start(2)

    opening.open_path(probe.services, project, then=opened)


def _draft(probe: Probe, base: str, steps: int) -> RunDraft:
    from engines.api.job import JobMethod
    from engines.api.recipe import Recipe
    from gui.workers.runs import RunDraft

    recipe = Recipe()
    every = max(steps // 6, 1)
    recipe = recipe.model_copy(
        update={
            "loop": recipe.loop.model_copy(update={"steps": steps}),
            "samples": recipe.samples.model_copy(update={"every": every}),
        }
    )
    return RunDraft(probe.services.session.concept_id, "Probe", JobMethod(), recipe, base=base)


def main(argv: Sequence[str]) -> int:
    """Run one probe; 0 when it came to its end, 1 when it did not, 2 for wrong arguments."""
    arguments = list(argv)
    app = make_app()
    Hook(app).install()
    probe = Probe(app, make_services(app, theme="light"))
    if arguments[:1] == ["import"] and len(arguments) == 2:
        folder = Path(arguments[1])
        return probe.run(lambda: import_photos(probe, folder))
    if arguments[:1] == ["train"] and len(arguments) == 4:
        project, base, steps = Path(arguments[1]), arguments[2], int(arguments[3])
        return probe.run(lambda: train(probe, project, base, steps))
    if arguments[:1] == ["victim"] and len(arguments) == 4:
        root, source, concept_id = Path(arguments[1]), Path(arguments[2]), arguments[3]
        return probe.run(lambda: be_victim(probe, root, source, concept_id))
    sys.stderr.write((__doc__ or "") + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
