"""The Compare page: pictures of equal words and seeds, and words that never claim more than the intervals allow."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from engines.api import events as ev
from engines.api.job import JobMethod
from gui.views.compare.page import ComparePage
from gui.views.compare.pairing import rivals, told_apart
from gui.views.compare.report import Report, read_report, rows, sentence
from gui.views.compare.subject import Asked, Stage, Subject
from tests.gui.stage import a_finished_run, add_run, asked, make_adapter, make_project, make_stage, measure, started


def figure(mean: float, margin: float = 0.01) -> dict:
    return {"mean": mean, "low": mean - margin, "high": mean + margin, "count": 12}


def gain(mean: float, margin: float = 0.05) -> dict:
    return figure(mean, margin)


def report(likeness: dict | None, following: dict | None, *, won: int = 11, prompts: int = 6, **more: object) -> dict:
    """A report as the engines write it, by what the adapter gains over the base."""
    return {
        "columns": [
            {"label": "Base", "likeness": figure(0.6), "following": figure(0.3)},
            {
                "label": "x",
                "likeness": figure(0.9),
                "following": figure(0.3),
                "gain": {"likeness": likeness, "following": following},
                "closer": {"won": won, "of": 12},
                **more,
            },
        ],
        "conditions": {"prompts": [f"p{i}" for i in range(prompts)], "seeds": [1, 2], "photos": 8},
    }


def said(document: dict) -> str:
    return sentence(Report.model_validate(document))


@pytest.mark.parametrize(
    ("made", "words", "never"),
    [
        (report(gain(0.3), gain(0.0)), "Closer to your photos in 11 of 12 pictures", "no clear difference"),
        (
            report(gain(0.04), gain(0.0)),
            "No clear difference in likeness to your photos (closer in 11 of 12 pictures)",
            "Closer to",
        ),
        (
            report(gain(-0.3), gain(0.0), won=1),
            "Less like your photos than before (closer in 1 of 12 pictures)",
            "Closer to",
        ),
        (report(gain(0.3), gain(-0.1)), "follows the words less closely", "as well"),
        (report(gain(0.3), gain(0.01)), "no clear change in how it follows the words", "more closely"),
        (report(gain(0.3), gain(0.0), prompts=5), "Too few different prompts", "Closer"),
        (report(None, None), "There are no figures", "Closer"),
    ],
)
def test_the_sentence_claims_no_more_than_the_intervals_allow(made, words, never):
    assert words in said(made)
    assert never not in said(made)


@pytest.mark.parametrize(
    ("kind", "other", "words"),
    [
        (0.02, 0.02, "others of its kind and other things stay almost as they were"),
        (0.2, 0.02, "others of its kind change somewhat and other things stay almost as they were"),
        (
            0.36,
            0.2,
            "others of its kind change about as much as another seed changes them and other things change some",
        ),
    ],
)
def test_what_should_stay_is_held_against_another_seed(kind, other, words):
    told = report(gain(0.3), gain(0.0), class_change=figure(kind), change=figure(other))
    told |= {"class": {"another_seed": 0.4}, "elsewhere": {"another_seed": 0.4}}
    assert words in said(told)
    row = rows(Report.model_validate(told))[-1]
    assert (row.name, row.cells[1].text, row.cells[1].margin) == ("Change elsewhere", f"{100 * other:.0f} %", "±1.0 %")
    assert "40 %" in row.tip


def test_two_adapters_are_told_apart_in_the_sentence_and_the_table():
    told = report(gain(0.3), gain(0.0))
    told["columns"].append({**told["columns"][1], "label": "y"})
    told["between"] = [{"first": 1, "second": 2, "gain": {"likeness": gain(0.1)}, "closer": {"won": 9, "of": 12}}]
    assert said(told) == "“y” is closer to your photos than “x”, in 9 of 12 pictures."
    told["between"][0]["gain"] = {"likeness": gain(-0.1), "change": gain(-0.1), "following": gain(0.1)}
    told["between"][0]["closer"]["won"] = 3
    assert said(told) == (
        "“x” is closer to your photos than “y”, in 9 of 12 pictures. “y” follows the words more closely. "
        "“y” leaves other things more as they were."
    )
    told["between"][0]["gain"] = {"likeness": gain(0.01)}
    assert "No clear difference" in said(told)
    assert [cell.text for cell in rows(Report.model_validate(told))[0].cells] == ["0.60", "0.90", "0.90"]
    told["between"][0]["second"] = 7
    assert "no figures" in said(told)


def test_the_table_spells_its_intervals_out():
    row = rows(Report.model_validate(report(gain(0.3), gain(0.0))))[0]
    before, after = row.cells
    assert (before.text, after.text, after.margin, after.strong) == ("0.60", "0.90", "±0.01", True)
    assert "+0.300 (+0.250 to +0.350)" in row.tip
    unsure = rows(Report.model_validate(report(gain(0.01), gain(0.0))))[0]
    assert not unsure.cells[1].strong
    assert "may be chance" in unsure.tip


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"columns": []}', '{"columns": [{"label": "a"}, {"label": 1e999}]}', "[" * 5000]
)
def test_a_damaged_report_counts_as_none(tmp_path, text):
    (tmp_path / "report.json").write_text(text)
    assert read_report(tmp_path) is None


@pytest.fixture
def services(qapp, tmp_path):
    made = make_stage(qapp, tmp_path)
    made.notices = []
    made.notice_asked.connect(made.notices.append)
    yield made
    made.stop()
    made.session.close()


@pytest.fixture
def page(services, qtbot, tmp_path):
    project = make_project(tmp_path / "p")
    add_run(project, a_finished_run(), prompts=("a tealbear bear", "a tealbear bear on <b>the</b> beach"))
    services.session.adopt(project)
    made = ComparePage(services)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    qtbot.waitUntil(lambda: made._pairing is not None, timeout=8000)
    return made


def find(page, name) -> QWidget:
    found = page.findChild(QWidget, name)
    assert found is not None, name
    return found


def test_without_an_adapter_it_teaches(services, qtbot):
    page = ComparePage(services)
    qtbot.addWidget(page)
    page.show()
    assert "Nothing to compare yet" in [label.text() for label in page.findChildren(QLabel) if label.isVisible()]


def test_the_pictures_made_while_learning_show_at_once(page, qtbot, tmp_path):
    qtbot.waitUntil(page._panel.view.complete, timeout=5000)
    assert page._pairing.stage.step == 200
    assert page._panel.view.after_words == "After, step 200"
    assert asked(tmp_path) == []


def test_stages_are_the_checkpoints_and_the_finished_file_with_the_best_marked(page):
    assert [(stage.step, stage.best, stage.final) for stage in page._pairing.subject.stages] == [
        (100, False, False),
        (200, True, True),
    ]


def test_trying_other_words_asks_for_both_pictures_once(page, qtbot, tmp_path):
    field = find(page, "compare.prompt")
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "a tealbear bear flying")
    assert field.toPlainText() == "a tealbear bear flying"
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(asked(tmp_path)) == 2, timeout=10000)
    qtbot.waitUntil(lambda: not page._maker.busy and page._panel.view.complete(), timeout=10000)
    before, after = asked(tmp_path)
    assert before["prompts"] == after["prompts"] == ["a tealbear bear flying"]
    assert before["seeds"] == after["seeds"] == [7]
    assert before["adapters"] == []
    assert [(use["file"], use["weight"]) for use in after["adapters"]] == [(str(page._pairing.stage.file), 1.0)]
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.wait(100)
    assert len(asked(tmp_path)) == 2
    find(page, "compare.strength").setValue(0.5)
    find(page, "compare.try").click()
    qtbot.waitUntil(lambda: len(asked(tmp_path)) == 3, timeout=10000)
    assert asked(tmp_path)[-1]["adapters"][0]["weight"] == 0.5


def test_what_is_on_show_stays_while_words_are_typed_and_is_said_to_be_old(page, qtbot):
    qtbot.waitUntil(page._panel.view.complete, timeout=5000)
    find(page, "compare.prompt").setPlainText("something else")
    hints = [label.text() for label in page.findChildren(QLabel) if label.isVisible()]
    assert any("what was asked before" in hint and "tealbear" in hint for hint in hints)
    assert page._panel.view.complete()


def test_measuring_makes_a_report_that_stays(page, qtbot, tmp_path):
    find(page, "compare.measure").click()
    qtbot.waitUntil(lambda: page._report is not None, timeout=10000)
    request = asked(tmp_path)[-1]
    assert request["type"] == "compare"
    assert (len(request["prompts"]), len(request["seeds"]), len(request["references"])) == (6, 2, 3)
    assert all("tealbear" in prompt for prompt in request["prompts"])
    assert request["trigger"] == "tealbear"
    assert request["beside"] is True
    assert read_report(page._pairing.report_folder) is not None


def test_modes_can_be_chosen_by_keyboard(page, qtbot):
    for mode in ("side", "blink", "difference", "grid", "slider"):
        find(page, f"compare.mode.{mode}").click()
        assert page._header.mode == mode
    assert page._panel.view.mode == "slider"


def test_the_grid_shows_prompts_by_checkpoints(page, qtbot):
    find(page, "compare.mode.grid").click()
    columns, prompts = page._panel.grid.shown
    assert columns == ("before", "100", "200 best")
    assert prompts == ("a tealbear bear", "a tealbear bear on <b>the</b> beach")
    cell = find(page, "compare.grid.1.2")
    qtbot.waitUntil(cell.has_picture, timeout=5000)


def test_saving_the_pair_writes_a_sheet_and_says_where(page, qtbot, tmp_path, monkeypatch, services):
    qtbot.waitUntil(page._panel.view.complete, timeout=5000)
    monkeypatch.setattr("gui.views.compare.save.QFileDialog.getSaveFileName", lambda *a: (str(tmp_path / "sheet"), ""))
    find(page, "compare.save").click()
    qtbot.waitUntil((tmp_path / "sheet.png").is_file, timeout=5000)
    qtbot.waitUntil(
        lambda: bool(services.notices) and services.notices[-1].text == str(tmp_path / "sheet.png"), timeout=5000
    )


def test_an_imported_file_can_be_compared_too(page, qtbot, services):
    make_adapter(services.session.project.root / "adapters" / "other.safetensors", trigger="zork")
    make_adapter(services.session.project.root / "adapters" / "without.safetensors", erases="snowman")  # shows nobody
    page.shown()
    qtbot.waitUntil(lambda: len(page._subjects) == 2, timeout=5000)
    other = page._subjects[1]
    assert (other.trigger, other.base, other.id) == ("zork", "starter", "file:other.safetensors")
    assert other.picture(None, Asked("a zork", 7)) is None


def test_a_run_without_a_file_yet_is_not_offered(services, qtbot, tmp_path):
    project = make_project(tmp_path / "q")
    add_run(project, [started(), ev.Step(step=3, loss=0.4, learning_rate=1e-4)])
    services.session.adopt(project)
    page = ComparePage(services)
    qtbot.addWidget(page)
    qtbot.waitUntil(lambda: services.runs.listed, timeout=5000)
    qtbot.wait(200)
    assert page._subjects == []


def test_two_trainings_of_one_subject_stand_against_each_other(page, services, qtbot, tmp_path):
    assert find(page, "compare.againstCard").isHidden()
    project = services.session.project
    prompts = ("a tealbear bear", "a tealbear bear on <b>the</b> beach")
    method = JobMethod(name="orthogonal", settings={"rank": 8, "slot": 1})
    other = add_run(project, a_finished_run(), prompts=prompts, method=method)
    services.runs.look()
    qtbot.waitUntil(lambda: len(page._subjects) == 2, timeout=8000)
    against = find(page, "compare.against")
    assert [against.itemText(i).split(",")[1:2] for i in range(2)] == [[], [" Orthogonal"]]
    choose(against, 1)
    assert page._panel.view.before_words == "Orthogonal"
    assert page._panel.view.after_words == "LoRA"
    qtbot.waitUntil(page._panel.view.complete, timeout=5000)
    assert asked(tmp_path) == []  # both pictures were made while they were taught
    find(page, "compare.mode.grid").click()
    assert page._panel.grid.shown[0] == ("before", "Orthogonal", "LoRA")
    find(page, "compare.makeGrid").click()
    qtbot.waitUntil(lambda: len(asked(tmp_path)) == 1 and not page._maker.busy, timeout=10000)
    find(page, "compare.measure").click()
    qtbot.waitUntil(lambda: page._report is not None, timeout=10000)
    grid, measured = asked(tmp_path)
    for request in (grid, measured):
        assert request["labels"] == ["Orthogonal", "LoRA"]
        assert request["adapters"][0]["file"] == str(other / "adapter.safetensors")
    assert (
        find(page, "compare.sentence").text()
        == "“LoRA” is closer to your photos than “Orthogonal”, in 9 of 12 pictures."
    )
    find(page, "compare.mode.slider").click()
    find(page, "compare.prompt").setPlainText("a tealbear bear flying")
    find(page, "compare.try").click()
    qtbot.waitUntil(lambda: len(asked(tmp_path)) == 4 and page._panel.view.complete(), timeout=10000)
    assert [request["adapters"] != [] for request in asked(tmp_path)[2:]] == [True, True]
    choose(against, 0)
    assert page._panel.view.before_words == "Before"
    qtbot.waitUntil(lambda: page._report is None, timeout=5000)


def choose(box, place: int) -> None:
    box.setCurrentIndex(place)
    box.activated.emit(place)


def a_subject(**more: object) -> Subject:
    stage = Stage(200, Path("a.safetensors"), final=True)
    facts = {
        "title": "Tobi",
        "base": "starter",
        "stages": (stage,),
        "folder": Path(),
        "trigger": "tobi",
        "method": "LoRA",
    }
    return Subject(**{"id": "a", **facts, **more})


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"title": "Tobi again"}, ("Tobi", "Tobi again")),
        ({"method": "Orthogonal"}, ("LoRA", "Orthogonal")),
        ({"settings": {"rank": "16", "steps": "200"}}, ("rank 8", "rank 16")),
        ({"settings": {"rank": "16", "steps": "400"}}, ("a", "b")),
    ],
)
def test_trainings_are_named_by_the_one_thing_that_was_changed(changed, names):
    first = a_subject(settings={"rank": "8", "steps": "200"})
    second = a_subject(**{"id": "b", "settings": first.settings, **changed})
    assert told_apart(first, second) == names


def test_only_trainings_of_the_same_word_on_the_same_base_are_rivals():
    first = a_subject()
    others = [
        a_subject(id="same", trigger="Tobi "), a_subject(id="word", trigger="quibo"), a_subject(id="base", base="hub:a/b"),
        a_subject(id="empty", stages=()),
    ]  # fmt: skip
    assert [one.id for one in rivals([first, *others], first)] == ["same"]
    assert rivals([a_subject(id="x", trigger="")], a_subject(trigger="")) == []


def test_what_was_measured_in_the_background_is_there_without_measuring(page, qtbot, services):
    measure(services.runs.all()[0].info.folder)
    qtbot.waitUntil(lambda: "11 of 12" in find(page, "compare.sentence").text(), timeout=8000)
