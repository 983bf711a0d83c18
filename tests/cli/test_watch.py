"""Watching a run: what is new is told, what is past is only known, and every ending has its exit code."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engines.api import events as ev
from engines.api.errors import UserError
from engines.cli import watch as watching
from engines.cli.codes import EXPECTED, FINE, INTERRUPTED
from engines.cli.output import Voice
from engines.launch import local, queue
from engines.launch.folder import create_run
from engines.launch.local import note_worker
from tests.launch.samples import a_job, an_image

PAST = (
    ev.Started(time=1.0, pid=0, steps_total=9),
    ev.Note(time=2.0, title="An old note"),
    ev.Step(time=3.0, step=4, loss=0.7, learning_rate=1e-4),
    ev.Validation(time=4.0, step=4, loss=0.4321),
)


def tell(folder: Path, *events: ev.Event) -> None:
    with (folder / "events.jsonl").open("a") as file:
        file.writelines(ev.to_line(event) + "\n" for event in events)


def started(folder: Path) -> queue.How:
    """What a worker in this process would tell after a resume."""
    me = psutil.Process()
    note_worker(folder, me.pid)
    tell(
        folder,
        ev.Started(pid=os.getpid(), pid_created=me.create_time(), steps_total=9, resumed_from=4),
        ev.Step(step=9, loss=0.5, learning_rate=1e-4),
        ev.Finished(step=9, adapter="adapter.safetensors", sha256="0" * 64),
    )
    return "started"


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A run whose worker is gone."""
    folder = create_run(tmp_path, a_job(), [an_image()])
    tell(folder, *PAST)
    return folder


def kinds(text: str) -> list[str]:
    return [json.loads(line)["type"] for line in text.splitlines()]


@pytest.mark.parametrize("ending", [(), (ev.Failed(time=5.0, title="The disk is full"),)])
def test_a_resumed_run_tells_only_what_is_new(
    begun: Path, ending: tuple[ev.Event, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    tell(begun, *ending)
    assert watching.watch(begun, Voice(as_json=True), begin=started) == FINE
    told = capsys.readouterr()
    assert kinds(told.out) == ["started", "step", "finished"]
    assert "An old note" not in told.err
    assert "Going on from step 4." in told.err


def test_a_run_in_this_process_tells_only_what_is_new(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with watching.told_from_inside(begun, Voice(as_json=True)):
        started(begun)
    told = capsys.readouterr()
    assert kinds(told.out) == ["started", "step", "finished"]
    assert "An old note" not in told.err


def test_the_past_is_still_known(
    begun: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watching.Bar, "EVERY_S", 0.0)
    with watching.told_from_inside(begun, Voice()):
        started(begun)
    assert "Learning: 9 of 9" in (said := capsys.readouterr().err)
    assert "validation 0.4321" in said


def test_a_worker_that_dies_ends_the_watch(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def die(folder: Path) -> queue.How:
        tell(folder, ev.Started(pid=999_999, pid_created=1.0, steps_total=9, resumed_from=4))
        return "started"

    assert watching.watch(begun, Voice(as_json=True), begin=die) == EXPECTED
    assert kinds(capsys.readouterr().out) == ["started"]


@pytest.fixture
def behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A run at work, and one that will have to wait for it. Nobody works through the queue."""
    first, second = (create_run(tmp_path, a_job(name), [an_image()]) for name in ("first", "second"))
    monkeypatch.setattr(local, "at_work", lambda folder: folder.name == first.name)
    monkeypatch.setattr(local, "spawn_detached", lambda command, log: None)
    monkeypatch.setattr(watching, "_QUEUE_LOOK_S", 0.01)
    return first, second


def doing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have `act` happen once, while the watch looks at a run that is in the queue."""
    looks = iter([act])
    monkeypatch.setattr(queue, "is_running", lambda root: next(looks, lambda: None)() or True)


def test_a_run_behind_another_waits_says_for_which_and_is_watched(
    behind: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = behind

    def turn() -> None:
        started(second)
        assert queue.remove(second.parents[1], second.name)

    doing(monkeypatch, turn)
    monkeypatch.setattr(queue, "ensure_running", lambda root: None)
    assert watching.watch(second, Voice(as_json=True)) == FINE
    told = capsys.readouterr()
    assert kinds(told.out) == ["waiting", "started", "step", "finished"]
    assert json.loads(told.out.splitlines()[0])["for"] == first.name
    assert f"Waiting in the queue for {first.name}" in told.err


def test_ctrl_c_while_waiting_takes_the_run_out_of_the_queue(
    behind: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _first, second = behind
    monkeypatch.setattr(queue, "ensure_running", lambda root: None)
    doing(monkeypatch, lambda: signal.raise_signal(signal.SIGINT))
    assert watching.watch(second, Voice(as_json=True)) == INTERRUPTED
    assert queue.waiting(second.parents[1]) == ()
    assert list((second / "inbox").iterdir()) == []
    assert kinds(capsys.readouterr().out) == ["waiting"]


def test_a_run_that_leaves_the_queue_unstarted_is_told(
    behind: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _first, second = behind
    monkeypatch.setattr(queue, "ensure_running", lambda root: None)
    doing(monkeypatch, lambda: queue.remove(second.parents[1], second.name) and None)
    with pytest.raises(UserError, match="without being started"):
        watching.watch(second, Voice())


def test_a_queue_that_nobody_works_through_gets_a_new_worker(
    behind: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _first, second = behind
    begun: list[Path] = []

    def revive(root: Path) -> None:
        begun.append(root)
        if len(begun) > 1:
            queue.remove(root, second.name)

    monkeypatch.setattr(queue, "ensure_running", revive)
    monkeypatch.setattr(queue, "is_running", lambda root: False)
    with pytest.raises(UserError):
        watching.watch(second, Voice())
    assert len(begun) == 2
