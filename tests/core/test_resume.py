"""An interrupted and resumed run gives the same adapter as an undisturbed one, bit for bit, however it was interrupted."""

from __future__ import annotations

import functools
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from engines.api import commands as cmd
from engines.api import events as ev
from engines.core.run import FINE, STOPPED
from engines.launch.follow import read_state
from engines.launch.inbox import send
from tests.core import toy as toy_module
from tests.core.conftest import Toy
from tests.core.toy import Mischief


def work(folder: Path, resume: bool, step_s: float) -> None:
    """What a worker process does (at module level, so that it can be sent to another process)."""
    from engines.core.run import run_folder

    sys.exit(run_folder(folder, resume=resume, task_builder=toy_module.builder(Mischief(step_s=step_s))))


@functools.cache
def processes() -> multiprocessing.context.BaseContext:
    """Real processes that need not import torch anew each time, where the system can do that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.core.toy", "engines.core.life", "torch._dynamo"])
    return context


def worker(toy: Toy, *, resume: bool, step_s: float = 0.01) -> BaseProcess:
    process = processes().Process(target=work, args=(toy.folder, resume, step_s))  # type: ignore[attr-defined]
    process.start()
    return process


def wait_for(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def calm(new_toy: Callable[..., Toy]) -> Toy:
    undisturbed = new_toy()
    assert undisturbed.run() == FINE
    return undisturbed


def test_killed_at_random_moments(toy: Toy, calm: Toy) -> None:
    moments = random.Random(os.urandom(8))
    for life in range(3):
        process = worker(toy, resume=life > 0, step_s=0.03)
        wait_for(
            lambda life=life: len(toy.of_type(ev.Started)) > life if (toy.folder / "events.jsonl").exists() else False
        )
        time.sleep(moments.uniform(0.0, 0.7))
        process.kill()
        process.join()
        state = read_state(toy.folder)
        assert state.phase in {"interrupted", "finished"}
        if state.phase == "finished":  # a slow kill meets a finished run, which refuses to be resumed
            break
    if read_state(toy.folder).phase != "finished":
        last = worker(toy, resume=True, step_s=0.0)
        last.join()
        assert last.exitcode == FINE
    assert toy.adapter == calm.adapter
    assert read_state(toy.folder).validation == read_state(calm.folder).validation


def test_killed_before_the_first_checkpoint_begins_again(toy: Toy, calm: Toy) -> None:
    process = worker(toy, resume=False, step_s=0.05)
    wait_for(lambda: (toy.folder / "events.jsonl").exists() and bool(toy.of_type(ev.Step)))
    process.kill()
    process.join()
    assert toy.run(resume=True) == FINE
    assert toy.of_type(ev.Started)[-1].resumed_from is None
    assert toy.adapter == calm.adapter


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_asked_to_end_it_keeps_a_checkpoint_first(toy: Toy, calm: Toy, number: signal.Signals) -> None:
    process = worker(toy, resume=False, step_s=0.02)
    wait_for(lambda: (toy.folder / "events.jsonl").exists() and bool(toy.of_type(ev.Step)))
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join()
    assert process.exitcode == STOPPED
    state = read_state(toy.folder)
    assert state.phase == "interrupted"
    kept = state.checkpoints[-1].step
    assert kept < 60
    assert toy.run(resume=True) == FINE
    assert toy.of_type(ev.Started)[-1].resumed_from == kept
    assert toy.adapter == calm.adapter


def test_left_and_resumed_many_times(toy: Toy, calm: Toy) -> None:
    resume = False
    for _ in range(12):
        mischief = Mischief(
            at={7: lambda: (send(toy.folder, cmd.SaveNow()), send(toy.folder, cmd.Stop(keep=False)))}, step_s=0.004
        )
        if toy.run(mischief, resume=resume) == FINE:
            break
        resume = True
    else:
        assert toy.run(resume=True) == FINE
    assert len(toy.of_type(ev.Started)) > 3
    assert toy.adapter == calm.adapter


def test_what_came_after_the_checkpoint_is_replaced(toy: Toy, calm: Toy) -> None:
    toy.run(Mischief(at={38: lambda: send(toy.folder, cmd.Stop(keep=False))}, step_s=0.005))
    assert toy.run(resume=True) == FINE
    mine, other = read_state(toy.folder), read_state(calm.folder)
    assert mine.validation == other.validation
    assert [sample.step for sample in mine.samples] == [sample.step for sample in other.samples]


@pytest.mark.parametrize("name", ["state.safetensors", "state.json", "adapter.safetensors", "seal.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "flipped"])
def test_a_torn_checkpoint_gives_way_to_the_one_before(toy: Toy, calm: Toy, name: str, damage: str) -> None:
    def kept_two() -> None:
        send(toy.folder, cmd.Stop(keep=False))

    toy.run(Mischief(at={42: kept_two}, step_s=0.003))
    path = toy.folder / "checkpoints" / "step-000040" / name
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            data[: len(data) // 2] if damage == "cut" else data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]
        )
    assert toy.run(resume=True) == FINE
    if name != "seal.json" or damage != "flipped":
        assert toy.of_type(ev.Started)[-1].resumed_from == 20
        assert any("step 40 is damaged" in note.title for note in toy.of_type(ev.Note))
    assert toy.adapter == calm.adapter
    assert (toy.folder / "checkpoints" / "step-000040" / "seal.json").exists()


def test_half_a_line_does_not_swallow_the_next_event(toy: Toy) -> None:
    toy.run(Mischief(at={30: lambda: send(toy.folder, cmd.Stop(keep=False))}, step_s=0.005))
    with (toy.folder / "events.jsonl").open("a") as file:
        file.write('{"type":"step","st')
    assert toy.run(resume=True) == FINE
    state = read_state(toy.folder)
    assert state.phase == "finished"
    assert state.broken_lines == 1
