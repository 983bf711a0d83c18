"""Teaching from the page: started as chosen, watched, used; and the results, from a report as the command line writes it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engines.api import events as ev
from engines.api.catalog import Catalog
from engines.api.segment_job import Scene, SegmentJob
from engines.launch.folder import load_any_job
from engines.segmentation.describe import describe
from gui.services import Services
from gui.views.segment.page import SegmentPage
from gui.views.segment.results.report import FILE, read_report
from gui.views.segment.teach.base_model import base_problem
from gui.views.segment.teach.readiness import look
from gui.widgets.notice import Notice
from gui.workers import runs as runs_module
from gui.workers.catalog import CatalogLoader
from projects import edits_regions, queries
from projects.project import Project
from projects.regions.mask import Mask
from tests.gui import stage
from tests.gui.segment.conftest import HEIGHT, WAIT_MS, WIDTH
from tests.gui.segment.test_marking import block


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Nothing is really started; the folders that would be are listed."""
    folders: list[Path] = []
    monkeypatch.setattr(runs_module.queue, "begin", lambda folder: folders.append(folder) or "started")
    return folders


@pytest.fixture
def marked(page: SegmentPage, services: Services, qtbot: QtBot) -> SegmentPage:
    """The page with a mark in each of its four pictures, and what is on offer."""
    loader = CatalogLoader(parent=services)
    loader._have(Catalog.model_validate({**stage.catalog().model_dump(), **describe()}))
    services.__dict__["catalog"] = loader
    mark_all(services, queries.images(services.session.project))
    qtbot.waitUntil(lambda: page.board.contents.marked == 4, timeout=WAIT_MS)
    page.teach.plan.draw()
    page.go("teach")
    return page


def mark_all(services: Services, images: tuple) -> None:
    label = services.session.apply(lambda project: edits_regions.add_label(project, "Disc")).ids[0]
    new = [edits_regions.NewRegion(image.id, label, block(20, 20, 60, 70), "import") for image in images]
    services.session.apply(lambda project: edits_regions.add_regions(project, new))


def finished(step: int = 200) -> list[ev.Event]:
    told: list[ev.Event] = [stage.started(total=step)]
    told += [ev.Validation(step=place, loss=0.9 - place / 400) for place in (0, 100, 200)]
    told.append(ev.Sample(step=0, prompt="x.png", seed=0, file="samples/0.png"))
    return [*told, ev.Finished(step=step, adapter="adapter.safetensors", sha256="0" * 64, bytes=5000, seconds=50.0)]


def report(project: Project, folder: Path) -> None:
    """A report as `segment evaluate` writes it: the first picture came out worse than the second."""
    images = queries.images(project)
    before, after = block(0, 0, 10, 10), block(20, 20, 60, 70)

    def figure(mean: float) -> dict:
        return {"mean": mean, "low": mean - 0.05, "high": mean + 0.05, "count": 2}

    pictures = [
        {
            "picture": Path(image.file).name,
            "file": image.file,
            "before": 0.1,
            "after": overlap,
            "masks_before": [before.text],
            "masks_after": [after.text],
            "names": ["Disc 1"],
        }
        for image, overlap in zip(images, (0.5, 0.9), strict=False)
    ]
    effort = {"mean": 20.0, "low": 20.0, "high": 20.0, "count": 2, "failures": 2}
    way = {
        "before": {"mean": {"dice": figure(0.1), "hd95": figure(40.0)}},
        "after": {"mean": {"dice": figure(0.7), "hd95": figure(12.0)}},
        "change": {"dice": figure(0.6)},
        "pictures": pictures,
        "clicks": {"0.9": {"before": effort, "after": {**effort, "mean": 2.5, "failures": 0}}},
    }
    document = {"format": 1, "split": "test", "pictures": 2, "ways": {"automatic": way, "click": way}}
    (folder / FILE).write_text(json.dumps(document))


def test_start_decides_the_parts_and_writes_what_was_chosen(
    marked: SegmentPage, services: Services, project: Project, qtbot: QtBot, begun: list[Path]
) -> None:
    choices = marked.teach.plan.choices
    choices.choose_prompts("automatic")
    choices.ways.choose("sam-adapter")
    assert choices.recipe() is not None
    choices._forms.recipe.set_values({"loop": {"steps": 33}})
    assert "decided when it starts" in marked.teach.plan._sentence.text()
    marked.teach.start()
    qtbot.waitUntil(lambda: bool(begun), timeout=WAIT_MS)
    job, scenes = load_any_job(begun[0])
    assert isinstance(job, SegmentJob)
    assert (job.method.name, job.recipe.loop.steps, job.recipe.data.prompts) == ("sam-adapter", 33, "automatic")
    assert (job.title, job.classes, job.base) == ("Disc", ("Disc",), "starter")
    assert {scene.split for scene in scenes if isinstance(scene, Scene)} == {"train", "validation", "test"}
    assert all(image.split is not None for image in queries.images(project))
    qtbot.waitUntil(lambda: marked.teach.current == begun[0].name, timeout=WAIT_MS)
    assert [run.title for run in queries.runs(project)] == ["Disc"]


