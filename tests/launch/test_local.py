"""A detached worker survives its parent, and one folder has one worker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from engines.api.errors import JobError
from engines.launch import local
from engines.launch.folder import LOCK, create_run
from engines.launch.lock import FolderLock, is_held
from tests.launch.samples import a_job, an_image


def wait_for(condition: object, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_the_child_outlives_its_parent(tmp_path: Path) -> None:
    beat, log = tmp_path / "beat", tmp_path / "log.txt"
    child = f"import time,pathlib\nprint('hello', flush=True)\nfor n in range(600): pathlib.Path({str(beat)!r}).write_text(str(n)); time.sleep(.05)"
    parent = (
        "import sys, pathlib; from engines.launch.local import spawn_detached;"
        "print(spawn_detached([sys.executable, '-c', sys.argv[1]], log=pathlib.Path(sys.argv[2])).pid, flush=True); input()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", parent, child, str(log)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=local.checkout(),
    )
    assert starter.stdout is not None
    worker = psutil.Process(int(starter.stdout.readline()))
    try:
        wait_for(beat.exists)
        starter.kill()
        starter.communicate()
        seen = beat.read_text()
        wait_for(lambda: beat.read_text() not in {seen, ""})
        assert local.process_lives(worker.pid, worker.create_time())
        assert "hello" in log.read_text()
    finally:
        worker.kill()


def test_another_pythons_traces_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("CONDA_PREFIX", "/opt/conda")
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "base")
    monkeypatch.setenv("LORIKEET_TEST", "kept")
    environment = local.child_environment()
    assert not {"PYTHONHOME", "CONDA_PREFIX", "CONDA_DEFAULT_ENV"} & environment.keys()
    assert environment["PYTHONPATH"] == str(local.checkout())
    assert environment["LORIKEET_TEST"] == "kept"


def test_our_own_conda_environment_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_PREFIX", sys.prefix)
    assert local.child_environment()["CONDA_PREFIX"] == sys.prefix


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / LOCK
    code = "import sys,pathlib;from engines.launch.lock import FolderLock;print(FolderLock(pathlib.Path(sys.argv[1])).take(), flush=True);l=FolderLock(pathlib.Path(sys.argv[1]));l.take();print('held',flush=True);input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=local.checkout()
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == b"True"
    holder.stdout.readline()
    assert is_held(path)
    assert not FolderLock(path).take()
    holder.kill()
    holder.communicate()
    mine = FolderLock(path)
    assert mine.take(wait_s=1.0)
    assert mine.held
    mine.release()
    assert not is_held(path)


def test_a_busy_folder_is_refused(tmp_path: Path) -> None:
    run = create_run(tmp_path, a_job(), [an_image()])
    lock = FolderLock(run / LOCK)
    assert lock.take()
    assert local.at_work(run)
    with pytest.raises(JobError, match="already at work"):
        local.start(run)
    lock.release()
    local.note_worker(run, os.getpid())
    with pytest.raises(JobError, match="already at work"):
        local.start(run, resume=True)


def test_a_begun_run_is_not_started_afresh(tmp_path: Path) -> None:
    run = create_run(tmp_path, a_job(), [an_image()])
    (run / "events.jsonl").write_text("{}\n")
    with pytest.raises(JobError, match="begun before"):
        local.start(run)


def test_a_stranger_is_not_started(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="not a run"):
        local.start(tmp_path)
