"""The queue: edited while it runs, worked through in order, nothing waits for ever."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engines.api import events as ev
from engines.api.errors import JobError
from engines.launch import local, queue
from engines.launch.folder import create_run
from tests.launch.samples import a_job, an_image


def runs(root: Path, count: int) -> list[str]:
    return [create_run(root, a_job(f"run-{n}"), [an_image()]).name for n in range(count)]


def test_the_list_can_be_edited(tmp_path: Path) -> None:
    a, b, c = runs(tmp_path, 3)
    for run in (a, b, c, a):
        queue.add(tmp_path, run)
    assert queue.waiting(tmp_path) == (a, b, c)
    queue.move(tmp_path, c, 0)
    queue.remove(tmp_path, a)
    assert queue.waiting(tmp_path) == (c, b)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"waiting": 3}', '{"waiting": ["../../etc", 4, ""]}'])
def test_a_damaged_list_is_empty_and_can_be_used_again(tmp_path: Path, text: str) -> None:
    (a,) = runs(tmp_path, 1)
    (tmp_path / "runs" / "queue.json").write_text(text)
    assert queue.waiting(tmp_path) == ()
    queue.add(tmp_path, a)
    assert queue.waiting(tmp_path) == (a,)


@pytest.mark.parametrize("name", ["", "nobody", "..", "../x"])
def test_only_runs_of_the_project_wait(tmp_path: Path, name: str) -> None:
    with pytest.raises(JobError, match="no such run"):
        queue.add(tmp_path, name)


def test_edits_from_many_threads_lose_nothing(tmp_path: Path) -> None:
    names = runs(tmp_path, 12)
    threads = [threading.Thread(target=queue.add, args=(tmp_path, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(queue.waiting(tmp_path)) == sorted(names)


def test_worked_through_in_order_with_what_is_added_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, late = runs(tmp_path, 3)
    queue.add(tmp_path, a)
    queue.add(tmp_path, b)
    started: list[str] = []
    adding = threading.Thread(target=queue.add, args=(tmp_path, late))

    def start(folder: Path, *, resume: bool = False) -> int:
        started.append(folder.name)
        if folder.name == a:
            adding.start()
            raise JobError("This run is already at work")
        with (folder / "events.jsonl").open("w") as file:
            file.write(ev.to_line(ev.Failed(title="The disk is full")) + "\n")
        return 1

    monkeypatch.setattr(local, "start", start)
    # Somebody is busy until the late one is in the list.
    monkeypatch.setattr(local, "at_work", lambda folder: folder.name == b and adding.is_alive())
    monkeypatch.setattr(queue, "_LOOK_S", 0.02)
    said: list[str] = []
    assert queue.work_through(tmp_path, say=said.append)
    adding.join()
    assert started == [a, b, late]
    assert queue.waiting(tmp_path) == ()
    assert not queue.is_running(tmp_path)
    assert said[0].startswith(f"{a}: skipped.")
    assert f"{b}: failed. The disk is full." in said


def test_one_queue_has_one_worker(tmp_path: Path) -> None:
    from engines.launch.lock import FolderLock

    runs(tmp_path, 1)
    lock = FolderLock(tmp_path / "runs" / "queue.lock")
    assert lock.take()
    assert queue.is_running(tmp_path)
    assert queue.work_through(tmp_path, say=print) is False
    lock.release()


def test_starting_beside_another_run_queues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = runs(tmp_path, 2)
    root = tmp_path / "runs"
    spawned: list[list[str]] = []
    monkeypatch.setattr(local, "start", lambda folder, resume=False: spawned.append(["start", folder.name]))
    monkeypatch.setattr(local, "spawn_detached", lambda command, log: spawned.append(command))
    assert queue.begin(root / a) == "started"
    monkeypatch.setattr(local, "at_work", lambda folder: folder.name == a)
    assert queue.begin(root / b) == "queued"
    assert queue.waiting(tmp_path) == (b,)
    assert spawned[0] == ["start", a]
    assert spawned[1][-2:] == ["queue", str(tmp_path.resolve())]
    with pytest.raises(JobError, match="already at work"):
        queue.begin(root / a)
