"""The Compare page: pictures of equal words and seeds, and words that never claim more than the intervals allow."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from engines.api import events as ev
from gui.views.compare.page import ComparePage
from gui.views.compare.report import Report, read_report, rows, sentence
from gui.views.compare.subject import Asked
from tests.gui.stage import a_finished_run, add_run, asked, make_adapter, make_project, make_stage, started


def figure(mean: float, margin: float = 0.01) -> dict:
    return {"mean": mean, "low": mean - margin, "high": mean + margin, "count": 12}


def report(
    before: dict | None, after: dict | None, *, won: int = 11, words=(0.3, 0.3), margin: float = 0.01, prompts: int = 4
) -> Report:
    return Report.model_validate(
        {
            "columns": [
                {"label": "Base", "likeness": before, "following": figure(words[0], margin)},
                {
                    "label": "x",
                    "likeness": after,
                    "following": figure(words[1], margin),
                    "closer": {"won": won, "of": 12},
                },
            ],
            "conditions": {"prompts": [f"p{i}" for i in range(prompts)], "seeds": [1, 2, 3], "photos": 8},
        }
    )


@pytest.mark.parametrize(
    ("made", "said", "never"),
    [
        (report(figure(0.6), figure(0.9)), "Closer to your photos in 11 of 12 pictures", "no clear difference"),
        (
            report(figure(0.6, 0.3), figure(0.7, 0.3)),
            "No clear difference in likeness to your photos (closer in 11 of 12 pictures)",
            "Closer to",
        ),
        (
            report(figure(0.9), figure(0.6), won=1),
            "Less like your photos than before (closer in 1 of 12 pictures)",
            "Closer to",
        ),
        (report(figure(0.6), figure(0.9), words=(0.3, 0.2)), "follows the words less closely", "as well"),
        (
            report(figure(0.6), figure(0.9), words=(0.3, 0.31), margin=0.05),
            "no clear change in how it follows the words",
            "more closely",
        ),
        (report(figure(0.6), figure(0.9), prompts=1), "Too few different prompts", "Closer"),
    ],
)
def test_the_sentence_claims_no_more_than_the_intervals_allow(made, said, never):
    assert said in sentence(made)
    assert never not in sentence(made)


@pytest.mark.parametrize(
    ("mean", "words"),
    [(0.02, "almost as they were"), (0.2, "change somewhat"), (0.36, "as much as another seed")],
)
def test_change_elsewhere_is_held_against_another_seed(mean, words):
    told = report(figure(0.6), figure(0.9)).model_dump()
    told["columns"][1]["change"] = figure(mean)
    told["elsewhere"] = {"another_seed": 0.4}
    made = Report.model_validate(told)
    assert words in sentence(made)
    row = rows(made)[2]
    assert (row.name, row.after, row.margin) == ("Change elsewhere", f"{100 * mean:.0f} %", "±1.0 %")
    assert "40 %" in row.tip


def test_the_table_spells_its_intervals_out():
    row = rows(report(figure(0.6), figure(0.9)))[0]
    assert (row.before, row.after, row.margin, row.strong) == ("0.60", "0.90", "±0.01", True)
    assert "do not overlap" in row.tip
    assert not rows(report(figure(0.6, 0.3), figure(0.7, 0.3)))[0].strong


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
    qtbot.waitUntil(lambda: made._subject is not None, timeout=8000)
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
    assert page._stage.step == 200
    assert page._panel.view.after_words == "After, step 200"
    assert asked(tmp_path) == []


def test_stages_are_the_checkpoints_and_the_finished_file_with_the_best_marked(page):
    assert [(stage.step, stage.best, stage.final) for stage in page._subject.stages] == [
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
    assert after["adapters"] == [{"file": str(page._stage.file), "weight": 1.0}]
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
    assert (len(request["prompts"]), len(request["seeds"]), len(request["references"])) == (2, 3, 3)
    assert request["trigger"] == "tealbear"
    assert read_report(page._subject.report_folder(page._stage)) is not None


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
