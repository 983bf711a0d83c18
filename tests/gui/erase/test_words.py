"""The words of the page: named, suggested, refused in words, undone; and the run that is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from engines.api import events as ev
from engines.launch import queue
from gui.services import Services
from gui.views.erase import draft as drafts
from gui.views.erase.draft import KEY, Draft, Target
from gui.views.erase.page import ErasePage
from projects import queries
from projects.project import Project
from tests.gui import stage
from tests.gui.erase.conftest import WAIT_MS, add_erasure, asked, find, finished, type_into


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders of runs that were to begin; none is."""
    folders: list[Path] = []
    monkeypatch.setattr(queue, "begin", lambda folder: folders.append(folder) or "started")
    return folders


def readiness(page: ErasePage) -> str:
    return find(page, "erase.readiness").text()


def test_an_empty_page_teaches_and_offers_no_start(page: ErasePage) -> None:
    assert find(page, "erase.firstTime").isVisible()
    assert not page.making.plan.start_button.isEnabled()
    assert "what must not appear" in readiness(page)


def test_without_a_project_it_leads_to_one(services: Services, qtbot: QtBot) -> None:
    page = ErasePage(services)
    qtbot.addWidget(page)
    page.show()
    assert find(page, "erase.none").isVisible()


def test_words_are_suggested_and_a_press_takes_them_in(page: ErasePage, qtbot: QtBot) -> None:
    type_into(page, "erase.target", " snowman , Snowman")
    assert page.board.draft.words == ("snowman",)
    qtbot.waitUntil(lambda: bool(page.board.neighbours()), timeout=WAIT_MS)
    offered = find(page, "erase.target.0.offered.0")
    assert offered.text() == "+ snowmans"
    offered.click()
    assert page.board.draft.targets[0].also == ("snowmans",)
    assert page.board.neighbours() == ("duck", "penguin"), "what goes is no neighbour"
    find(page, "erase.neighbours.0").click()
    assert page.board.draft.keep == ("duck",)
    find(page, "erase.kept.0").click()
    assert page.board.draft.keep == ()


def test_all_neighbours_can_be_kept_at_once(page: ErasePage, qtbot: QtBot) -> None:
    type_into(page, "erase.target", "snowman")
    qtbot.waitUntil(lambda: bool(page.board.neighbours()), timeout=WAIT_MS)
    find(page, "erase.keepAll").click()
    assert page.board.draft.keep == ("duck", "penguin")
    assert readiness(page) == ""


def test_every_edit_of_the_words_is_one_step_back(page: ErasePage, services: Services) -> None:
    undo = services.session.undo_stack
    type_into(page, "erase.target", "snowman")
    type_into(page, "erase.target.0.instead", "a bear")
    type_into(page, "erase.keep", "duck, penguin")
    assert page.board.draft.targets[0].surrogate == "a bear"
    find(page, "erase.target.0.remove").click()
    assert page.board.draft.targets == ()
    for expected in (1, 1, 1, 0):
        undo.undo()
        assert len(page.board.draft.targets) == expected
    assert page.board.draft == Draft()
    undo.redo()
    assert page.board.draft.words == ("snowman",)


def test_the_words_come_back_with_the_project(page: ErasePage, services: Services, project: Project) -> None:
    type_into(page, "erase.target", "snowman")
    services.session.open(project.root)
    assert page.board.draft.words == ("snowman",)
    assert queries.setting(services.session.project, KEY)


def test_what_cannot_work_is_said_before_it_starts(page: ErasePage, qtbot: QtBot) -> None:
    type_into(page, "erase.target", "snowman")
    type_into(page, "erase.keep", "SNOWMAN")
    assert "is to go and to stay" in readiness(page)
    assert not page.making.plan.start_button.isEnabled()
    page.board.put(Draft(targets=(Target(word="☃"),)), "x")
    qtbot.waitUntil(lambda: "does not know “☃”" in readiness(page), timeout=WAIT_MS)
    assert not page.making.plan.start_button.isEnabled()
    page.board.put(Draft(targets=(Target(word="snowman", surrogate="Snowman"),)), "x")
    assert "cannot stand in for itself" in readiness(page)
    assert not drafts.split(" , ;\n ")
    page.board.put(Draft(targets=tuple(Target(word=f"w{n}", also=(f"x{n}",)) for n in range(50))), "x")
    assert "100 concepts" in readiness(page)


def test_a_model_that_cannot_be_asked_does_not_keep_anybody_from_starting(page: ErasePage, qtbot: QtBot) -> None:
    type_into(page, "erase.target", "broken")
    qtbot.waitUntil(find(page, "erase.target.0.again").isVisible, timeout=WAIT_MS)
    assert page.making.plan.start_button.isEnabled()
    words = [label for label in page.findChildren(QLabel) if "It is gone" in label.text()]
    assert words
    assert all(label.textFormat() == label.textFormat().PlainText for label in words)


