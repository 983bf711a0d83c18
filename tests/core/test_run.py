"""A run from start to end: what it leaves, how it refuses, how it fails in words, and how it obeys."""

from __future__ import annotations

import errno
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engines.api import commands as cmd
from engines.api import events as ev
from engines.api.catalog import DeviceEntry
from engines.api.errors import UserError
from engines.api.places import state_home
from engines.core import memory
from engines.core.contracts import CLASS_PICTURES
from engines.core.devices import pick
from engines.core.pace import Phases
from engines.core.run import BUG, EXPECTED, FINE, STOPPED
from engines.launch import forecast
from engines.launch.folder import LOCK
from engines.launch.follow import read_state
from engines.launch.inbox import send
from engines.launch.lock import FolderLock
from tests.core.conftest import Toy
from tests.core.toy import Mischief, toy_images


def fail_with(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def entry(kind: str, title: str) -> DeviceEntry:
    return DeviceEntry(kind=kind, title=title, memory_bytes=2**34, memory_free_bytes=2**34, precisions=("fp32",))


@pytest.mark.parametrize(
    ("kind", "cuda", "hidden", "words"),
    [
        ("cuda", None, None, "build of torch cannot use the NVIDIA card"),
        ("cuda", "13.0", None, "driver to one that knows CUDA 13.0"),
        ("cuda", "13.0", "-1", "CUDA_VISIBLE_DEVICES hides"),
        ("mps", None, None, "Apple graphics"),
    ],
)
def test_hardware_that_torch_cannot_use_is_told_and_the_forecast_is_the_processors(
    kind: str,
    cuda: str | None,
    hidden: str | None,
    words: str,
    new_toy: Callable[..., Toy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    toy = new_toy(device="auto", steps=10)
    monkeypatch.setattr("engines.core.life.pick", lambda *_: pick("cpu"))
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(memory, "probe", lambda: (entry(kind, "Great Card 5000"), entry("cpu", "CPU")))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if hidden is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    asked: list[str] = []
    outlook = forecast.outlook
    monkeypatch.setattr(forecast, "outlook", lambda *what: asked.append(what[-1].kind) or outlook(*what))
    assert toy.run() == FINE
    (note,) = [one for one in toy.of_type(ev.Note) if one.title == "The graphics card is not used"]
    assert note.level == "warning"
    assert "Great Card 5000" in note.text
    assert words in note.text
    assert asked == ["cpu"]
    assert note.time <= toy.of_type(ev.Forecast)[0].time


@pytest.mark.parametrize(
    ("promised", "real", "told"),
    [
        (entry("cpu", "CPU"), entry("cuda", "Card A"), True),
        (entry("cuda", "Card B"), entry("cuda", "Card A"), True),
        (entry("cuda", "Card A"), entry("cuda", "Card A"), False),
        (entry("cpu", "CPU, 1 core"), entry("cpu", "CPU, 1 cores"), False),
    ],
)
def test_another_device_than_expected_is_told(
    promised: DeviceEntry,
    real: DeviceEntry,
    told: bool,
    new_toy: Callable[..., Toy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engines.core.life.pick", lambda *_: pick("cpu"))
    toy = new_toy(device="auto", steps=10)
    monkeypatch.setattr(memory, "probe", lambda: (promised,))
    monkeypatch.setattr(memory, "entry_of", lambda device: real)
    assert toy.run() == FINE
    notes = [one.text for one in toy.of_type(ev.Note) if one.title == "Another device computes than was expected"]
    assert len(notes) == told
    assert all("Card A" in text and promised.title in text for text in notes)


def test_time_spent_on_pictures_of_the_class_is_not_remembered_as_the_runs_own(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[float] = []
    monkeypatch.setattr(memory, "learn", lambda job, device, pace, *, total_s: learned.append(total_s))
    monkeypatch.setattr(Phases, "seconds_of", lambda _self, phase: 1000.0 if phase == CLASS_PICTURES else 0.0)
    assert toy.run() == FINE
    assert -1000.0 < learned[0] < -900.0


def test_a_run_leaves_everything_it_promises(toy: Toy) -> None:
    assert toy.run() == FINE
    state = read_state(toy.folder)
    assert (state.phase, state.step, state.steps_total) == ("finished", 60, 60)
    assert state.result is not None
    assert state.result.bytes == len(toy.adapter)
    assert [step for step, _ in state.validation] == [0, 10, 20, 30, 40, 50, 60]
    assert state.validation[-1][1] < state.validation[0][1]
    assert [sample.step for sample in state.samples] == [0, 30, 60]
    assert all((toy.folder / sample.file).is_file() for sample in state.samples)
    assert [kept.step for kept in state.checkpoints] == [20, 40, 60]
    assert state.forecast is not None
    assert state.forecast.measured
    life = json.loads((toy.folder / "environment.json").read_text())["lives"][0]
    assert life["packages"]["torch"]
    assert life["device"] == "cpu"
    assert not [path for path in toy.folder.rglob("*") if path.name.startswith(".")]


def test_the_random_streams_are_not_disturbed_by_measuring(new_toy: Callable[..., Toy]) -> None:
    adapters = []
    for noisy, every in ((True, 10), (False, 10), (True, 3)):
        toy = new_toy(validate_every=every)
        toy.run(Mischief(noisy=noisy))
        adapters.append(toy.adapter)
    assert adapters[0] == adapters[1] == adapters[2]


def test_another_seed_is_another_adapter(new_toy: Callable[..., Toy]) -> None:
    first, second = new_toy(seed=1), new_toy(seed=2)
    first.run()
    second.run()
    assert first.adapter != second.adapter


def test_a_begun_run_is_never_overwritten(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    assert toy.run(Mischief(at={30: lambda: send(toy.folder, cmd.Stop(keep=False))}, step_s=0.005)) == STOPPED
    before = (toy.folder / "events.jsonl").read_bytes()
    assert toy.run() == EXPECTED
    assert "begun before" in capsys.readouterr().err
    assert (toy.folder / "events.jsonl").read_bytes() == before


def test_a_finished_run_says_so_on_resume(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    toy.run()
    before = (toy.folder / "events.jsonl").read_bytes()
    for resume in (True, False):
        assert toy.run(resume=resume) == EXPECTED
        assert "already finished" in capsys.readouterr().err
    assert (toy.folder / "events.jsonl").read_bytes() == before
    assert read_state(toy.folder).phase == "finished"


@pytest.mark.parametrize("name", ["adapter.safetensors", "checkpoints/step-000010", "samples/a.png"])
def test_a_folder_with_results_but_no_events_is_refused(
    toy: Toy, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (toy.folder / name).write_bytes(b"precious")
    assert toy.run() == EXPECTED
    assert "not empty" in capsys.readouterr().err
    assert (toy.folder / name).read_bytes() == b"precious"


def test_a_wrong_folder_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from engines.core.run import run_folder

    assert run_folder(tmp_path, resume=True) == EXPECTED
    assert "not a run" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_busy_folder_is_left_alone(
    toy: Toy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.core.admission._LOCK_WAIT_S", 0.05)
    lock = FolderLock(toy.folder / LOCK)
    lock.take()
    assert toy.run() == EXPECTED
    assert "already at work" in capsys.readouterr().err
    assert not (toy.folder / "events.jsonl").exists()
    lock.release()


def test_changed_settings_are_not_resumed(toy: Toy) -> None:
    toy.run(Mischief(at={30: lambda: send(toy.folder, cmd.Stop(keep=False))}, step_s=0.005))
    with (toy.folder / "samples.jsonl").open("a") as file:
        file.write(toy_images()[0].model_dump_json() + "\n")
    assert toy.run(resume=True) == EXPECTED
    failure = read_state(toy.folder).failure
    assert failure is not None
    assert "settings were changed" in failure.title


def test_not_a_number_stops_with_the_last_good_checkpoint(new_toy: Callable[..., Toy]) -> None:
    toy, calm = new_toy(), new_toy()
    assert toy.run(Mischief(nan_at=30)) == EXPECTED
    state = read_state(toy.folder)
    assert state.failure is not None
    assert state.failure.expected
    assert "astray" in state.failure.title
    assert [kept.step for kept in state.checkpoints] == [20]
    assert toy.run(resume=True) == FINE
    calm.run()
    assert toy.adapter == calm.adapter


def test_a_zero_loss_stops(toy: Toy) -> None:
    assert toy.run(Mischief(zero_from=25)) == EXPECTED
    failure = read_state(toy.folder).failure
    assert failure is not None
    assert "Nothing is being learned" in failure.title
    assert not (toy.folder / "adapter.safetensors").exists()


def test_an_empty_adapter_is_never_finished(toy: Toy) -> None:
    assert toy.run(Mischief(empty_adapter=True)) == EXPECTED
    state = read_state(toy.folder)
    assert state.result is None
    assert state.failure is not None
    assert "empty" in state.failure.title
    assert not [path for path in toy.folder.iterdir() if path.suffix == ".safetensors"]


def test_a_bug_leaves_reports(toy: Toy) -> None:
    assert toy.run(Mischief(at={15: fail_with(KeyError("latents"))})) == BUG
    failure = read_state(toy.folder).failure
    assert failure is not None
    assert not failure.expected
    text = (toy.folder / failure.report).read_text()
    assert "KeyError: 'latents'" in text
    assert "method: lora" in text
    assert len(list((state_home() / "crashes").iterdir())) == 1


@pytest.mark.parametrize(
    ("error", "words", "hint"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "not enough memory", "Save memory"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), "not enough memory", "Save memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "not enough memory", "Save memory"),
        (MemoryError(), "not enough memory", "Save memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full", "resume"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "may not be read", "permissions"),
        (
            UserError("The base model is missing", "It was moved.", "Choose it again."),
            "base model is missing",
            "Choose",
        ),
    ],
)
def test_expected_failures_are_said_in_words(toy: Toy, error: Exception, words: str, hint: str) -> None:
    assert toy.run(Mischief(at={25: fail_with(error)})) == EXPECTED
    failure = read_state(toy.folder).failure
    assert failure is not None
    assert failure.expected
    assert words in failure.title
    assert hint in failure.hint
    assert not (state_home() / "crashes").exists()
    assert toy.run(resume=True) == FINE


def test_a_full_disk_while_keeping_leaves_the_last_checkpoint_whole(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    from engines.core import checkpoint

    write = checkpoint.atomic_write_bytes

    def full(path: Path, data: bytes) -> None:
        if len(list((toy.folder / "checkpoints").glob("step-*"))) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(checkpoint, "atomic_write_bytes", full)
    assert toy.run() == EXPECTED
    failure = read_state(toy.folder).failure
    assert failure is not None
    assert "disk is full" in failure.title
    assert [path.name for path in (toy.folder / "checkpoints").iterdir()] == ["step-000020"]
    monkeypatch.setattr(checkpoint, "atomic_write_bytes", write)
    assert toy.run(resume=True) == FINE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_events_that_cannot_be_written_end_the_run_quietly(toy: Toy) -> None:
    (toy.folder / "events.jsonl").symlink_to("/dev/full")
    assert toy.run() == EXPECTED


def test_stop_and_save_keeps_the_adapter_as_it_stands(toy: Toy) -> None:
    assert toy.run(Mischief(at={25: lambda: send(toy.folder, cmd.Stop())}, step_s=0.005)) == FINE
    state = read_state(toy.folder)
    assert state.result is not None
    assert state.result.reason == "stopped"
    assert 25 <= state.result.step < 60
    assert toy.adapter


def test_a_stop_before_the_first_step_leaves_nothing_behind(toy: Toy) -> None:
    mischief = Mischief(prepare_steps=100, prepare_s=0.02)
    timer = threading.Timer(0.3, lambda: send(toy.folder, cmd.Stop()))
    timer.start()
    assert toy.run(mischief) == STOPPED
    timer.join()
    assert "nothing to keep" in toy.of_type(ev.Note)[-1].text
    assert toy.run(resume=True) == FINE
    assert read_state(toy.folder).phase == "finished"


def test_commands_of_an_earlier_life_are_forgotten(toy: Toy) -> None:
    send(toy.folder, cmd.Stop())
    (inbox,) = (toy.folder / "inbox").iterdir()
    inbox.rename(inbox.with_name("00000000000000000001-1-000000.json"))
    assert toy.run() == FINE
    assert read_state(toy.folder).step == 60


def test_pause_keeps_the_model_and_still_obeys(new_toy: Callable[..., Toy]) -> None:
    toy, calm = new_toy(), new_toy()
    calm.run()
    mischief = Mischief(at={25: lambda: send(toy.folder, cmd.Pause())}, step_s=0.003)

    def direct() -> None:
        wait_for(lambda: read_state(toy.folder).phase == "paused")
        before = read_state(toy.folder).step
        send(toy.folder, cmd.SampleNow(prompt="a toy on the moon", seed=11))
        send(toy.folder, cmd.SaveNow())
        wait_for(lambda: any(sample.prompt == "a toy on the moon" for sample in read_state(toy.folder).samples))
        assert read_state(toy.folder).step == before
        send(toy.folder, cmd.Resume())

    director = threading.Thread(target=direct)
    director.start()
    assert toy.run(mischief) == FINE
    director.join()
    (paused,) = toy.of_type(ev.Paused)
    (resumed,) = toy.of_type(ev.Resumed)
    assert paused.step == resumed.step
    assert any(kept.step == paused.step for kept in toy.of_type(ev.Checkpoint))
    assert f"sample {paused.step} ['a toy on the moon'] 11" in mischief.seen
    assert toy.adapter == calm.adapter


def test_save_now_writes_a_checkpoint_between_the_usual_ones(toy: Toy) -> None:
    toy.run(Mischief(at={5: lambda: send(toy.folder, cmd.SaveNow())}, step_s=0.005))
    assert 5 <= toy.of_type(ev.Checkpoint)[0].step < 20


def test_slow_runs_keep_checkpoints_by_the_clock(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.core.loop.CHECKPOINT_S", 0.05)
    toy.run(Mischief(step_s=0.01))
    steps = [kept.step for kept in toy.of_type(ev.Checkpoint)]
    assert len(steps) > 6
    assert {20, 40, 60} <= set(steps)


@pytest.mark.parametrize("error", [UserError("No such words"), torch.OutOfMemoryError("CUDA out of memory")])
def test_samples_that_cannot_be_made_do_not_end_the_run(toy: Toy, error: Exception) -> None:
    assert toy.run(Mischief(sample_error=error)) == FINE
    notes = [note for note in toy.of_type(ev.Note) if note.level == "warning"]
    assert {note.title for note in notes} >= {"No sample pictures this time"}


def test_a_bug_in_sampling_is_not_hidden(toy: Toy) -> None:
    assert toy.run(Mischief(sample_error=RuntimeError("shapes do not fit"))) == BUG


def test_accumulation_is_one_big_batch_a_step(new_toy: Callable[..., Toy]) -> None:
    toy = new_toy(accumulate=4, steps=15)
    mischief = Mischief()
    assert toy.run(mischief) == FINE
    assert read_state(toy.folder).step == 15


def test_the_forecast_after_ten_steps_is_near_the_truth(new_toy: Callable[..., Toy]) -> None:
    toy = new_toy(steps=80, checkpoint_every=1000)
    toy.run(Mischief(step_s=0.02))
    (measured,) = [event for event in toy.of_type(ev.Forecast) if event.measured]
    (finished,) = toy.of_type(ev.Finished)
    assert measured.seconds == pytest.approx(finished.seconds, rel=0.25)


def test_several_processes_at_once_are_refused(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert toy.run() == EXPECTED
    assert "Several graphics cards" in capsys.readouterr().err


def wait_for(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
