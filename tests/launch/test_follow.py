"""Following a run: half lines, rubbish, dead workers, reused pids, and workers that never spoke."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from engines.api import events as ev
from engines.launch import follow
from engines.launch.follow import Follower, log_tail, read_state
from engines.launch.local import note_worker, process_lives


def started(pid: int | None = None, created: float | None = None, host: str = "") -> ev.Started:
    own = psutil.Process()
    return ev.Started(
        pid=own.pid if pid is None else pid,
        pid_created=own.create_time() if created is None else created,
        host=host,
        steps_total=10,
    )


def append(folder: Path, *events: ev.Event | str) -> None:
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        for event in events:
            file.write((event if isinstance(event, str) else ev.to_line(event)) + "\n")


def a_dead_process() -> tuple[int, float]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    created = psutil.Process(process.pid).create_time()
    process.communicate(b"\n")
    return process.pid, created


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    assert follower.poll() is False
    assert follower.state.phase == "waiting"
    append(tmp_path, started(), ev.Step(step=1, loss=0.5, learning_rate=1e-4))
    assert follower.poll()
    assert (follower.state.phase, follower.state.step, len(follower.events)) == ("training", 1, 2)
    assert follower.poll() is False
    assert follower.events == []
    append(tmp_path, ev.Step(step=2, loss=0.4, learning_rate=1e-4))
    assert follower.poll()
    assert [event.type for event in follower.events] == ["step"]
    assert follower.state.loss == 0.4


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    line = ev.to_line(ev.Note(title="Grüße")).encode()
    follower = Follower(tmp_path)
    for cut in (5, line.index(b"\xc3") + 1, len(line)):
        (tmp_path / "events.jsonl").write_bytes(line[:cut])
        follower.poll()
        assert follower.events == []
    (tmp_path / "events.jsonl").write_bytes(line + b"\n")
    assert follower.poll()
    assert follower.state.notes[0].title == "Grüße"
    assert follower.state.broken_lines == 0


def test_rubbish_is_counted_and_passed_over(tmp_path: Path) -> None:
    append(tmp_path, started(), '{"type": "step", "step": 1', '{"type":"dance"}', ev.Note(title="after"))
    state = read_state(tmp_path)
    assert state.broken_lines == 2
    assert state.notes[0].title == "after"


def test_a_long_run_is_caught_up_with_in_bites(tmp_path: Path) -> None:
    steps = [ev.Step(step=n, loss=1.0 / n, learning_rate=1e-4) for n in range(1, 3001)]
    append(tmp_path, started(), *steps)
    follower = Follower(tmp_path)
    follower.poll()
    assert 0 < follower.state.step < 3000
    assert follower.catch_up().step == 3000


def test_an_idle_poll_is_cheap(tmp_path: Path) -> None:
    append(tmp_path, started(), *[ev.Step(step=n, loss=1.0, learning_rate=1e-4) for n in range(1, 500)])
    follower = Follower(tmp_path)
    follower.catch_up()
    begun = time.perf_counter()
    for _ in range(200):
        follower.poll()
    assert (time.perf_counter() - begun) / 200 < 0.002


def test_a_worker_that_died_is_an_interrupted_run(tmp_path: Path) -> None:
    pid, created = a_dead_process()
    append(tmp_path, started(pid, created), ev.Step(step=4, loss=0.5, learning_rate=1e-4))
    state = read_state(tmp_path)
    assert (state.phase, state.step) == ("interrupted", 4)


def test_a_reused_pid_does_not_bring_the_worker_back(tmp_path: Path) -> None:
    append(tmp_path, started(os.getpid(), psutil.Process().create_time() - 1000))
    assert read_state(tmp_path).phase == "interrupted"


def test_the_death_is_noticed_without_new_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_LIFE_CHECK_S", 0.0)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    append(tmp_path, started(process.pid, psutil.Process(process.pid).create_time()))
    follower = Follower(tmp_path)
    assert follower.catch_up().phase == "preparing"
    process.kill()
    process.wait()
    assert follower.poll()
    assert follower.state.phase == "interrupted"
    process.stdin.close()  # type: ignore[union-attr]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX keeps dead children until they are waited for")
def test_a_zombie_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    created = psutil.Process(process.pid).create_time()
    deadline = time.monotonic() + 10
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not process_lives(process.pid, created)
    process.wait()


def test_a_worker_that_never_spoke_shows_its_log(tmp_path: Path) -> None:
    pid, _ = a_dead_process()
    note_worker(tmp_path, pid)
    (tmp_path / "log.txt").write_text("Traceback\nImportError: no module named torch\n")
    state = read_state(tmp_path)
    assert state.phase == "failed"
    assert state.failure is not None
    assert "no module named torch" in state.failure.what


def test_a_worker_just_started_is_preparing(tmp_path: Path) -> None:
    pid, created = a_dead_process()
    append(tmp_path, started(pid, created), ev.Failed(title="No space"))
    assert read_state(tmp_path).phase == "failed"
    time.sleep(0.01)
    note_worker(tmp_path, os.getpid())
    state = read_state(tmp_path)
    assert (state.phase, state.failure) == ("preparing", None)


def test_a_finished_run_stays_finished_when_somebody_tries_to_resume_it(tmp_path: Path) -> None:
    pid, created = a_dead_process()
    done = ev.Finished(step=10, adapter="adapter.safetensors", sha256="0")
    append(tmp_path, started(pid, created), done)
    time.sleep(0.01)
    note_worker(tmp_path, pid)
    assert read_state(tmp_path).phase == "finished"


def test_another_computers_run_is_judged_by_its_last_words(tmp_path: Path) -> None:
    append(tmp_path, started(1, 1.0, host="another-computer"))
    assert read_state(tmp_path).phase == "preparing"
    os.utime(tmp_path / "events.jsonl", (1.0, 1.0))
    assert read_state(tmp_path).phase == "interrupted"


def test_a_replaced_file_is_read_afresh(tmp_path: Path) -> None:
    append(tmp_path, started(), *[ev.Note(title="long " * 20) for _ in range(5)])
    follower = Follower(tmp_path)
    follower.catch_up()
    (tmp_path / "events.jsonl").write_text(ev.to_line(ev.Note(title="new")) + "\n")
    follower.poll()
    assert [note.title for note in follower.state.notes] == ["new"]


def test_log_tail_reads_the_end_only(tmp_path: Path) -> None:
    assert log_tail(tmp_path) == ""
    (tmp_path / "log.txt").write_bytes(b"\xff" * 5000 + b"\n" + b"\n".join(b"line %d" % n for n in range(100)))
    assert log_tail(tmp_path, lines=2) == "line 98\nline 99"


def test_a_damaged_worker_note_is_no_worker(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"pid": "x"}', json.dumps({"pid": 1})):
        (tmp_path / "worker.json").write_text(text)
        assert read_state(tmp_path).phase == "waiting"
