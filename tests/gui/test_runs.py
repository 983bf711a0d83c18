"""Trainings as the window sees them: started, followed, picked up again, queued and commanded."""

from __future__ import annotations

import json

import pytest

from engines.api import events as ev
from engines.api.commands import Pause
from engines.api.job import JobMethod
from engines.api.recipe import Recipe
from engines.launch import queue
from engines.launch.folder import load_job
from gui.workers import runs as runs_module
from gui.workers.runs import RunDraft, Runs
from projects import edits, queries
from tests.gui.stage import a_finished_run, add_adaptation, add_run, make_project, make_stage, started, tell


@pytest.fixture
def services(qapp, tmp_path):
    made = make_stage(qapp, tmp_path)
    yield made
    made.stop()
    made.session.close()


@pytest.fixture
def begun(monkeypatch):
    """Nothing is really started; the folders that would be are listed."""
    folders = []
    monkeypatch.setattr(runs_module.queue, "begin", lambda folder: folders.append(folder) or "started")
    return folders


def draft(services, **loop) -> RunDraft:
    recipe = Recipe.model_validate({"loop": loop})
    return RunDraft(services.session.concept_id, "Teal bear", JobMethod(settings={"rank": 4}), recipe)


def test_start_freezes_a_copy_lists_it_and_begins(services, tmp_path, qtbot, begun):
    project = services.session.adopt(make_project(tmp_path / "p"))
    made: list[str] = []
    services.runs.start(draft(services, steps=77), done=made.append, failed=pytest.fail)
    qtbot.waitUntil(lambda: bool(begun), timeout=5000)
    job, images = load_job(begun[0])
    assert (job.recipe.loop.steps, job.method.settings, job.concept.trigger) == (77, {"rank": 4}, "tealbear")
    assert len(images) == 3
    assert [run.id for run in queries.runs(project)] == made == [begun[0].name]
    qtbot.waitUntil(lambda: services.runs.view(made[0]) is not None, timeout=5000)
    services.session.undo_stack.undo()
    assert services.runs.all() == []
    services.session.undo_stack.redo()
    assert [view.id for view in services.runs.all()] == made


def test_a_second_start_gets_a_folder_of_its_own(services, tmp_path, qtbot, begun):
    services.session.adopt(make_project(tmp_path / "p"))
    for _ in range(2):
        services.runs.start(draft(services), done=lambda _run: None, failed=pytest.fail)
    qtbot.waitUntil(lambda: len(begun) == 2, timeout=5000)
    assert len({folder.name for folder in begun}) == 2


def test_nothing_to_learn_from_is_said_in_words(services, tmp_path, qtbot, begun):
    services.session.adopt(make_project(tmp_path / "p", photos=0))
    heard = []
    services.runs.start(draft(services), done=pytest.fail, failed=heard.append)
    qtbot.waitUntil(lambda: bool(heard), timeout=5000)
    assert "no pictures" in heard[0].title.casefold() + heard[0].text.casefold()
    assert begun == []


