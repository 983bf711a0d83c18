"""The Train page: choices drawn from the catalog, a start that says what is wrong, and every state of a training in words."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QWidget

from engines.api import events as ev
from engines.api.catalog import DeviceEntry
from engines.api.job import Job, JobConcept, JobMethod
from engines.api.recipe import LoopSettings, Recipe
from engines.diffusion.describe import describe
from engines.diffusion.methods import method_of
from engines.launch.evaluation import fail
from engines.launch.folder import load_job
from engines.launch.forecast import outlook
from engines.launch.slots import asked_anew
from gui.views.train.ending import ending
from gui.views.train.estimate import from_outlook
from gui.views.train.fits import FitsCard
from gui.views.train.page import TrainPage
from gui.views.train.setup import SetupPanel
from gui.views.train.words import duration, size, spoken_duration, when
from gui.workers import runs as runs_module
from projects import edits, queries
from tests.gui.stage import (
    a_finished_run,
    add_adaptation,
    add_run,
    catalog,
    make_project,
    make_stage,
    measure,
    started,
    tell,
)


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
def begun(monkeypatch):
    folders = []
    monkeypatch.setattr(runs_module.queue, "begin", lambda folder: folders.append(folder) or "started")
    return folders


@pytest.fixture
def page(services, qtbot):
    made = TrainPage(services)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    made.shown()
    return made


def find(page, name) -> QWidget:
    found = page.findChild(QWidget, name)
    assert found is not None, name
    return found


def show_all(page, qtbot, name) -> QWidget:
    """Press Advanced and wait for that field, which comes a moment later."""
    find(page, "train.face.advanced").click()
    qtbot.waitUntil(lambda: page.findChild(QWidget, name) is not None)
    return find(page, name)


def words(page) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def listed(qtbot, services, count=1) -> None:
    qtbot.waitUntil(lambda: services.runs.listed and len(services.runs.all()) == count, timeout=8000)


def test_without_a_project_the_page_teaches_and_leads_home(page, services, qtbot):
    assert "Begin with a project" in words(page)
    find(page, "train.empty.button").click()
    assert services.places == ["home"]


def test_without_photos_it_leads_to_images(page, services, tmp_path):
    services.session.adopt(make_project(tmp_path / "p", photos=0))
    assert "no photos yet" in words(page)
    find(page, "train.empty.button").click()
    assert services.places == ["images"]


def test_a_missing_trigger_word_is_asked_for_here(page, services, tmp_path, monkeypatch):
    services.session.adopt(make_project(tmp_path / "p", trigger=""))
    assert "trigger word is missing" in words(page)
    monkeypatch.setattr("gui.views.train.trigger.Sheet.exec", lambda sheet: 1)
    find(page, "train.empty.button").click()
    assert services.session.concept().trigger == "tealbear"
    assert find(page, "train.start").isEnabled()
    services.session.undo_stack.undo()
    assert services.session.concept().trigger == ""


def test_presets_fill_the_form_and_changes_can_be_put_back(page, services, tmp_path, qtbot):
    services.session.adopt(make_project(tmp_path / "p"))
    assert find(page, "train.preset.best").is_checked()
    assert find(page, "train.recipe.loop.steps").value() == 900
    assert find(page, "train.method.lora.settings.rank").value() == 32
    qtbot.keyClick(find(page, "train.preset.quick"), Qt.Key.Key_Space)
    assert find(page, "train.recipe.loop.steps").value() == 150
    find(page, "train.recipe.loop.steps").setValue(99)
    assert "1 changed" in find(page, "train.changes").text()
    find(page, "train.changes").click()
    assert find(page, "train.recipe.loop.steps").value() == 150


def test_the_page_has_its_shape_before_it_is_known_what_is_on_offer(qtbot):
    panel = SetupPanel()
    qtbot.addWidget(panel)
    panel.show()
    blanks = [frame for frame in panel.findChildren(QFrame) if frame.property("role") == "blank"]
    assert len(blanks) >= 4
    assert all(frame.isVisible() for frame in blanks)
    panel.say("It could not be read.")
    assert not any(frame.isVisible() for frame in blanks)
    assert "It could not be read." in words(panel)
    panel.set_catalog(catalog())
    assert "It could not be read." not in words(panel)
    assert panel.ready


def test_the_forecast_says_what_it_counts(qtbot):
    device = DeviceEntry(kind="cpu", title="CPU", memory_bytes=2**34, memory_free_bytes=2**33, precisions=("fp32",))
    made = outlook("starter", Recipe(loop=LoopSettings(steps=321)), JobMethod(settings={"rank": 8}), device)
    card = FitsCard(lambda: None)
    qtbot.addWidget(card)
    card.show_estimate(from_outlook(made, device))
    assert "Counted: 321 steps" in "\n".join(label.text() for label in card.findChildren(QLabel))


def test_advanced_shows_more(page, services, tmp_path, qtbot):
    services.session.adopt(make_project(tmp_path / "p"))
    assert page.findChild(QWidget, "train.recipe.loop.learning_rate") is None
    assert show_all(page, qtbot, "train.recipe.loop.learning_rate").isVisible()


def test_start_writes_exactly_what_the_form_says(page, services, tmp_path, qtbot, begun):
    services.session.adopt(make_project(tmp_path / "p"))
    find(page, "train.recipe.loop.steps").setValue(77)
    show_all(page, qtbot, "train.recipe.loop.learning_rate").setText("3e-4")
    find(page, "train.start").click()
    qtbot.waitUntil(lambda: bool(begun), timeout=8000)
    job, _images = load_job(begun[0])
    assert (job.recipe.loop.steps, job.recipe.loop.learning_rate, job.method.settings["rank"]) == (77, 3e-4, 32)
    assert job.base == "starter"


def test_a_wrong_setting_stops_the_start_and_is_named(page, services, tmp_path, begun):
    services.session.adopt(make_project(tmp_path / "p"))
    find(page, "train.recipe.loop.steps").setValue(0)
    find(page, "train.start").click()
    assert services.notices[-1].level == "warning"
    assert "Steps" in services.notices[-1].title
    assert begun == []


def test_a_training_at_work_is_shown_and_commanded(page, services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folder = add_run(project, [started(), ev.Sample(step=0, prompt="a <b>tealbear</b>", seed=7, file="samples/0.png")])
    tell(folder, ev.Step(step=30, loss=0.4, learning_rate=1e-4, steps_per_s=4.3, seconds_left=62.0))
    services.session.adopt(project)
    listed(qtbot, services)
    assert find(page, "train.step").text() == "step 30 of 300"
    assert find(page, "train.speed").text() == "4.3 steps/s"
    assert find(page, "train.left").text() == "62 s left"
    assert find(page, "train.start").text() == "Add to the queue"
    assert "a <b>tealbear</b>, seed 7" in words(page)
    find(page, "train.pause").click()
    assert (find(page, "train.pause").text(), find(page, "train.pause").isEnabled()) == ("Pausing…", False)
    qtbot.waitUntil(lambda: any((folder / "inbox").glob("*.json")), timeout=5000)
    assert json.loads(next((folder / "inbox").glob("*.json")).read_text())["type"] == "pause"
    tell(folder, ev.Paused(step=30))
    qtbot.waitUntil(lambda: find(page, "train.pause").text() == "Resume", timeout=5000)
    find(page, "train.sample").click()
    assert (find(page, "train.sample").text(), find(page, "train.sample").isEnabled()) == ("Sampling…", False)
    tell(folder, ev.Sample(step=30, prompt="a <b>tealbear</b>", seed=7, file="samples/30.png"))
    qtbot.waitUntil(lambda: find(page, "train.sample").isEnabled(), timeout=5000)
    assert find(page, "train.sample.30").accessibleName().startswith("Sample, now")
    assert find(page, "train.sample").text() == "Sample now"
    tell(folder, ev.Failed(title="The disk is full", what="It needs more.", expected=True))
    qtbot.waitUntil(lambda: "The disk is full" in words(page), timeout=5000)
    assert find(page, "train.sample.30").accessibleName().startswith("Sample, step 30"), "it is not now any more"


def test_samples_come_in_order_with_the_base_first(page, services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    add_run(project, a_finished_run())
    services.session.adopt(project)
    listed(qtbot, services)
    cells = [find(page, f"train.sample.{step}") for step in (0, 100, 200)]
    assert [cell.accessibleName().split(":")[0] for cell in cells] == [
        "Sample, before",
        "Sample, step 100",
        "Sample, step 200",
    ]
    qtbot.waitUntil(lambda: all(cell.has_picture() for cell in cells), timeout=5000)


def test_the_curve_shows_only_the_measured_error(page, services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    add_run(project, a_finished_run())
    services.session.adopt(project)
    listed(qtbot, services)
    curve = find(page, "train.curve")
    assert curve.points == ((0, 0.5), (100, 0.4), (200, 0.3))
    curve.warm_up()
    qtbot.waitUntil(lambda: "at step 200" in curve.accessibleDescription(), timeout=15000)


def test_a_failure_is_told_with_its_remedy(page, services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    add_run(
        project,
        [started(), ev.Failed(title="Not enough memory", what="It needed 12 GB.", hint="Take smaller pictures.")],
    )
    services.session.adopt(project)
    listed(qtbot, services)
    assert all(part in words(page) for part in ("Not enough memory", "It needed 12 GB.", "Take smaller pictures."))
    assert not find(page, "train.ending.resume").isVisible()


def test_a_fault_shows_the_end_of_the_log(page, services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folder = add_run(project, [started()])
    (folder / "log.txt").write_text("one\nIndexError: boom\n")
    tell(folder, ev.Failed(title="The worker failed", what="IndexError", expected=False))
    services.session.adopt(project)
    listed(qtbot, services)
    log = find(page, "train.ending.log")
    qtbot.waitUntil(lambda: "IndexError: boom" in log.toPlainText(), timeout=5000)


def test_an_interrupted_training_offers_to_go_on(page, services, tmp_path, qtbot, begun):
    project = make_project(tmp_path / "p")
    folder = add_run(
        project,
        [
            started(alive=False),
            ev.Checkpoint(step=100, folder="checkpoints/step-000100"),
            ev.Step(step=140, loss=0.3, learning_rate=1e-4),
        ],
    )
    services.session.adopt(project)
    listed(qtbot, services)
    assert "goes on from step 100" in words(page)
    find(page, "train.ending.resume").click()
    qtbot.waitUntil(lambda: begun == [folder], timeout=5000)


def test_settings_come_back_from_the_last_training(page, services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folder = add_run(
        project, a_finished_run(), loop={"steps": 321, "seed": 5, "learning_rate": 2e-4}, data={"flip": True}
    )
    services.session.adopt(project)
    listed(qtbot, services)
    qtbot.waitUntil(lambda: find(page, "train.recipe.loop.steps").value() == 321, timeout=5000)
    find(page, "train.recipe.loop.steps").setValue(5)
    page.repeat(folder.name)
    job, _images = load_job(folder)
    draft = page._plan.draft()
    assert draft.recipe == job.recipe
    assert draft.method == job.method


@pytest.mark.parametrize(
    "method",
    [
        JobMethod(name="magic", settings={"rank": 8}),
        JobMethod(settings={"ranc": 8}),
        JobMethod(settings={"rank": 100_000}),
        JobMethod(settings={"rank": "many"}),
        JobMethod(settings={"init": "nonsense"}),
    ],
)
def test_settings_of_another_version_never_become_a_training_that_cannot_run(qtbot, method):
    panel = SetupPanel()
    qtbot.addWidget(panel)
    panel.set_catalog(describe())
    concept = JobConcept(name="Teal bear", trigger="tealbear")
    panel.fill(Job(id="old", title="Old", created=0.0, concept=concept, method=method))
    chosen = panel.job_method()
    assert panel.problems() if chosen is None else method_of(chosen.name, chosen.settings)


@pytest.mark.parametrize("name", ["quick", "mergeable", "composable"])
def test_a_preset_brings_its_own_way_to_teach(qtbot, name):
    panel = SetupPanel()
    qtbot.addWidget(panel)
    panel.set_catalog(describe())
    preset = next(one for one in describe().presets if one.name == name)
    panel.choose_preset(name)
    chosen = panel.job_method()
    assert chosen.name == preset.method_name
    assert {key: chosen.settings[key] for key in preset.method} == preset.method
    concept = JobConcept(name="Teal bear", trigger="tealbear")
    job = Job(id="old", title="Old", created=0.0, concept=concept, method=chosen, recipe=panel.recipe())
    panel.choose_preset("best")
    panel.fill(job)
    assert (panel.preset, panel.job_method()) == (name, chosen)


def test_methods_are_named_by_their_papers_under_advanced_only(qtbot):
    panel = SetupPanel()
    qtbot.addWidget(panel)
    panel.set_catalog(describe())
    panel.show()
    card = panel.findChild(QWidget, "train.method.orthogonal")
    assert find(panel, "train.preset.quick").isVisible()
    assert not card.isVisible()
    panel.findChild(QWidget, "train.face.advanced").click()
    assert card.isVisible()
    assert any("Orthogonal Adaptation" in label.text() for label in card.findChildren(QLabel))
    card.clicked.emit()
    assert panel.method == "orthogonal"


def test_earlier_trainings_can_be_looked_at_and_taken_off_the_list(page, services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    first = add_run(project, a_finished_run(), title="First")
    add_run(project, [started()], title="Second")
    services.session.adopt(project)
    listed(qtbot, services, 2)
    assert services.runs.view(page.current).title == "Second"
    page.look(first.name)
    assert "The adapter is ready" in words(page)
    services.session.apply(lambda p: edits.remove_run(p, first.name))
    assert services.runs.view(page.current).title == "Second"
    assert len(queries.runs(project)) == 1


def test_every_button_can_be_found_and_read_aloud(page, services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    add_run(project, a_finished_run())
    services.session.adopt(project)
    listed(qtbot, services)
    for button in page.findChildren(QPushButton):
        assert button.objectName(), button.text()
        assert button.accessibleName(), button.objectName()


def test_an_end_without_a_result_never_says_finished(tmp_path, qtbot, services):
    project = make_project(tmp_path / "p")
    add_run(project, [started(alive=False)])
    services.session.adopt(project)
    listed(qtbot, services)
    told = ending(services.runs.all()[0])
    assert told.chip == "Interrupted"
    assert "begins again" in told.hint


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (62, "62 s"), (600, "10 min"), (8000, "2 h 10 min")])
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_words():
    assert spoken_duration(71) == "about 70 seconds"
    assert size(3_100_000) == "3.1 MB"
    assert when(0) == ""


def test_a_measured_training_shows_the_pair_then_the_sentence_then_the_numbers(page, services, qtbot, tmp_path):
    project = make_project(tmp_path / "p")
    folder = add_run(project, a_finished_run(), evaluate=True)
    services.session.adopt(project)
    listed(qtbot, services)
    qtbot.waitUntil(lambda: "measured in the background when no other training is at work" in words(page), timeout=5000)
    assert find(page, "train.outcome").isHidden()
    measure(folder)
    qtbot.waitUntil(find(page, "train.outcome").isVisible, timeout=8000)
    for side in ("before", "after"):
        qtbot.waitUntil(find(page, f"train.outcome.{side}").has_picture, timeout=5000)
        assert "a &lt;b&gt;tealbear&lt;/b&gt;" in find(page, f"train.outcome.{side}").toolTip()
    assert find(page, "train.outcome.sentence").text().startswith("Closer to your photos in 11 of 12 pictures")
    assert "in the background" not in words(page)
    assert "0.90" not in words(page)
    find(page, "train.outcome.numbers").click()
    assert "0.90" in words(page)
    find(page, "train.outcome.numbers").click()
    assert "0.90" not in words(page)


def test_what_could_not_be_measured_says_why_and_what_nobody_asked_for_says_nothing(page, services, qtbot, tmp_path):
    project = make_project(tmp_path / "p")
    folder = add_run(project, a_finished_run())
    services.session.adopt(project)
    listed(qtbot, services)
    assert "easured" not in words(page)
    fail(folder, 200, "There was not enough memory.")
    qtbot.waitUntil(lambda: "were not measured. There was not enough memory." in words(page), timeout=8000)


@pytest.mark.parametrize(("answer", "evaluate"), [("yes", True), ("no", False)])
def test_measuring_can_be_switched_off_for_every_training_to_come(
    page, services, qtbot, tmp_path, begun, answer, evaluate
):
    services.preferences.set(evaluate=answer)
    services.session.adopt(make_project(tmp_path / "p"))
    page.start()
    qtbot.waitUntil(lambda: bool(begun), timeout=5000)
    assert load_job(begun[0])[0].evaluate is evaluate


def test_repeating_turns_to_the_concept_that_was_taught_and_asks_for_its_slot_anew(page, services, qtbot, tmp_path):
    project = make_project(tmp_path / "p")
    folder = add_run(
        project, a_finished_run(), method=JobMethod(name="lora", settings={"rank": 12}), loop={"steps": 321}
    )
    services.session.adopt(project)
    first = services.session.concept_id
    other = services.session.apply(lambda p: edits.add_concept(p, "Duck", trigger="quibo")).ids[0]
    services.session.set_concept(other)
    listed(qtbot, services)
    page.repeat(folder.name)
    assert services.session.concept_id == first
    assert page._plan._setup.recipe().loop.steps == 321
    assert page._plan._setup.job_method().settings["rank"] == 12
    assert asked_anew(JobMethod(name="orthogonal", settings={"rank": 8, "slot": 3})).settings == {"rank": 8, "slot": 0}


def test_an_adaptation_is_another_pages_business(page, services, qtbot, tmp_path):
    project = make_project(tmp_path / "p")
    taught = add_run(project, a_finished_run()).name
    add_adaptation(project, [started()])
    services.session.adopt(project)
    qtbot.waitUntil(lambda: services.runs.listed and services.runs.active() is not None, timeout=5000)
    assert page.current == taught
    assert page._running() is None
    assert page._plan.start_button.text() == "Add to the queue", "one learns at a time"


def test_a_method_that_does_not_fit_the_base_is_not_offered(qtbot, tiny_sd):
    whole = describe()
    lesser = whole.backbones[0].model_copy(update={"abilities": ("attention_linears",)})
    panel = SetupPanel()
    qtbot.addWidget(panel)
    panel.set_catalog(whole.model_copy(update={"backbones": (lesser, *whole.backbones[1:])}))
    panel._settings.set_base("hub:a/b")  # nothing is known of it yet
    assert panel._cards["composable"].isEnabled()
    panel.choose_preset("composable")
    assert panel.method == "tara"
    panel._settings.set_base(f"file:{tiny_sd}")
    assert panel.method == "lora"
    assert panel.preset == ""
    card, why = panel._settings._method_cards["tara"]
    assert not card.isEnabled()
    assert why.text() == "“Stable Diffusion 1.x and 2.x” has no layers that read the words."
    assert not panel._cards["composable"].isEnabled()
    assert panel._cards["mergeable"].isEnabled()
    panel.choose_preset("composable")
    assert panel.method == "lora"
    panel._settings.set_base("hub:a/b")
    assert card.isEnabled()
    assert not why.text()
