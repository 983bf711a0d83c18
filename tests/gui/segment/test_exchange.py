"""Masks of other tools come in with one undo and go out again as they were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from gui.services import Services
from gui.views.segment.adding import masks_in
from gui.views.segment.bringing import BringMasksSheet, MasksAsked
from gui.views.segment.page import SegmentPage
from gui.views.segment.taking_out import TakeMasksSheet, take_out
from gui.widgets.notice import Notice
from projects import queries
from projects.project import Project
from projects.regions.exchange.target import Options
from tests.gui.segment.conftest import HEIGHT, WAIT_MS, WIDTH, mask_of, write_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures with instance masks: two objects in the first, one in the second."""
    made = tmp_path / "data set"
    made.mkdir()
    write_pictures(made / "images", 2)
    (made / "labels").mkdir()
    for number, boxes in enumerate((((5, 5, 20, 20), (40, 40, 60, 80)), ((10, 10, 90, 90),))):
        values = np.zeros((HEIGHT, WIDTH), np.uint16)
        for value, (left, top, right, bottom) in enumerate(boxes, start=1):
            values[top:bottom, left:right] = value
        Image.fromarray(values).save(made / "labels" / f"{number:02}.png")
    return made


def test_a_dropped_data_set_offers_its_masks_and_one_undo_takes_all_back(
    page: SegmentPage, services: Services, project: Project, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr("gui.views.segment.adding.ask", lambda *words, **_more: asked.append(words[2]) or True)
    services.session.undo_stack.clear()
    page.take_in((folder,))
    qtbot.waitUntil(lambda: page.panel.lines_shown() > 0, timeout=WAIT_MS)
    assert "Instance PNG" in asked[0]
    assert page.panel._title.text().startswith("3 masks came in")
    qtbot.waitUntil(lambda: page.board.contents.marked == 2, timeout=WAIT_MS)
    marked = [image for image in queries.images(project) if image.id in page.board.contents.accepted]
    assert [len(queries.regions(project, image.id)) for image in marked] == [2, 1]
    assert mask_of(queries.regions(project, marked[0].id)[1])[40:80, 40:60].all()
    services.session.undo_stack.undo()
    qtbot.waitUntil(lambda: page.board.contents.marked == 0, timeout=WAIT_MS)
    assert queries.labels(project) == ()


def test_only_what_is_unmistakable_is_taken_for_masks(folder: Path, tmp_path: Path) -> None:
    assert masks_in(folder) == "instances"
    assert masks_in(folder / "images") == ""
    assert masks_in(folder / "images" / "00.png") == ""
    assert masks_in(tmp_path / "nowhere") == ""
    (tmp_path / "marks.json").write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    assert masks_in(tmp_path / "marks.json") == "coco"


def test_the_dialog_says_what_it_will_bring(page: SegmentPage, folder: Path) -> None:
    sheet = BringMasksSheet(page)
    assert not sheet.accept_button.isEnabled()
    sheet._source.set_path(folder)
    sheet._name.setText("Nucleus")
    sheet._kind.setCurrentIndex(sheet._kind.findData("instances"))
    assert sheet.accept_button.isEnabled()
    assert sheet.asked == MasksAsked(folder, "instances", None, "Nucleus", 0.5)
    assert "numbers are objects" in sheet._what.text()
    sheet._source.set_path(folder / "missing")
    assert sheet.asked is None


def test_masks_go_out_and_come_back_the_same(
    page: SegmentPage, services: Services, project: Project, folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    page.adding.take_masks(MasksAsked(folder, "instances", label="Nucleus"))
    qtbot.waitUntil(lambda: page.board.contents.marked == 2, timeout=WAIT_MS)
    sheet = TakeMasksSheet(page, project)
    sheet.choose("coco")
    assert sheet.target is not None
    assert sheet.target.parent == project.root / "exports"
    told: list[Notice] = []
    services.notice_asked.connect(told.append)
    take_out(services, project, sheet.kind, sheet.target, sheet.options)
    qtbot.waitUntil(lambda: len(told) == 2, timeout=WAIT_MS)
    assert told[1].title == "3 masks of 2 pictures exported"
    written = json.loads(next(sheet.target.rglob("*.json")).read_text())
    assert [category["name"] for category in written["categories"]] == ["Nucleus"]
    assert len(written["annotations"]) == 3
    again = TakeMasksSheet(page, project)
    assert again.target != sheet.target, "what is there already is not offered"
    take_out(services, project, "coco", sheet.target, Options())
    qtbot.waitUntil(lambda: told[-1].level == "bad", timeout=WAIT_MS)
    assert "not empty" in told[-1].title
