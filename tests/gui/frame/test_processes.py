"""The window as a program of its own, and the import beside it: start without torch, stop, die, come to an end in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from gui.widgets.notice import Notice
from gui.workers.importing import ImportProcess
from projects import queries
from projects.errors import ProjectError
from projects.import_process import report_of
from projects.project import Project
from projects.report import ImportReport
from tests.conftest import ROOT
from tests.gui.frame.conftest import Photos

_WAIT_MS = 60_000


def begin(project: Project, paths: list[Path]) -> tuple[ImportProcess, list[ImportReport], list[Notice]]:
    process = ImportProcess(project.root, paths, queries.concepts(project)[0].id)
    reports: list[ImportReport] = []
    notices: list[Notice] = []
    process.finished.connect(reports.append)
    process.failed.connect(notices.append)
    process.start()
    return process, reports, notices


def test_the_first_paint_comes_without_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gui.app", "--fresh", "--first-paint-exit"],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    seconds, torch_loaded = done.stdout.split()
    assert 0.0 < float(seconds) < 240.0
    assert torch_loaded == "False"


def test_an_import_beside_the_window_can_be_undone(project: Project, photos: Photos, qtbot: QtBot) -> None:
    _process, reports, notices = begin(project, [photos(7)])
    qtbot.waitUntil(lambda: bool(reports or notices), timeout=_WAIT_MS)
    assert notices == []
    change = reports[0].change
    assert change is not None
    assert set(change.ids) == set(reports[0].added)
    after = queries.counts(project).images
    assert after == 4 + len(reports[0].added)
    back = change.inverse(project)
    assert queries.counts(project).images == 4
    back.inverse(project)
    assert queries.counts(project).images == after


def test_an_import_that_is_killed_is_told_and_keeps_what_came_in(
    project: Project, photos: Photos, qtbot: QtBot
) -> None:
    process, reports, notices = begin(project, [photos(40)])
    qtbot.waitUntil(lambda: process._process.processId() > 0, timeout=_WAIT_MS)
    psutil.Process(process._process.processId()).kill()
    qtbot.waitUntil(lambda: bool(notices), timeout=_WAIT_MS)
    assert reports == []
    assert notices[0].level == "bad"
    assert notices[0].hint
    assert all(project.path(image.file).is_file() for image in queries.images(project))


def test_an_import_into_nowhere_is_told_in_its_own_words(project: Project, tmp_path: Path, qtbot: QtBot) -> None:
    process = ImportProcess(tmp_path / "no project", [tmp_path], "none")
    notices: list[Notice] = []
    process.failed.connect(notices.append)
    process.start()
    qtbot.waitUntil(lambda: bool(notices), timeout=_WAIT_MS)
    assert notices[0].title == "There is no project here"


def test_closing_the_window_stops_the_import(project: Project, photos: Photos, qtbot: QtBot) -> None:
    process, reports, notices = begin(project, [photos(30)])
    qtbot.waitUntil(lambda: process._process.processId() > 0, timeout=_WAIT_MS)
    process.abandon(wait_ms=_WAIT_MS)
    qtbot.wait(20)
    assert reports == []
    assert notices == []
    assert process._process.processId() == 0


@pytest.mark.parametrize("line", [{}, {"report": {}}, {"done": 1}])
def test_a_line_that_is_no_report_is_refused(line: dict[str, object]) -> None:
    with pytest.raises(KeyError):
        report_of(line)


def test_an_expected_failure_keeps_its_words() -> None:
    line = json.loads(json.dumps({"error": {"title": "Full", "what": "No room.", "hint": "Make room."}}))
    with pytest.raises(ProjectError) as failure:
        report_of(line)
    assert (failure.value.title, failure.value.hint) == ("Full", "Make room.")