def test_the_keyboard_stays_where_chips_go(page: ErasePage, qtbot: QtBot) -> None:
    type_into(page, "erase.keep", "a, b, c")
    page.activateWindow()
    qtbot.waitUntil(lambda: QGuiApplication.focusWindow() is not None, timeout=WAIT_MS)
    find(page, "erase.kept.1").setFocus()
    qtbot.waitUntil(find(page, "erase.kept.1").hasFocus, timeout=WAIT_MS)
    find(page, "erase.kept.1").click()
    assert page.board.draft.keep == ("a", "c")
    chips = [chip for chip in page.findChildren(QPushButton) if chip.hasFocus()]
    assert [chip.text() for chip in chips] == ["c"]


def test_a_run_is_made_of_what_was_chosen(page: ErasePage, services: Services, begun: list[Path], qtbot: QtBot) -> None:
    type_into(page, "erase.target", "snowman")
    page.board.put(page.board.draft.with_target(0, also=("snowmen",), surrogate="bear"), "x")
    type_into(page, "erase.keep", "duck")
    find(page, "erase.way.uce").clicked.emit()
    assert page.making.plan.start_button.isEnabled()
    page.making.start()
    qtbot.waitUntil(lambda: bool(begun), timeout=WAIT_MS)
    view = services.runs.view(begun[0].name)
    qtbot.waitUntil(lambda: services.runs.view(begun[0].name) is not None, timeout=WAIT_MS)
    view = services.runs.view(begun[0].name)
    job = view.info.erasure
    assert [(one.target, one.surrogate) for one in job.targets] == [("snowman", "bear"), ("snowmen", "bear")]
    assert job.keep == ("duck",)
    assert job.method.name == "uce"
    assert view.kind == "erase"
    assert services.runs.all("teach") == []


def test_what_is_solved_at_once_shows_no_settings_of_learning(page: ErasePage) -> None:
    choices = page.making.plan.choices
    assert choices.ways.name == "spm", "what harms least is offered first"
    assert ("loop", "steps") in {spec.path for spec in choices.forms.recipe.specs}
    choices.forms.recipe.set_values({"check": {"pictures": 7}, "loop": {"steps": 55}})
    choices.ways.choose("uce")
    assert ("loop", "steps") not in {spec.path for spec in choices.forms.recipe.specs}
    assert choices.recipe().check.pictures == 7
    choices.ways.choose("spm")
    assert choices.recipe().loop.steps == 55, "nothing is lost on the way"
    papers = [label for label in choices.ways.findChildren(QLabel) if label.text() == "SPM, 2024"]
    assert not papers[0].isVisible()
    find(page, "erase.face.advanced").click()
    assert papers[0].isVisible()


def test_earlier_erasures_can_act_while_the_next_one_is_made(
    page: ErasePage, services: Services, project: Project, begun: list[Path], qtbot: QtBot
) -> None:
    folder = add_erasure(project, finished(), title="Without <b>cars</b>", targets=("car",))
    services.runs.look()
    qtbot.waitUntil(lambda: page.finished is not None, timeout=WAIT_MS)
    page.go("make")
    find(page, f"erase.after.{folder.name}").click()
    assert page.board.draft.after == (folder.name,)
    assert page.board.after() == (f"runs/{folder.name}/adapter.safetensors",)
    type_into(page, "erase.target", "snowman")
    page.making.start()
    qtbot.waitUntil(lambda: bool(begun), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: services.runs.view(begun[0].name) is not None, timeout=WAIT_MS)
    assert services.runs.view(begun[0].name).info.erasure.after == (f"runs/{folder.name}/adapter.safetensors",)


def test_measuring_shows_how_far_it_is(page: ErasePage, services: Services, project: Project, qtbot: QtBot) -> None:
    folder = add_erasure(project, (stage.started(total=200),), method="uce")
    stage.tell(folder, ev.Progress(phase="finishing", text="Measuring what came of it", done=3, total=12))
    services.runs.look()
    qtbot.waitUntil(lambda: find(page, "erase.progressCard").isVisible(), timeout=WAIT_MS)
    qtbot.waitUntil(
        lambda: any("3 of 12" in label.text() for label in find(page, "erase.progress").findChildren(QLabel)),
        timeout=WAIT_MS,
    )
    assert not find(page, "train.learning").isVisible(), "there is no curve to watch"
    assert find(page, "erase.stop").isVisible()
    assert page.making.plan.start_button.text() == "Add to the queue"


def test_suggestions_are_asked_once_and_only_in_view(page: ErasePage, qtbot: QtBot, tmp_path: Path) -> None:
    type_into(page, "erase.target", "snowman")
    qtbot.waitUntil(lambda: page.board.hint("snowman") is not None, timeout=WAIT_MS)
    page.hidden()
    page.board.put(page.board.draft.changed(targets=(Target(word="snowman"), Target(word="car"))), "x")
    page.shown()
    qtbot.waitUntil(lambda: page.board.hint("car") is not None, timeout=WAIT_MS)
    assert [one["target"] for one in asked(tmp_path, "suggest_words")] == ["snowman", "car"]
