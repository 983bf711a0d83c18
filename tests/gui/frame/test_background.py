"""Background work: results come on the window's thread, expected failures as notices, bugs to the hook, nothing after cancel."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gui.crash import Hook, crash_folder
from gui.widgets.notice import Notice
from gui.workers.background import Background, Task
from projects.errors import UserError


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[Background]:
    made = Background(threads=2)
    yield made
    assert made.stop()


def test_results_arrive_on_the_windows_thread(background: Background, qtbot: QtBot) -> None:
    where: list[tuple[int, int, int]] = []

    def done(worker: int) -> None:
        where.append((worker, threading.get_ident(), 1))

    background.run(lambda _task: threading.get_ident(), done=done)
    qtbot.waitUntil(lambda: bool(where))
    worker, here, _ = where[0]
    assert here == threading.get_ident()
    assert worker != here


def test_an_expected_failure_becomes_a_notice(background: Background, qtbot: QtBot) -> None:
    def work(_task: Task[None]) -> None:
        raise UserError("The disk is full", "Nothing was written.", "Make room.")

    heard: list[Notice] = []
    background.run(work, failed=heard.append)
    qtbot.waitUntil(lambda: bool(heard))
    assert (heard[0].title, heard[0].text, heard[0].hint) == ("The disk is full", "Nothing was written.", "Make room.")


def test_nothing_is_delivered_to_somebody_who_is_gone(background: Background, qtbot: QtBot) -> None:
    heard: list[str] = []
    gone, here = QObject(), QObject()
    background.run(lambda _task: "gone", done=heard.append, owner=gone)
    shiboken6.delete(gone)
    background.run(lambda _task: "here", done=heard.append, owner=here)
    qtbot.waitUntil(lambda: heard == ["here"])


def test_a_cancelled_task_delivers_nothing(background: Background, qtbot: QtBot) -> None:
    go = threading.Event()
    heard: list[str] = []
    first = background.run(lambda _task: go.wait(5) and "first", done=lambda words: heard.append(str(words)))
    second = background.run(lambda _task: "second", done=heard.append)
    first.cancel()
    go.set()
    qtbot.waitUntil(lambda: second.finished and first.finished)
    qtbot.waitUntil(lambda: heard == ["second"])
    qtbot.wait(20)
    assert heard == ["second"]


def test_stopping_waits_for_what_is_under_way(qtbot: QtBot) -> None:
    background = Background(threads=1)
    over: list[bool] = []

    begun = threading.Event()

    def work(task: Task[None]) -> None:
        begun.set()
        while not task.cancelled:
            time.sleep(0.005)
        over.append(True)

    background.run(work)
    later = background.run(lambda _task: over.append(False))
    assert begun.wait(5)
    assert background.stop(2000)
    assert over == [True]
    assert not later.finished


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_writes_a_report_and_shows_its_end(qtbot: QtBot) -> None:
    hook = Hook()
    with pytest.raises(RuntimeError) as bug:
        _stumble()
    with qtbot.waitSignal(hook.crashed) as told:
        hook.take(bug.type, bug.value, bug.tb)
    text, path = told.args
    assert "RuntimeError: the mistake" in text
    reports = list(crash_folder().glob("window-*.txt"))
    assert [str(report) for report in reports] == [path]
    assert "the mistake" in reports[0].read_text(encoding="utf-8")
    qtbot.waitUntil(lambda: hook._sheet is not None and hook._sheet.isVisible())
    assert hook._sheet is not None
    hook._sheet.accept()
    assert hook._sheet is None


def _stumble() -> None:
    msg = "the mistake"
    raise RuntimeError(msg)
