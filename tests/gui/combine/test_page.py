"""The Combine page: subjects, words, ways that fit, one picture beside the plain sum, and nothing lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from gui.services import Services
from gui.views.combine import draft as drafts
from gui.views.combine.draft import KEY, Draft, Part
from gui.views.combine.page import CombinePage
from projects import edits, queries
from projects.project import Project
from tests.gui.combine.conftest import WAIT_MS, find, made
from tests.gui.stage import asked


def test_an_empty_project_is_taught_what_to_do(services: Services, qtbot: QtBot, tmp_path: Path) -> None:
    services.session.create(tmp_path / "empty", "Empty")
    page = CombinePage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: find(page, "combine.empty").isVisible(), timeout=WAIT_MS)
    find(page, "combine.empty.button").click()
    assert services.places == ["train"]


def test_two_subjects_make_a_sentence_and_boxes_and_the_best_way_that_fits(pair: CombinePage) -> None:
    draft = pair.board.draft
    assert [part.trigger for part in draft.parts] == ["tealbear", "zork"]
    assert draft.prompt == "a photo of a tealbear bear and a zork"
    assert all(part.box is not None for part in draft.parts)
    offer = pair.board.offer()
    assert offer is not None
    assert offer.entry.name == "regions"
    assert find(pair, "combine.way.regions").is_checked()
    assert pair.findChild(QWidget, "combine.way.tuning_free") is None, "what does not fit is no choice"
    assert "a picture in which it is cut out" in " ".join(label.text() for label in pair.strategy.findChildren(QLabel))


def test_without_a_place_the_next_best_way_is_taken_and_said(pair: CombinePage) -> None:
    pair.strategy.choose("regions")
    pair.board.set_part(0, "x", box=None)
    offer = pair.board.offer()
    assert offer is not None
    assert offer.entry.name == "token_aware"
    assert "does not fit now" in find(pair, "combine.advice").text()
    pair.board.set_part(0, "x", box=(0.1, 0.1, 0.4, 0.9))
    assert pair.board.offer().entry.name == "regions", "the choice of the person comes back"


def test_a_missing_word_is_said_and_mended(pair: CombinePage, qtbot: QtBot) -> None:
    pair.prompt.field.setPlainText("a photo of a tealbear bear on grass")
    pair.prompt.keep()
    button = find(pair, "combine.mend.0")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert pair.board.draft.prompt == "a photo of a tealbear bear and a zork on grass"
    assert pair.prompt.field.toPlainText() == pair.board.draft.prompt


def test_a_chip_puts_the_words_where_the_cursor_is(pair: CombinePage) -> None:
    pair.prompt.field.setPlainText("")
    pair.prompt.insert(0)
    pair.prompt.insert(1)
    assert pair.board.draft.prompt == "a tealbear bear a zork"


def test_everything_is_one_history(pair: CombinePage, services: Services, qtbot: QtBot) -> None:
    undo = services.session.undo_stack
    before = pair.board.draft
    pair.board.set_part(0, "Move", box=(0.0, 0.0, 0.5, 0.5))
    pair.prompt.field.setFocus()
    pair.prompt.field.setPlainText("other words")
    pair.prompt.keep()
    find(pair, "combine.weight.1").setValue(0.7)
    assert pair.board.draft.parts[1].weight == 0.7
    for _step in range(3):
        undo.undo()
    assert pair.board.draft == before
    assert pair.prompt.field.toPlainText() == before.prompt
    undo.redo()
    assert pair.board.draft.parts[0].box == (0.0, 0.0, 0.5, 0.5)


def test_the_layout_comes_back_with_the_project(pair: CombinePage, services: Services, project: Project) -> None:
    kept = pair.board.draft
    services.session.open(project.root)
    assert pair.board.draft == kept
    stored = json.dumps(queries.setting(services.session.project, KEY))
    assert str(project.root) not in stored, "nothing absolute lies in a project"


def test_a_picture_is_made_beside_the_plain_sum_on_the_same_seed(
    pair: CombinePage, services: Services, qtbot: QtBot, tmp_path: Path
) -> None:
    pair.prompt._count.setValue(2)
    made(pair, qtbot)
    request = next(one for one in asked(tmp_path) if one["type"] == "compose")
    assert request["seeds"] == [7, 8]
    assert request["beside"]
    assert request["preview_steps"] > 0
    composition = request["composition"]
    assert composition["strategy"] == "regions"
    assert [Path(one["adapter"]["file"]).is_file() for one in composition["concepts"]] == [True, True]
    assert [one["box"] is not None for one in composition["concepts"]] == [True, True]
    qtbot.waitUntil(pair.stage.view.complete, timeout=WAIT_MS)
    assert (pair.stage.view.before_words, pair.stage.view.after_words) == ("Plain sum", "Each in its own place")
    result = pair.gallery.shown
    assert [shot.seed for shot in result.shots] == [7, 8]
    assert not list(result.folder.glob("preview-*")), "first looks go when the pictures are there"
    assert result.notes == ("<i>A note</i>",)
    find(pair, "combine.shot.1").clicked.emit()
    assert pair.gallery.shot.seed == 8


def test_a_refusal_is_said_in_words_and_leaves_nothing(
    pair: CombinePage, services: Services, qtbot: QtBot, project: Project
) -> None:
    pair.prompt.field.setPlainText("a tealbear bear and a zork, damage")
    with qtbot.waitSignal(pair.maker.ended, timeout=WAIT_MS):
        pair.make()
    assert services.notices[-1].title == "It cannot be done"
    assert list((project.root / "compositions").iterdir()) == []
    assert not pair.maker.busy


def test_stopping_in_the_middle_ends_it_and_leaves_nothing_half_done(
    pair: CombinePage, qtbot: QtBot, project: Project
) -> None:
    pair.prompt.field.setPlainText("a tealbear bear and a zork, forever")
    with qtbot.waitSignal(pair.maker.began, timeout=WAIT_MS):
        pair.make()
    assert find(pair, "combine.stop").isVisible()
    with qtbot.waitSignal(pair.maker.ended, timeout=WAIT_MS):
        find(pair, "combine.stop").click()
    assert list((project.root / "compositions").iterdir()) == []
    assert not find(pair, "combine.stop").isVisible()


def test_an_adapter_that_vanished_is_told_before_anything_is_made(
    pair: CombinePage, qtbot: QtBot, project: Project
) -> None:
    next((project.root / "adapters").iterdir()).unlink()
    pair.board.look()
    qtbot.waitUntil(lambda: not pair.readiness.ready, timeout=WAIT_MS)
    assert "not there any more" in find(pair, "combine.advice").text()
    assert not pair.make_button.isEnabled()
    pair.board.remove(1)
    assert len(pair.board.draft.parts) == 1


@pytest.mark.parametrize(
    "kept",
    [
        "text",
        {"parts": "x"},
        {"parts": [{"source": "a", "name": "b", "file": "../../etc/passwd"}]},
        {"parts": [{"source": "a", "name": "b", "file": "/etc/passwd"}]},
        {"guidance": 1e400},
        {"seed": -1},
        {"parts": [{"source": "a", "name": "b", "file": "c"}] * 9},
    ],
)
def test_a_layout_that_is_none_is_left_aside(kept: object, services: Services, project: Project, qtbot: QtBot) -> None:
    if kept != {"guidance": 1e400}:  # no JSON can hold it
        edits.set_setting(project, KEY, kept)
    assert drafts.read(kept) is None
    services.session.adopt(project)
    page = CombinePage(services)
    qtbot.addWidget(page)
    assert page.board.draft == Draft()


def test_a_part_whose_adapter_nobody_knows_is_shown_and_can_be_left_out(page: CombinePage, qtbot: QtBot) -> None:
    stranger = Part(source="gone", name="<b>Gone</b>", file="adapters/gone.safetensors", trigger="gone")
    page.board.put(Draft(parts=(stranger, page.board.candidates[0].part()), prompt="a gone and a tealbear bear"), "x")
    qtbot.waitUntil(lambda: page.board.trouble is not None, timeout=WAIT_MS)
    labels = [label for label in page.concepts.findChildren(QLabel) if "Gone" in label.text()]
    assert labels
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels)
    find(page, "combine.remove.0").click()
    assert [part.name for part in page.board.draft.parts] == ["Teal bear"]


def test_whatever_the_keyboard_reaches_says_what_it_is(pair: CombinePage, qtbot: QtBot) -> None:
    made(pair, qtbot)
    qtbot.waitUntil(lambda: pair.along.report is not None, timeout=WAIT_MS)
    pair.strategy._turn()
    reached = [
        widget
        for widget in pair.findChildren(QWidget)
        if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert len(reached) > 25
    words = [widget.accessibleName() or getattr(widget, "text", str)() for widget in reached]
    assert all(words), [widget.objectName() for widget, said in zip(reached, words, strict=True) if not said]
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in pair.findChildren(QLabel))


def test_what_is_on_offer_could_not_be_read(pair: CombinePage, services: Services) -> None:
    services.catalog.catalog, services.catalog.problem = None, "<b>broken</b>"
    services.catalog.failed.emit(services.catalog.problem)
    assert "could not be read: <b>broken</b>" in find(pair, "combine.advice").text()
    assert not pair.make_button.isEnabled()
    assert pair.board.offer() is None
