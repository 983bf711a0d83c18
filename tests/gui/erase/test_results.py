"""What came of an erasure: said as it was measured, shown large, switched live, tried to get around, undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from engines.api import events as ev
from gui.services import Services
from gui.views.erase.page import ErasePage
from gui.views.erase.results.measured import read_report
from projects.project import Project
from tests.gui import stage
from tests.gui.erase.conftest import WAIT_MS, add_erasure, asked, find, finished, keep_report, report_of


def words_of(widget: QWidget) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel) if not label.isHidden())


@pytest.fixture
def results(page: ErasePage, project: Project, services: Services, qtbot: QtBot) -> ErasePage:
    """The page with an eraser of two concepts and what was measured of it."""
    add_erasure(project, finished(), targets=("snowman", "car"), keep=("duck",), report=report_of())
    return show(page, services, qtbot)


def show(page: ErasePage, services: Services, qtbot: QtBot) -> ErasePage:
    services.runs.look()
    qtbot.waitUntil(lambda: page.finished is not None, timeout=WAIT_MS)
    page.go("results")
    qtbot.waitUntil(lambda: bool(page.results.result and page.results.result.eraser.concepts), timeout=WAIT_MS)
    return page


def test_what_was_found_is_said_in_counts(results: ErasePage, qtbot: QtBot) -> None:
    verdict = words_of(find(results, "erase.verdict"))
    assert "is recognised in 0 of 2 pictures" in verdict
    assert "hardly recognised" in verdict
    assert "erased" not in verdict.casefold()
    harm = find(results, "erase.harm").text()
    assert "0.03 (95 % interval 0.02 to 0.05)" in harm
    assert "10 % of what another seed" in harm
    assert "98 %" in harm


def test_what_is_still_there_is_said_to_be_there(
    page: ErasePage, project: Project, services: Services, qtbot: QtBot
) -> None:
    add_erasure(project, finished(), report=report_of(seen=(True, True)))
    show(page, services, qtbot)
    verdict = words_of(find(page, "erase.verdict"))
    assert "still there" in verdict
    assert "2 of 2" in verdict


def test_nobody_judged_is_no_success(page: ErasePage, project: Project, services: Services, qtbot: QtBot) -> None:
    add_erasure(project, finished(), report=report_of(judged=False))
    show(page, services, qtbot)
    assert "cannot be told" in words_of(find(page, "erase.verdict"))
    assert "judging model is missing" in find(page, "erase.harm").text()


def test_without_a_measurement_it_says_so_and_measures(
    page: ErasePage, project: Project, services: Services, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = add_erasure(project, finished(), keep=("duck",))
    show(page, services, qtbot)
    assert "nobody knows whether it works" in words_of(find(page, "erase.verdict"))
    assert not find(page, "erase.grid").isVisible()
    find(page, "erase.measure").click()
    qtbot.waitUntil(lambda: page.results.result.report is not None, timeout=WAIT_MS)
    request = asked(tmp_path, "measure_erasers")[0]
    assert request["keep"] == ["duck"]
    assert not request["check"]["circumvent"]
    assert [Path(one["file"]) for one in request["erasers"]] == [folder / "adapter.safetensors"]
    assert read_report(folder / "compare" / "step-000000") is not None
    assert [one.name for one in (folder / "compare").iterdir()] == ["step-000000"], "nothing is left lying about"


def test_a_measurement_that_fails_leaves_what_was_known(
    page: ErasePage, project: Project, services: Services, qtbot: QtBot
) -> None:
    folder = add_erasure(project, finished(), targets=("refuse",), report=report_of())
    show(page, services, qtbot)
    find(page, "erase.measure").click()
    qtbot.waitUntil(lambda: bool(services.notices) and not page.results.measuring.run, timeout=WAIT_MS)
    assert services.notices[-1].title == "It cannot be measured"
    assert read_report(folder / "compare" / "step-000000") is not None


def test_the_table_has_a_row_for_every_word_and_a_press_shows_a_pair(results: ErasePage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: results.findChild(QWidget, "erase.grid.2.1.eraser") is not None, timeout=WAIT_MS)
    table = words_of(find(results, "erase.grid"))
    assert "seen 2 → 0 of 2" in table
    assert "<b>duck</b>" in table, "words from outside are shown as they are"
    qtbot.waitUntil(results.results.stage.view.complete, timeout=WAIT_MS)
    find(results, "erase.grid.1.1.base").clicked.emit()
    prompt = results.results.stage.prompt.asked
    assert (prompt.prompt, prompt.seed) == ("a photo of a <b>duck</b>", 302)
    qtbot.waitUntil(results.results.stage.view.complete, timeout=WAIT_MS)


def test_strength_and_membranes_are_switched_live(results: ErasePage, qtbot: QtBot, tmp_path: Path) -> None:
    stage_card = results.results.stage
    find(results, "erase.strength").setValue(50)
    qtbot.waitUntil(lambda: len(asked(tmp_path, "generate")) == 2, timeout=WAIT_MS)
    plain, erased = asked(tmp_path, "generate")
    assert plain["adapters"] == []
    assert erased["adapters"][0]["weight"] == 0.5
    assert "Eraser at 0.50" in stage_card.view.after_words
    find(results, "erase.membrane.1").click()
    qtbot.waitUntil(lambda: len(asked(tmp_path, "generate")) == 3, timeout=WAIT_MS)
    assert asked(tmp_path, "generate")[-1]["adapters"][0]["off"] == ["car"]
    find(results, "erase.membrane.1").click()
    qtbot.wait(400)
    assert len(asked(tmp_path, "generate")) == 3, "a look back costs nothing"


def test_another_eraser_acts_beside_it(
    results: ErasePage, project: Project, services: Services, qtbot: QtBot, tmp_path: Path
) -> None:
    other = add_erasure(project, finished(), targets=("mug",), title="Without <b>mugs</b>", report=report_of())
    current = results.results.result.eraser.run
    services.runs.look()
    qtbot.waitUntil(lambda: results.findChild(QWidget, "erase.beside.0") is not None, timeout=WAIT_MS)
    assert results.results.result.eraser.run == current
    find(results, "erase.beside.0").click()
    qtbot.waitUntil(lambda: len(asked(tmp_path, "generate")) == 2, timeout=WAIT_MS)
    files = [Path(one["file"]) for one in asked(tmp_path, "generate")[-1]["adapters"]]
    assert files[0] == other / "adapter.safetensors"
    assert len(files) == 2


def test_what_acts_on_all_words_has_no_membranes(
    page: ErasePage, project: Project, services: Services, qtbot: QtBot
) -> None:
    add_erasure(project, finished(), targets=("snowman", "car"), method="uce", report=report_of())
    show(page, services, qtbot)
    assert page.findChild(QWidget, "erase.membrane.0") is None


def test_attempts_to_bring_it_back_are_counted(results: ErasePage, qtbot: QtBot, tmp_path: Path) -> None:
    assert "does not keep anybody from it who has the model" in words_of(find(results, "erase.tries"))
    find(results, "erase.tries.try").click()
    qtbot.waitUntil(lambda: "recovered in 1 of 2 attempts" in find(results, "erase.recovered").text(), timeout=WAIT_MS)
    assert asked(tmp_path, "measure_erasers")[0]["check"]["circumvent"]
    find(results, "erase.tries.show").click()
    assert "back, 2 of 2" in words_of(find(results, "erase.tries"))
    assert "a toy <i>snowman</i>" in words_of(find(results, "erase.tries"))


def test_what_was_watched_to_its_end_shows_by_itself(
    page: ErasePage, project: Project, services: Services, qtbot: QtBot
) -> None:
    folder = add_erasure(project, (stage.started(total=200),))
    services.runs.look()
    qtbot.waitUntil(lambda: page.making.running is not None, timeout=WAIT_MS)
    keep_report(folder / "compare" / "step-000000", report_of())
    stage.tell(folder, ev.Finished(step=0, adapter="adapter.safetensors", sha256="0" * 64, bytes=5, seconds=5.0))
    qtbot.waitUntil(lambda: page.mode == "results", timeout=WAIT_MS)


def test_an_eraser_taken_off_the_list_comes_back(results: ErasePage, services: Services, qtbot: QtBot) -> None:
    run = results.finished.id
    results.making.watch.remove(run)
    assert results.finished is None
    assert results.mode == "make"
    services.session.undo_stack.undo()
    assert results.finished.id == run


def test_a_damaged_eraser_is_said_to_be_damaged(
    page: ErasePage, project: Project, services: Services, qtbot: QtBot
) -> None:
    folder = add_erasure(project, finished(), report=report_of())
    (folder / "adapter.safetensors").write_bytes(b"nothing")
    services.runs.look()
    qtbot.waitUntil(lambda: page.finished is not None, timeout=WAIT_MS)
    page.go("results")
    qtbot.waitUntil(lambda: bool(page.results.result and page.results.result.eraser.problem), timeout=WAIT_MS)
    assert not find(page, "erase.measure").isEnabled()


def test_every_control_has_a_name_for_screen_readers(results: ErasePage) -> None:
    named = (w for w in results.findChildren(QWidget) if w.focusPolicy() and w.objectName().startswith("erase."))
    assert [w.objectName() for w in named if not w.accessibleName()] == []


def test_the_way_of_the_last_one_comes_back(services: Services, project: Project, qtbot: QtBot) -> None:
    add_erasure(project, finished(), method="uce", report=report_of())
    catalog, services.catalog.catalog = services.catalog.catalog, None
    services.session.adopt(project)
    page = ErasePage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: page.finished is not None, timeout=WAIT_MS)
    services.catalog._have(catalog)
    assert page.making.plan.choices.ways.name == "uce"
    assert find(page, "train.ending").isVisible()
    assert not find(page, "train.learning").isVisible()
    assert find(page, "train.ending").mapTo(page, find(page, "train.ending").rect().topLeft()).y() < 200
