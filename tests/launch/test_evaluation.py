"""Measuring in the background: the same question everywhere, whole or not at all, and never in the way of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines.api import events as ev
from engines.api.errors import JobError
from engines.api.job import JobConcept
from engines.launch import evaluation, local, queue
from engines.launch.evaluation import NONE, Standing
from engines.launch.folder import create_run
from engines.launch.lock import FolderLock
from tests.launch.samples import a_job, an_image

BEAR = JobConcept(name="Tobi", trigger="tobi", class_noun="bear")


def finished(root: Path, name: str = "run-a", *, evaluate: bool = True, created: float = 1.0) -> Path:
    job = a_job(name).model_copy(update={"evaluate": evaluate, "concept": BEAR, "created": created})
    run = create_run(root, job, [an_image()])
    (run / "adapter.safetensors").write_bytes(b"x")
    told = ev.Finished(step=20, adapter="adapter.safetensors", sha256="0" * 64)
    (run / "events.jsonl").write_text(ev.to_line(told) + "\n", encoding="utf-8")
    return run


def answer(run: Path) -> None:
    with evaluation.built(run) as folder:
        (folder / "report.json").write_text("{}")


def spoil(run: Path) -> None:
    with evaluation.built(run) as folder:
        (folder / "column-0-picture-000.png").write_bytes(b"x")
        folder.write_bytes(b"x")  # a folder cannot be written: something goes wrong on the way


def stage(run: Path, *, wanted: bool = True) -> Standing:
    return evaluation.standing(run, step=20, wanted=wanted)


def test_every_adapter_of_a_subject_is_asked_the_same(tmp_path: Path) -> None:
    run = finished(tmp_path)
    (tmp_path / an_image().file).parent.mkdir(parents=True)
    (tmp_path / an_image().file).write_bytes(b"a photo")
    asked = evaluation.question_of(run, tmp_path / "out")
    assert len(asked.prompts) == 6
    assert all("tobi bear" in prompt for prompt in asked.prompts)
    assert (len(asked.seeds), asked.beside, asked.references) == (2, True, (str(tmp_path / an_image().file),))
    own = ("a tobi bear on a horse", "a horse", "")
    other = evaluation.question([("x", run)], BEAR, base="starter", own_prompts=own, seed=7, photos=(), folder=tmp_path)
    assert other.prompts == ("a tobi bear on a horse", *asked.prompts[:5])


def test_an_unfinished_run_has_nothing_to_measure(tmp_path: Path) -> None:
    run = create_run(tmp_path, a_job("run"), [an_image()])
    with pytest.raises(JobError, match="not finished"):
        evaluation.question_of(run, tmp_path)


def test_a_comparison_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    run = finished(tmp_path)
    home = evaluation.home_of(run, 20)
    with pytest.raises(IsADirectoryError):
        spoil(run)
    assert list(home.parent.iterdir()) == []
    (home.parent / ".new").mkdir()  # as a kill leaves it
    (home.parent / ".new" / "old.png").write_bytes(b"x")
    answer(run)
    assert [path.name for path in home.parent.iterdir()] == [home.name]
    assert [path.name for path in home.iterdir()] == ["report.json"]
    with evaluation.built(run) as folder:
        (folder / "report.json").write_text('{"again": 1}')
    assert json.loads((home / "report.json").read_text()) == {"again": 1}


def test_where_an_evaluation_stands(tmp_path: Path) -> None:
    run = finished(tmp_path)
    assert stage(run, wanted=False) == NONE
    assert stage(run) == Standing("waiting")
    with evaluation.alone(tmp_path) as ours, evaluation.built(run) as folder:
        assert ours
        assert stage(run) == Standing("working")
        (folder / "report.json").write_text("{}")
    assert stage(run) == Standing("done")
    other = finished(tmp_path, "run-b")
    evaluation.fail(other, 20, "There was not enough memory.")
    assert stage(other) == Standing("failed", "There was not enough memory.")
    answer(other)
    assert stage(other) == Standing("done")


def test_what_was_left_is_found_the_newest_first(tmp_path: Path) -> None:
    old, new, silent, failed, damaged = (
        finished(tmp_path, name, evaluate=name != "silent", created=place)
        for place, name in enumerate(("old", "new", "silent", "failed", "damaged"))
    )
    evaluation.fail(failed, 20, "no")
    (damaged / "job.json").write_text("{")
    create_run(tmp_path, a_job("unfinished"), [an_image()])
    assert evaluation.pending(tmp_path) == [new, old]
    assert evaluation.pending(tmp_path, asked=False) == [silent, new, old]
    answer(new)
    assert evaluation.pending(tmp_path) == [old]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "_FREE_WAIT_S", 0.2)
    monkeypatch.setattr(evaluation, "_LOOK_S", 0.0)
    monkeypatch.setattr(evaluation, "_LOCK_WAIT_S", 0.1)


@pytest.mark.usefixtures("impatient")
def test_all_that_was_left_is_measured_by_one_process(tmp_path: Path) -> None:
    runs = [finished(tmp_path, name) for name in ("a", "b")]
    measured: list[Path] = []

    def measure(run: Path, unwanted: object) -> bool:
        measured.append(run)
        evaluation.work_off(tmp_path, pytest.fail)  # another process finds the lock taken
        answer(run)
        return True

    evaluation.work_off(tmp_path, measure)
    assert sorted(measured) == runs
    assert evaluation.pending(tmp_path) == []


@pytest.mark.usefixtures("impatient")
def test_a_run_at_work_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(tmp_path)
    other = create_run(tmp_path, a_job("other"), [an_image()])
    busy = True
    monkeypatch.setattr(local, "at_work", lambda folder: busy and folder == other)
    evaluation.work_off(tmp_path, pytest.fail)
    asked: list[bool] = []

    def measure(_run: Path, unwanted: object) -> bool:
        nonlocal busy
        asked.append(unwanted())
        busy = True
        asked.append(unwanted())
        return False

    busy = False
    evaluation.work_off(tmp_path, measure)
    assert asked == [False, True]
    assert stage(run) == Standing("waiting")


@pytest.mark.usefixtures("impatient")
def test_a_queue_that_is_worked_through_comes_first_and_a_forgotten_one_does_not(tmp_path: Path) -> None:
    run = finished(tmp_path)
    create_run(tmp_path, a_job("next"), [an_image()])
    queue.add(tmp_path, "next")
    worker = FolderLock(tmp_path / "runs" / "queue.lock")
    assert worker.take()
    assert not evaluation.free(tmp_path)
    evaluation.work_off(tmp_path, pytest.fail)
    worker.release()
    seen: list[Path] = []
    evaluation.work_off(tmp_path, lambda one, _unwanted: bool(seen.append(one)) or True)
    assert seen == [run]  # and not for ever, though nothing came of it
