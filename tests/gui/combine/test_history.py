"""Results: kept with their recipe, put back, made again, exported, dragged out, deleted and brought back; a stranger's folder harms nobody."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from gui.services import Services
from gui.views.combine import store
from gui.views.combine.history import file_data
from gui.views.combine.page import CombinePage
from projects import compositions
from projects.errors import ProjectError
from projects.project import Project
from tests.gui.combine.conftest import WAIT_MS, find, made
from tests.gui.stage import asked


@pytest.fixture
def shown(pair: CombinePage, qtbot: QtBot) -> CombinePage:
    """The page with one result."""
    made(pair, qtbot)
    return pair


def test_a_result_survives_a_restart_with_its_recipe(
    shown: CombinePage, services: Services, project: Project, qtbot: QtBot
) -> None:
    before = shown.gallery.results
    recipe = (before[0].folder / "recipe.json").read_text()
    assert str(project.root) not in recipe, "nothing absolute lies in a project"
    page = CombinePage(services)
    qtbot.addWidget(page)
    qtbot.waitUntil(lambda: page.gallery.results == before, timeout=WAIT_MS)
    assert before[0].draft == shown.board.draft
    assert before[0].strategy == "Each in its own place"


def test_a_layout_is_put_back_and_made_again(shown: CombinePage, qtbot: QtBot, tmp_path: Path) -> None:
    result = shown.gallery.results[0]
    shown.board.put(shown.board.draft.changed(prompt="other", seed=99, parts=()), "x")
    shown.do("restore", result)
    assert shown.board.draft == result.draft
    assert shown.prompt.field.toPlainText() == result.draft.prompt
    qtbot.waitUntil(lambda: shown.readiness.ready, timeout=WAIT_MS)
    with qtbot.waitSignal(shown.maker.ended, timeout=WAIT_MS):
        shown.do("repeat", result)
    first, again = (one for one in asked(tmp_path) if one["type"] == "compose")
    assert first["composition"] == again["composition"]
    assert first["seeds"] == again["seeds"]
    assert first["folder"] != again["folder"], "nothing is written over"


def test_a_picture_is_exported_with_its_recipe_inside(
    shown: CombinePage, services: Services, qtbot: QtBot, tmp_path: Path
) -> None:
    shown.export_to(shown.gallery.shot, tmp_path / "out.jpg")
    qtbot.waitUntil((tmp_path / "out.png").exists, timeout=WAIT_MS)
    assert json.loads(Image.open(tmp_path / "out.png").text["lorikeet.composition"]) == {"seed": 7}
    with pytest.raises(ProjectError):
        store.export(shown.gallery.shot, tmp_path / "missing" / "out.png")


def test_a_picture_can_be_dragged_out_as_a_file(shown: CombinePage) -> None:
    urls = file_data(shown.gallery.shot.composed).urls()
    assert [url.toLocalFile() for url in urls] == [str(shown.gallery.shot.composed)]


def test_deleting_is_taken_back_by_undo(shown: CombinePage, services: Services, qtbot: QtBot) -> None:
    result = shown.gallery.results[0]
    shown.do("remove", result)
    qtbot.waitUntil(lambda: shown.gallery.results == (), timeout=WAIT_MS)
    assert shown.gallery.shown is None
    services.session.undo_stack.undo()
    qtbot.waitUntil(lambda: shown.gallery.results == (result,), timeout=WAIT_MS)
    services.session.undo_stack.redo()
    qtbot.waitUntil(lambda: shown.gallery.results == (), timeout=WAIT_MS)


def test_what_was_deleted_long_ago_goes_for_good(project: Project) -> None:
    folder = compositions.new_folder(project.root, created=time.time())
    (folder / "composed-seed-1.png").write_bytes(b"x")
    compositions.remove(project, folder.name)
    compositions.tidy(project.root)
    gone = next(compositions.home(project.root).iterdir())
    os.utime(gone, (1, 1))
    compositions.tidy(project.root)
    assert list(compositions.home(project.root).iterdir()) == []


@pytest.mark.parametrize(
    "recipe",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"draft": 7, "created": "soon", "notes": 3}',
        '{"draft": {"parts": [{"source": "x", "name": "y", "file": "../../../etc/passwd"}]}, "created": 1e999}',
        '{"draft": {"prompt": "' + "x" * 30_000 + '"}}',
    ],
)
def test_a_recipe_of_a_stranger_harms_nobody(recipe: str, page: CombinePage, project: Project, qtbot: QtBot) -> None:
    folder = compositions.home(project.root) / "2026-01-01-000000"
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(recipe)
    (folder / "composed-seed-3.png").write_bytes(b"no picture")
    (folder / "composed-seed-x.png").write_bytes(b"")
    (compositions.home(project.root) / "..strange").mkdir()
    page.gallery.look()
    qtbot.waitUntil(lambda: len(page.gallery.results) == 1, timeout=WAIT_MS)
    result = page.gallery.results[0]
    assert result.draft is None
    assert [shot.seed for shot in result.shots] == [3]
    find(page, f"combine.result.{result.id}").clicked.emit()
    page.do("restore", result)
    page.do("repeat", result)
    assert page.board.draft.parts == ()
