"""The Library: adapters with their recipe, notes and marks that can be undone, import, and an export that replaces nothing unasked."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget

from gui.views.library.export import ExportSheet, target_path
from gui.views.library.items import take_in
from gui.views.library.page import LibraryPage
from gui.views.library.targets import find_tools
from projects import queries
from projects.errors import UserError
from tests.gui.stage import a_finished_run, add_run, asked, make_adapter, make_project, make_stage, measure


@pytest.fixture
def services(qapp, tmp_path):
    made = make_stage(qapp, tmp_path)
    made.notices = []
    made.notice_asked.connect(made.notices.append)
    made.places = []
    made.navigation_asked.connect(made.places.append)
    yield made
    made.stop()
    made.session.close()


@pytest.fixture
def page(services, qtbot, tmp_path):
    project = make_project(tmp_path / "p")
    add_run(project, a_finished_run())
    make_adapter(project.root / "adapters" / "zork <b>.safetensors", trigger="zork")
    services.session.adopt(project)
    made = LibraryPage(services)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    qtbot.waitUntil(lambda: len(made._items) == 2, timeout=8000)
    return made


def find(page, name) -> QWidget:
    found = page.findChild(QWidget, name)
    assert found is not None, name
    return found


def item(page, *, imported: bool):
    return next(item for item in page._items if item.imported == imported)


def test_an_empty_library_teaches(services, qtbot):
    page = LibraryPage(services)
    qtbot.addWidget(page)
    page.show()
    assert find(page, "library.empty").isVisible()
    find(page, "library.empty.button").click()
    assert services.places == ["train"]


def test_trained_and_imported_adapters_are_there_with_their_words(page):
    assert item(page, imported=False).info.trigger == "tealbear"
    assert item(page, imported=True).info.trigger == "zork"
    assert item(page, imported=False).picture.is_file()


def test_search_finds_by_any_words_in_any_order(page):
    find(page, "library.search").setText("ZORK lora")
    assert [one.title for one in page._wall._shown] == [item(page, imported=True).title]
    find(page, "library.search").setText("nothing like it")
    assert page._wall._shown == ()
    assert page._none.isVisible()


@pytest.mark.parametrize("imported", [True, False])
def test_marks_and_notes_are_kept_and_can_be_undone(page, services, qtbot, imported):
    page._mark(item(page, imported=imported))
    qtbot.waitUntil(lambda: item(page, imported=imported).favourite, timeout=5000)
    assert page._items[0].imported == imported
    services.session.undo_stack.undo()
    qtbot.waitUntil(lambda: not item(page, imported=imported).favourite, timeout=5000)
    page._choose(item(page, imported=imported))
    find(page, "library.note").setPlainText("good at <i>hats</i>")
    page.hidden()
    qtbot.waitUntil(lambda: item(page, imported=imported).note == "good at <i>hats</i>", timeout=5000)
    services.session.undo_stack.undo()
    qtbot.waitUntil(lambda: item(page, imported=imported).note == "", timeout=5000)


def test_removing_a_trained_one_can_be_undone(page, services, qtbot):
    page._choose(item(page, imported=False))
    page._remove(item(page, imported=False))
    qtbot.waitUntil(lambda: len(page._items) == 1, timeout=5000)
    services.session.undo_stack.undo()
    qtbot.waitUntil(lambda: len(page._items) == 2, timeout=5000)


def test_import_copies_never_replaces_and_refuses_what_is_no_adapter(services, tmp_path):
    project = make_project(tmp_path / "q")
    source = make_adapter(tmp_path / "mine.safetensors")
    first, second = take_in(source, project.root), take_in(source, project.root)
    assert first != second
    assert first.read_bytes() == second.read_bytes() == source.read_bytes()
    junk = tmp_path / "junk.safetensors"
    junk.write_bytes(b"x" * 100)
    with pytest.raises(UserError):
        take_in(junk, project.root)
    assert len(list((project.root / "adapters").iterdir())) == 2


def test_repeat_and_compare_lead_to_their_pages(page, services, qtbot):
    page._choose(item(page, imported=False))
    asked_for = []
    services.runs.repeat_asked.connect(asked_for.append)
    find(page, "library.repeat").click()
    find(page, "library.compare").click()
    assert services.places == ["train", "compare"]
    assert asked_for == [item(page, imported=False).id]


@pytest.mark.parametrize(
    ("name", "kind", "made"),
    [
        ("my bear", "kohya", "my bear.safetensors"),
        ("my bear.safetensors", "diffusers", "my bear.safetensors"),
        ("../../escape", "kohya", "_.._escape.safetensors"),
        ("my bear", "peft", "my bear"),
    ],
)
def test_targets_stay_in_their_folder(tmp_path, name, kind, made):
    target = target_path(str(tmp_path), name, kind)
    assert target.parent == tmp_path
    assert target.name == made


@pytest.fixture
def sheet(page, services, qtbot):
    # The page owns it, and it deletes itself when it is closed.
    return ExportSheet(page, services, item(page, imported=False).file, "Teal bear")


def test_export_asks_the_worker_and_says_where_it_went(sheet, services, qtbot, tmp_path):
    find(sheet, "export.folder").setText(str(tmp_path / "out"))
    find(sheet, "export.diffusers").clicked.emit()
    sheet.accept()
    qtbot.waitUntil(lambda: bool(asked(tmp_path)), timeout=10000)
    request = asked(tmp_path)[-1]
    assert (request["format"], request["overwrite"], request["include_captions"]) == ("diffusers", False, False)
    qtbot.waitUntil(lambda: services.notices[-1].level == "good", timeout=10000)
    assert services.notices[-1].text == str(tmp_path / "out" / "Teal bear.safetensors")


def test_what_other_tools_cannot_do_is_said_before_the_export(page, services, qtbot, tmp_path):
    plain = ExportSheet(page, services, make_adapter(tmp_path / "plain.safetensors"), "Plain")
    aware = ExportSheet(page, services, make_adapter(tmp_path / "aware.safetensors", focus="zork"), "Aware")
    for sheet in (plain, aware):
        sheet.show()
    qtbot.waitUntil(lambda: "zork" in find(aware, "export.elsewhere").text(), timeout=8000)
    assert find(aware, "export.elsewhere").isVisible()
    assert not find(plain, "export.elsewhere").isVisible()


def test_nothing_is_replaced_unasked(sheet, services, qtbot, tmp_path, monkeypatch):
    find(sheet, "export.folder").setText(str(tmp_path))
    (tmp_path / "Teal bear.safetensors").write_bytes(b"precious")
    questions = []
    monkeypatch.setattr("gui.views.library.export.ask", lambda *a, **k: questions.append(a) or False)
    sheet.accept()
    assert len(questions) == 1
    assert (tmp_path / "Teal bear.safetensors").read_bytes() == b"precious"
    assert find(sheet, "export.name").text() == "Teal bear (2)"
    assert asked(tmp_path) == []


def test_other_tools_are_offered_only_where_they_are(tmp_path):
    assert find_tools([tmp_path]) == ()
    (tmp_path / "ComfyUI" / "models" / "loras").mkdir(parents=True)
    (tmp_path / "stable-diffusion-webui").mkdir()
    assert [tool.title for tool in find_tools([tmp_path])] == ["ComfyUI"]


def test_notes_of_runs_lie_in_the_project(page, services, qtbot):
    page._noted(item(page, imported=False), "mine")
    assert queries.runs(services.session.project)[0].note == "mine"


def test_a_measured_training_shows_before_and_after_instead_of_a_sample(page, services, qtbot):
    find(page, f"library.{services.runs.all()[0].id}").clicked.emit()
    assert find(page, "library.detail.picture").isVisible()
    measure(services.runs.all()[0].info.folder)
    qtbot.waitUntil(find(page, "library.outcome").isVisible, timeout=8000)
    assert not find(page, "library.detail.picture").isVisible()
    assert "11 of 12" in find(page, "library.outcome.sentence").text()
    qtbot.waitUntil(find(page, "library.outcome.after").has_picture, timeout=5000)
