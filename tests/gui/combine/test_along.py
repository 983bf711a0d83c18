"""Whether subjects get along: said as soon as there are two, with what to do about it; the test on pictures, kept for the same adapters."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel
from pytestqt.qtbot import QtBot

from gui.services import Services
from gui.views.combine.figures import LayerMap, PairMatrix
from gui.views.combine.page import CombinePage
from gui.views.combine.trial import read
from gui.views.train.page import TrainPage
from gui.widgets.chips import Chip
from tests.gui.combine.conftest import WAIT_MS, find
from tests.gui.stage import asked


def told(page: CombinePage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: page.along.report is not None, timeout=WAIT_MS)


def press(page: CombinePage, name: str) -> None:
    button = find(page, name)
    assert isinstance(button, QAbstractButton)
    button.click()


def test_the_verdict_is_said_as_soon_as_there_are_two(pair: CombinePage, qtbot: QtBot, tmp_path: Path) -> None:
    told(pair, qtbot)
    request = next(one for one in asked(tmp_path) if one["type"] == "interference")
    assert [one["weight"] for one in request["adapters"]] == [1.0, 1.0]
    assert find(pair, "combine.verdict").text() == "no"
    words = find(pair, "combine.verdictWords")
    assert isinstance(words, QLabel)
    assert "<b>they</b>" in words.text()
    assert words.textFormat() == Qt.TextFormat.PlainText
    matrix, layers = pair.findChild(PairMatrix), pair.findChild(LayerMap)
    assert [chip.text() for chip in matrix.findChildren(Chip)] == ["0.31"]
    assert "crosstalk 0.40" in matrix.findChild(Chip).accessibleName()
    assert "0.40" in layers.accessibleDescription()
    press(pair, "combine.figures")
    assert layers.isVisible()
    assert not layers.grab().isNull()


def test_it_is_asked_again_for_other_weights_and_not_for_other_words(
    pair: CombinePage, qtbot: QtBot, tmp_path: Path
) -> None:
    told(pair, qtbot)
    pair.board.put(pair.board.draft.changed(prompt="other"), "x")
    pair.board.set_part(0, "x", weight=0.5)
    assert pair.along.report is None
    told(pair, qtbot)
    asks = [one for one in asked(tmp_path) if one["type"] == "interference"]
    assert [[use["weight"] for use in one["adapters"]] for one in asks] == [[1.0, 1.0], [0.5, 1.0]]


def test_nobody_is_asked_while_nobody_looks(page: CombinePage, qtbot: QtBot, tmp_path: Path) -> None:
    page.hidden()
    for candidate in page.board.candidates:
        page.board.add(candidate)
    qtbot.wait(600)
    assert not any(one["type"] == "interference" for one in asked(tmp_path))
    page.shown()
    told(page, qtbot)


def test_weighing_applies_the_common_weight_as_one_step(pair: CombinePage, services: Services, qtbot: QtBot) -> None:
    told(pair, qtbot)
    press(pair, "combine.cure.1.0")
    assert [part.weight for part in pair.board.draft.parts] == [0.6, 0.6]
    services.session.undo_stack.undo()
    assert [part.weight for part in pair.board.draft.parts] == [1.0, 1.0]


def test_the_way_with_places_is_picked(pair: CombinePage, qtbot: QtBot) -> None:
    pair.strategy.choose("sum")
    told(pair, qtbot)
    press(pair, "combine.cure.2.0")
    assert pair.board.draft.strategy == "regions"


def test_teaching_anew_leads_to_train_with_the_preset(pair: CombinePage, services: Services, qtbot: QtBot) -> None:
    told(pair, qtbot)
    train = TrainPage(services)
    qtbot.addWidget(train)
    train.shown()
    press(pair, "combine.cure.0.0")
    assert services.places == ["train"]
    method, recipe = train._plan._setup.job_method(), train._plan._setup.recipe()
    assert (method.name, method.settings["slot"]) == ("orthogonal", 3)
    assert recipe.objective.hold_weight == 1.0


def test_what_was_brought_in_cannot_be_taught_anew_and_says_so(
    pair: CombinePage, services: Services, qtbot: QtBot
) -> None:
    pair.board.raise_part(0, 1)  # the file brought in lies lower now, the taught bear is the last
    told(pair, qtbot)
    pair.board.raise_part(1, -1)
    told(pair, qtbot)
    imported = next(n for n, part in enumerate(pair.board.draft.parts) if part.source.startswith("file:"))
    pair.verdict._cures._teach(imported, 3)
    assert "was not taught in this project" in services.notices[-1].title


def test_the_test_on_pictures_is_shown_with_its_interval(
    pair: CombinePage, services: Services, qtbot: QtBot, tmp_path: Path
) -> None:
    told(pair, qtbot)
    press(pair, "combine.tryTogether")
    qtbot.waitUntil(lambda: bool(pair.trial.kept), timeout=WAIT_MS)
    request = next(one for one in asked(tmp_path) if one["type"] == "together")
    assert sorted(len(photos) for photos in request["references"]) == [0, 3]
    words = [label.text() for label in pair.verdict.findChildren(QLabel)]
    assert "80 % (70 to 90 %)" in words


def test_a_report_of_a_stranger_is_read_with_care() -> None:
    assert read("x") == ()
    assert read({"subjects": [{"kept": {"mean": "x"}}, 3], "kept": None}) == ()