def test_a_run_is_followed_to_its_end(services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folder = add_run(project, [started()])
    services.session.adopt(project)
    runs = services.runs
    qtbot.waitUntil(lambda: runs.active() is not None, timeout=5000)
    with qtbot.waitSignal(runs.run_changed, timeout=5000):
        tell(folder, ev.Step(step=12, loss=0.4, learning_rate=1e-4, steps_per_s=3.0))
    qtbot.waitUntil(lambda: runs.view(folder.name).state.step == 12, timeout=5000)
    tell(folder, ev.Finished(step=300, adapter="adapter.safetensors", sha256="0" * 64))
    qtbot.waitUntil(lambda: runs.view(folder.name).state.phase == "finished", timeout=5000)
    assert runs.view(folder.name).adapter == folder / "adapter.safetensors"
    assert runs.active() is None


def test_reopening_picks_up_what_runs_and_recognises_what_died(services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    living = add_run(project, [started()], title="Living")
    dead = add_run(project, [started(alive=False), ev.Step(step=40, loss=0.4, learning_rate=1e-4)], title="Dead")
    services.session.adopt(project)
    runs = services.runs
    qtbot.waitUntil(lambda: runs.listed, timeout=5000)
    assert runs.active().id == living.name
    assert runs.view(dead.name).state.phase == "interrupted"
    services.session.close()
    assert runs.all() == []


def test_the_same_project_opened_again_is_listed_again(services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    run = add_run(project, [started()])
    services.session.adopt(project)
    qtbot.waitUntil(lambda: services.runs.listed, timeout=5000)
    for _time in range(3):
        services.session.open(project.root)
        qtbot.waitUntil(lambda: services.runs.listed and services.runs.view(run.name) is not None, timeout=8000)


def test_an_interrupted_run_is_resumed_in_its_own_folder(services, tmp_path, qtbot, begun):
    project = make_project(tmp_path / "p")
    dead = add_run(project, [started(alive=False)])
    services.session.adopt(project)
    qtbot.waitUntil(lambda: services.runs.listed, timeout=5000)
    services.runs.resume(dead.name, failed=pytest.fail)
    qtbot.waitUntil(lambda: begun == [dead], timeout=5000)


def test_a_run_started_by_another_program_appears_by_itself(services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    services.session.adopt(project)
    runs = services.runs
    qtbot.waitUntil(lambda: runs.listed, timeout=5000)
    assert runs.all() == []
    folder = add_run(project, [started()])
    qtbot.waitUntil(lambda: runs.view(folder.name) is not None, timeout=6000)


def test_commands_go_to_the_inbox(services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folder = add_run(project, [started()])
    services.session.adopt(project)
    qtbot.waitUntil(lambda: services.runs.listed, timeout=5000)
    services.runs.command(folder.name, Pause())
    qtbot.waitUntil(lambda: any((folder / "inbox").glob("*.json")), timeout=5000)
    assert json.loads(next((folder / "inbox").glob("*.json")).read_text()) == {"type": "pause"}


def test_the_queue_is_shown_and_can_be_changed(services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folders = [add_run(project, [], title=f"Run {number}") for number in range(3)]
    for folder in folders:
        queue.add(project.root, folder.name)
    services.session.adopt(project)
    runs = services.runs
    qtbot.waitUntil(lambda: len(runs.queue()) == 3, timeout=5000)
    runs.move_in_queue(folders[2].name, 0)
    qtbot.waitUntil(lambda: runs.queue()[0].id == folders[2].name, timeout=5000)
    runs.unqueue(folders[2].name)
    qtbot.waitUntil(lambda: [view.id for view in runs.queue()] == [folders[0].name, folders[1].name], timeout=5000)
    assert runs.view(folders[2].name).place == -1


def test_a_removed_run_stays_away_though_its_folder_is_there(services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folder = add_run(project, a_finished_run())
    services.session.adopt(project)
    qtbot.waitUntil(lambda: len(services.runs.all()) == 1, timeout=5000)
    services.session.apply(lambda p: edits.remove_run(p, folder.name))
    services.runs.look()
    qtbot.wait(300)
    assert services.runs.all() == []
    assert folder.is_dir()


def test_the_warm_worker_gives_its_memory_back_before_a_gpu_training(services, tmp_path, qtbot, begun, monkeypatch):
    class Gpu:
        kind = "cuda"

    monkeypatch.setattr(runs_module, "probe", lambda: (Gpu(),))
    services.session.adopt(make_project(tmp_path / "p"))
    order: list[str] = []
    held = []
    runs = Runs(
        services.session, services.background, release=lambda then: (order.append("release"), held.append(then))
    )
    runs.start(draft(services), done=lambda _run: None, failed=pytest.fail)
    qtbot.waitUntil(lambda: bool(held), timeout=5000)
    assert begun == []
    held[0]()
    qtbot.waitUntil(lambda: len(begun) == 1, timeout=5000)
    runs.start(draft(services, device="cpu"), done=lambda _run: None, failed=pytest.fail)
    qtbot.waitUntil(lambda: len(begun) == 2, timeout=5000)
    assert order == ["release"]
    runs.stop()


def test_a_damaged_job_is_listed_with_its_reason(services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folder = add_run(project, [])
    (folder / "job.json").write_text("{")
    services.session.adopt(project)
    qtbot.waitUntil(lambda: services.runs.view(folder.name) is not None, timeout=5000)
    assert "damaged" in services.runs.view(folder.name).info.problem


def test_runs_of_another_kind_are_kept_apart(services, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    taught = add_run(project, a_finished_run()).name
    adapted = add_adaptation(project, [started()]).name
    services.session.adopt(project)
    runs = services.runs
    qtbot.waitUntil(lambda: runs.listed and runs.active() is not None, timeout=5000)
    assert [view.id for view in runs.all()] == [taught]
    assert [view.id for view in runs.all("segment")] == [adapted]
    view = runs.view(adapted)
    assert (view.kind, view.title, view.info.job, view.info.problem) == ("segment", "Nuclei", None, "")
    assert view.info.adaptation.classes == ("Nucleus",)
    assert (runs.active("teach"), runs.active("segment").id, runs.active().id) == (None, adapted, adapted)
    runs.set_current(taught)
    runs.set_current(adapted)
    assert (runs.current, runs.current_of("segment")) == (taught, adapted)