def test_without_marks_nothing_can_start(page: SegmentPage, services: Services) -> None:
    page.go("teach")
    assert not page.teach.plan.start_button.isEnabled()
    assert "Nothing is marked yet" in page.teach.plan._sentence.text()
    assert look(page.board.contents, editable=True).ready is False


def test_a_wrong_setting_is_named_and_nothing_starts(
    marked: SegmentPage, services: Services, qtbot: QtBot, begun: list[Path]
) -> None:
    told: list[Notice] = []
    services.notice_asked.connect(told.append)
    marked.teach.plan.choices._forms._face.set_value("advanced")
    marked.teach.plan.choices._forms._turn()
    row = marked.teach.plan.choices._forms.recipe.row("loop", "learning_rate")
    row.editor.widget().setText("much")
    marked.teach.start()
    assert told
    assert "Learning rate" in told[0].title
    assert begun == []


def test_every_way_on_offer_can_be_chosen(marked: SegmentPage) -> None:
    choices = marked.teach.plan.choices
    for name in [entry.name for entry in choices._entries]:
        choices.ways.choose(name)
        method = choices.method()
        assert method is not None
        assert method.name == name
        assert choices.ways._cards[name].is_checked()


def test_a_finished_one_is_used_and_the_project_remembers_it(
    marked: SegmentPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    folder = stage.add_adaptation(project, finished(), title="Discs")
    services.runs.look()
    qtbot.waitUntil(lambda: marked.teach.current == folder.name, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: services.runs.view(folder.name).adapter is not None, timeout=WAIT_MS)
    marked.teach.use(folder.name)
    assert marked.mode == "mark"
    model = marked.mark.asking.questions.model
    assert (model.base, model.adapter) == ("starter", str(folder / "adapter.safetensors"))
    assert marked.using.classes == ("Nucleus",)
    assert marked.using.title == "Discs"
    root = project.root
    services.session.close()
    services.session.open(root)
    qtbot.waitUntil(lambda: marked.using.run is not None, timeout=WAIT_MS)
    assert marked.mark.asking.questions.model == model
    marked.using.use_base("starter")
    assert marked.mark.asking.questions.model.adapter == ""
    services.session.undo_stack.undo()
    assert marked.mark.asking.questions.model == model, "even this can be taken back"


def test_a_run_taken_off_the_list_is_not_used_any_more(
    marked: SegmentPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    folder = stage.add_adaptation(project, finished())
    services.runs.look()
    qtbot.waitUntil(lambda: bool(marked.using.offered()), timeout=WAIT_MS)
    marked.using.use_run(folder.name)
    marked.teach._watch.remove(folder.name)
    assert marked.using.run is None
    services.session.undo_stack.undo()
    assert marked.using.run is not None


def test_a_run_at_work_is_shown_with_its_buttons(
    marked: SegmentPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    told = [stage.started(), ev.Step(step=20, loss=0.5, learning_rate=1e-3, steps_per_s=2.0, seconds_left=90.0)]
    folder = stage.add_adaptation(project, told)
    services.runs.look()
    qtbot.waitUntil(lambda: marked.teach.running is not None, timeout=WAIT_MS)
    assert not marked.controls.isHidden()
    assert marked.teach.plan.start_button.text() == "Add to the queue"
    watch = marked.teach._watch
    assert watch.mapTo(marked.teach, watch.rect().topLeft()).y() == 0, "what is not on show takes no room"
    marked.controls.pause_or_resume()
    qtbot.waitUntil(lambda: any((folder / "inbox").iterdir()), timeout=WAIT_MS)
    marked.go("mark")
    assert marked.controls.isHidden()


def test_results_show_the_worst_first_under_a_slider(
    marked: SegmentPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    folder = stage.add_adaptation(project, finished())
    report(project, folder)
    services.runs.look()
    results = marked.results
    qtbot.waitUntil(lambda: results._report is not None, timeout=WAIT_MS)
    marked.go("results")
    assert [way.key for way in results._report.ways] == ["click", "automatic"]
    assert results._figures._sentence.text() == "With one click, overlap rose from 0.10 to 0.70."
    rows = {row.title: row for row in results._report.ways[0].rows}
    assert rows["Farthest edge, px"].better
    assert rows["Clicks to 90 %"].words == ("never", "2.5")
    qtbot.waitUntil(results._compare.complete, timeout=WAIT_MS)
    assert results._name.text().endswith("overlap 0.10 → 0.50")
    colour = results._compare._after.pixelColor(40, 45)
    assert colour != results._compare._before.pixelColor(40, 45), "the mask lies over one of them only"
    first = queries.images(project)[0]
    services.session.apply(lambda p: edits_regions.set_split(p, [first.id], "test"))
    results._ask_fix()
    qtbot.waitUntil(lambda: queries.image(project, first.id).split == "train", timeout=WAIT_MS)
    assert (marked.mode, marked.board.image.id) == ("mark", first.id)


def test_a_damaged_report_counts_as_none(tmp_path: Path) -> None:
    assert read_report(tmp_path) is None
    for text in ("", "[]", '{"ways": 3}', '{"split": "test", "pictures": 1, "ways": {"click": {}}}', "\x00"):
        (tmp_path / FILE).write_text(text)
        assert read_report(tmp_path) is None, text


def test_measuring_that_fails_says_why(marked: SegmentPage, services: Services, project: Project, qtbot: QtBot) -> None:
    """The adapter of this run is no real one, and the command line says so in words."""
    folder = stage.add_adaptation(project, finished())
    services.runs.look()
    qtbot.waitUntil(lambda: marked.results._view is not None, timeout=WAIT_MS)
    marked.go("results")
    assert "was not measured yet" in marked.results._empty._title.text()
    told: list[Notice] = []
    services.notice_asked.connect(told.append)
    marked.results.measure()
    assert marked.results.measuring.run == folder
    qtbot.waitUntil(lambda: bool(told), timeout=120_000)
    assert told[0].level == "bad"
    assert told[0].title
    assert marked.results.measuring.run is None


def test_likenesses_in_different_parts_are_told_and_mended(
    marked: SegmentPage, services: Services, project: Project, qtbot: QtBot, tmp_path: Path
) -> None:
    from PIL import Image

    twins = tmp_path / "twins"
    twins.mkdir()
    values = np.random.default_rng(9).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(np.kron(values, np.ones((HEIGHT // 6, WIDTH // 8, 1), np.uint8)))
    picture.save(twins / "a.png")
    picture.save(twins / "b.png", compress_level=1)
    from projects.importing import import_paths

    ids = import_paths(project, [twins], None, threads=1).added
    assert len(ids) == 2
    services.session.look_for_changes()
    label = queries.labels(project)[0].id
    mask = Mask.of(np.ones((HEIGHT, WIDTH), np.bool_))
    new = [edits_regions.NewRegion(image_id, label, mask, "import") for image_id in ids]
    services.session.apply(lambda p: edits_regions.add_regions(p, new))
    services.session.apply(lambda p: edits_regions.set_split(p, ids[:1], "train"))
    services.session.apply(lambda p: edits_regions.set_split(p, ids[1:], "test"))
    qtbot.waitUntil(lambda: marked.teach._leaks.groups == 1, timeout=WAIT_MS)
    assert marked.teach._leaking.isVisibleTo(marked.teach)
    marked.teach._mend()
    qtbot.waitUntil(lambda: marked.teach._leaks.groups == 0, timeout=WAIT_MS)
    assert {queries.image(project, image_id).split for image_id in ids} == {"train"}


def test_a_checkpoint_is_looked_at_before_it_is_taken(tmp_path: Path) -> None:
    assert base_problem("starter") == ""
    assert base_problem("file:relative.pth")
    (tmp_path / "model.txt").write_text("x")
    assert "ends in" in base_problem(f"file:{tmp_path / 'model.txt'}")
    (tmp_path / "model.pth").write_bytes(b"x")
    assert base_problem(f"file:{tmp_path / 'model.pth'}") == ""


def test_every_button_can_be_read_aloud(marked: SegmentPage, qtbot: QtBot) -> None:
    from PySide6.QtWidgets import QAbstractButton

    for mode in ("mark", "teach", "results"):
        marked.go(mode)
        QApplication.processEvents()
        for button in marked.findChildren(QAbstractButton):
            if button.isVisible() and button.objectName() != "qt_edit_menu_button":
                assert button.accessibleName() or button.text(), button.objectName()
