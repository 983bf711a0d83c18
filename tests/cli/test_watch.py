"""Watching a run: what is new is told, what is past is only known, and every ending has its exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
import pytest

from engines.api import events as ev
from engines.cli import watch as watching
from engines.cli.codes import EXPECTED, FINE
from engines.cli.output import Voice
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


def born_again(folder: Path) -> None:
    """What a worker in this process would tell after a resume."""
    me = psutil.Process()
    note_worker(folder, me.pid)
    tell(
        folder,
        ev.Started(pid=os.getpid(), pid_created=me.create_time(), steps_total=9, resumed_from=4),
        ev.Step(step=9, loss=0.5, learning_rate=1e-4),
        ev.Finished(step=9, adapter="adapter.safetensors", sha256="0" * 64),
    )


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
    assert watching.watch(begun, Voice(as_json=True), begin=lambda: born_again(begun)) == FINE
    told = capsys.readouterr()
    assert kinds(told.out) == ["started", "step", "finished"]
    assert "An old note" not in told.err
    assert "Going on from step 4." in told.err


def test_a_run_in_this_process_tells_only_what_is_new(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with watching.told_from_inside(begun, Voice(as_json=True)):
        born_again(begun)
    told = capsys.readouterr()
    assert kinds(told.out) == ["started", "step", "finished"]
    assert "An old note" not in told.err


def test_the_past_is_still_known(
    begun: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watching.Bar, "EVERY_S", 0.0)
    with watching.told_from_inside(begun, Voice()):
        born_again(begun)
    assert "Learning: 9 of 9" in (said := capsys.readouterr().err)
    assert "validation 0.4321" in said


def test_a_worker_that_dies_ends_the_watch(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def die() -> None:
        tell(begun, ev.Started(pid=999_999, pid_created=1.0, steps_total=9, resumed_from=4))

    assert watching.watch(begun, Voice(as_json=True), begin=die) == EXPECTED
    assert kinds(capsys.readouterr().out) == ["started"]
