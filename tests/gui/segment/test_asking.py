"""Clicks, boxes, previews and finding everything, answered by a process that speaks as the worker does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engines.launch.local import checkout, child_environment
from engines.launch.serving import ServeCommand
from gui.services import Services
from gui.views.segment.page import SegmentPage
from gui.views.shell.window import MainWindow
from gui.widgets.notice import Notice
from gui.workers.interactive import Interactive
from projects import queries
from projects.project import Project
from tests.gui.segment.conftest import WAIT_MS, click, drag, mask_of, place, ready, settled
from tests.gui.segment.test_marking import key


def answering(services: Services, log: Path, manner: str = "") -> None:
    """Have the stand-in answer this window's questions."""
    arguments = ("-m", "tests.gui.segment.answering", str(log), manner)
    command = ServeCommand(sys.executable, arguments, checkout(), child_environment())
    services.__dict__["interactive"] = Interactive(command, parent=services)


def asked(log: Path, kind: str = "") -> list[dict]:
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line for line in lines if not kind or line["type"] == kind]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "asked.jsonl"


@pytest.fixture
def asking(window: MainWindow, services: Services, project: Project, log: Path, qtbot: QtBot) -> SegmentPage:
    """The page with a model that answers, the first picture opened for clicks."""
    answering(services, log)
    return opened(window, services, project, qtbot)


def opened(window: MainWindow, services: Services, project: Project, qtbot: QtBot) -> SegmentPage:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    services.session.adopt(project)
    window.go("segment")
    made = window.page("segment")
    assert isinstance(made, SegmentPage)
    ready(made, qtbot)
    return made


def warm(page: SegmentPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: page.mark.asking.warming.ready, timeout=WAIT_MS)


def answered(page: SegmentPage, qtbot: QtBot, count: int) -> None:
    asking = page.mark.asking
    qtbot.waitUntil(lambda: len(asking.candidates) == count and not asking.words, timeout=WAIT_MS)


def test_pictures_are_opened_before_anybody_clicks(
    asking: SegmentPage, project: Project, log: Path, qtbot: QtBot
) -> None:
    warm(asking, qtbot)
    qtbot.waitUntil(lambda: len(asked(log, "open_ahead")) == 2, timeout=WAIT_MS)
    paths = [str(project.path(image.file)) for image in asking.board.contents.images]
    assert [one["picture"] for one in asked(log, "open_picture")] == paths[:1]
    assert [one["picture"] for one in asked(log, "open_ahead")] == paths[1:3]
    assert asked(log)[0]["cache"] == str(project.root / "cache")


def test_a_click_gives_three_answers_and_enter_keeps_the_chosen_one(
    asking: SegmentPage, project: Project, qtbot: QtBot
) -> None:
    click(asking, 60, 60)
    answered(asking, qtbot, 3)
    assert asking.mark._thumbs.isVisible()
    assert asking.mark.canvas.focusNextPrevChild(True)
    assert asking.mark.asking.chosen == 1
    key(asking, qtbot, Qt.Key.Key_3)
    assert asking.mark.asking.chosen == 2
    key(asking, qtbot, Qt.Key.Key_2)
    key(asking, qtbot, Qt.Key.Key_Return)
    (region,) = settled(asking, qtbot, 1)
    assert (region.origin, region.accepted) == ("click", True)
    assert region.area == pytest.approx(np.pi * 400, rel=0.02)
    assert asking.mark.asking.candidates == ()
    assert not asking.mark._thumbs.isVisible()
    asking.services.session.undo_stack.undo()
    assert queries.labels(project) == ()


def test_more_clicks_refine_and_each_can_be_taken_back(asking: SegmentPage, log: Path, qtbot: QtBot) -> None:
    click(asking, 60, 60)
    answered(asking, qtbot, 3)
    key(asking, qtbot, Qt.Key.Key_3)
    QTest.mouseClick(asking.mark.canvas, Qt.MouseButton.RightButton, pos=place(asking, 66, 60))
    answered(asking, qtbot, 1)
    last = asked(log, "ask_mask")[-1]
    assert [one["inside"] for one in last["clicks"]] == [True, False]
    assert last["follow"] == 2
    assert not asking.mark.asking.candidate.mask.array()[60, 68]
    key(asking, qtbot, Qt.Key.Key_Backspace)
    answered(asking, qtbot, 3)
    key(asking, qtbot, Qt.Key.Key_Y, modifier=Qt.KeyboardModifier.ControlModifier)
    answered(asking, qtbot, 1)
    for _click in range(2):
        key(asking, qtbot, Qt.Key.Key_Z, modifier=Qt.KeyboardModifier.ControlModifier)
    assert asking.mark.asking.points.clicks == ()
    assert asking.services.session.undo_stack.count() == 0
    key(asking, qtbot, Qt.Key.Key_Escape)
    settled(asking, qtbot, 0)


def test_enter_before_the_answer_keeps_it_when_it_comes(
    window: MainWindow, services: Services, project: Project, log: Path, qtbot: QtBot
) -> None:
    answering(services, log, "slow")
    page = opened(window, services, project, qtbot)
    click(page, 60, 60)
    key(page, qtbot, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(page.board.marked) == 1, timeout=WAIT_MS)
    (region,) = settled(page, qtbot, 1)
    assert region.area == pytest.approx(np.pi * 100, rel=0.05)


def test_a_box_asks_too(asking: SegmentPage, log: Path, qtbot: QtBot) -> None:
    asking.mark.hands.take("box")
    drag(asking, (20, 20), (80, 60))
    answered(asking, qtbot, 1)
    assert asked(log, "ask_mask")[-1]["box"] == pytest.approx([20, 20, 80, 60], abs=0.6)
    key(asking, qtbot, Qt.Key.Key_Return)
    (region,) = settled(asking, qtbot, 1)
    assert region.origin == "box"
    assert mask_of(region)[40, 50]


def test_the_preview_follows_the_pointer_and_gives_way_to_a_click(asking: SegmentPage, log: Path, qtbot: QtBot) -> None:
    warm(asking, qtbot)
    asking_ = asking.mark.asking
    for x in range(30, 100, 5):
        asking_.hover(float(x), 60.0)
    qtbot.waitUntil(lambda: asking_.preview is not None and asking_.preview.contains(95, 60), timeout=WAIT_MS)
    hovers = [one for one in asked(log, "ask_mask") if one["hover"]]
    assert len(hovers) < 6, "one at a time, and only the newest counts"
    click(asking, 50, 50)
    assert asking_.preview is None
    answered(asking, qtbot, 3)
    asking_.hover(80.0, 80.0)
    qtbot.wait(150)
    assert asking_.preview is None
    asking_.drop()
    asking_.hover(-5.0, 20.0)
    qtbot.wait(100)
    assert asking_.preview is None


def test_another_picture_or_another_tool_leaves_nothing_behind(asking: SegmentPage, qtbot: QtBot) -> None:
    click(asking, 60, 60)
    answered(asking, qtbot, 3)
    asking.board.step(1)
    assert asking.mark.asking.candidates == ()
    ready(asking, qtbot)
    settled(asking, qtbot, 0)
    click(asking, 60, 60)
    answered(asking, qtbot, 3)
    asking.mark.hands.take("brush")
    (region,) = settled(asking, qtbot, 1)
    assert region.origin == "click", "what was answered is kept before something else begins"


def test_a_model_that_does_not_answer_is_told_and_all_else_goes_on(
    window: MainWindow, services: Services, project: Project, log: Path, qtbot: QtBot
) -> None:
    answering(services, log, "refuse")
    page = opened(window, services, project, qtbot)
    qtbot.waitUntil(lambda: page.mark.asking.warming.problem is not None, timeout=WAIT_MS)
    assert page.mark.canvas.words == "Clicks are not answered: The model is not here"
    told: list[Notice] = []
    services.notice_asked.connect(told.append)
    click(page, 60, 60)
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT_MS)
    assert (told[0].title, told[0].hint) == ("The model is not here", "Choose another one.")
    assert page.mark.asking.points.clicks == ()
    page.mark.hands.take("brush")
    assert "Clicks" not in page.mark.canvas.words
    drag(page, (20, 20), (40, 20))
    settled(page, qtbot, 1)


def test_everything_there_is_waits_as_proposals_once(
    asking: SegmentPage, project: Project, log: Path, qtbot: QtBot
) -> None:
    key(asking, qtbot, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: len(asking.board.proposals) == 2, timeout=WAIT_MS)
    assert asking.mark.hands.tool == "pick"
    assert not asked(log, "find_objects")[0]["classes"]
    assert [label.name for label in queries.labels(project)] == ["Object"]
    key(asking, qtbot, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: len(asked(log, "find_objects")) == 2 and not asking.mark.finding.busy, timeout=WAIT_MS)
    settled(asking, qtbot, 2)
    asking.services.session.undo_stack.undo()
    settled(asking, qtbot, 0)


def test_all_unmarked_pictures_are_gone_through_and_it_can_be_stopped(
    asking: SegmentPage, log: Path, qtbot: QtBot
) -> None:
    asking.mark.finding.everywhere()
    qtbot.waitUntil(lambda: not asking.mark.finding.busy and not asking.board.editing.busy, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(asking.board.contents.proposed) == 4, timeout=WAIT_MS)
    assert len(asked(log, "find_objects")) == 4
    asking.mark.finding.everywhere()
    assert asking.mark.finding.stop()
    assert not asking.mark.finding.stop()
