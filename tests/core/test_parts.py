"""The small parts of the frame: schedule, random streams, pace, losses, devices, registry, journal, guard, checkpoints."""

from __future__ import annotations

import errno
import json
import random
import sys
from pathlib import Path

import pytest
import torch

from engines.api import events as ev
from engines.api.errors import JobError, SettingsError, TrainingError, UserError
from engines.api.recipe import LoopSettings, Recipe, SampleSettings
from engines.core import randomness
from engines.core.checkpoint import Checkpoints, Snapshot, pack_optimizer, unpack_optimizer
from engines.core.devices import pick
from engines.core.guard import Failure, guarded
from engines.core.journal import Journal
from engines.core.losses import LossWatch
from engines.core.pace import Pace, Phases
from engines.core.registry import Registry
from engines.core.schedule import factor
from tests.core.toy import legacy_normal


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_schedules_warm_up_and_never_leave_their_range(schedule: str) -> None:
    settings = LoopSettings(steps=50, warmup=10, schedule=schedule)
    shares = [factor(step, settings) for step in range(50)]
    assert all(0.0 < share <= 1.0 for share in shares)
    assert shares[:10] == sorted(shares[:10])
    assert shares[10] == 1.0
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert (shares[-1] < 0.1) == (schedule != "constant")


def test_a_warm_up_longer_than_the_run_still_learns() -> None:
    settings = LoopSettings(steps=3, warmup=100)
    assert all(factor(step, settings) > 0 for step in range(3))


def draw() -> list[float]:
    return [random.random(), random.gauss(0, 1), legacy_normal(), float(torch.randn(1)), float(torch.rand(1))]


def test_random_streams_go_on_where_they_were() -> None:
    randomness.seed_all(3)
    draw()
    states = randomness.capture()
    plain = json.loads(json.dumps(states.plain))
    expected = [draw() for _ in range(3)]
    randomness.restore(randomness.RandomStates(plain, states.tensors))
    assert [draw() for _ in range(3)] == expected


def test_what_is_drawn_aside_leaves_no_trace() -> None:
    randomness.seed_all(4)
    expected = draw()
    randomness.seed_all(4)
    with randomness.undisturbed():
        draw()
    assert draw() == expected
    randomness.seed_all(4)
    with pytest.raises(ZeroDivisionError), randomness.undisturbed():
        _ = draw()[0] / 0
    assert draw() == expected


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_pace_counts_interruptions_apart() -> None:
    clock = Clock()
    recipe = Recipe(
        loop=LoopSettings(steps=100, validate_every=20, checkpoint_every=50), samples=SampleSettings(every=0)
    )
    pace = Pace(recipe, already_s=7.0, clock=clock)
    assert pace.step_s == 0.0
    for step in range(1, 21):
        clock.now += 2.0 if step > 2 else 30.0  # the first steps warm up
        pace.step_done()
    with pace.timed("validation"):
        clock.now += 5.0
    clock.now += 2.0
    pace.step_done()
    assert pace.step_s == pytest.approx(2.0)
    assert pace.left_s(21) == pytest.approx(79 * 2.0 + 4 * 5.0)
    assert pace.left_s(100) == 0.0
    assert pace.elapsed_s() == pytest.approx(7.0 + 60 + 18 * 2 + 5 + 2)


def test_pace_tells_a_few_times_a_second() -> None:
    clock = Clock()
    pace = Pace(Recipe(), clock=clock)
    told = 0
    for _ in range(1000):
        clock.now += 0.01
        told += pace.due()
    assert 20 <= told <= 30


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_losses_that_are_no_numbers_stop(value: float) -> None:
    watch = LossWatch(torch.device("cpu"))
    assert watch.read(0) is None
    watch.add(torch.tensor(1.0), last=True)
    watch.add(torch.tensor(value), last=True)
    watch.add(torch.tensor(1.0), last=True)
    with pytest.raises(TrainingError, match="astray"):
        watch.read(3)


def test_losses_are_means_a_step() -> None:
    watch = LossWatch(torch.device("cpu"))
    for value in (0.25, 0.75, 0.5, 1.5):
        watch.add(torch.tensor(value), last=value in {0.75, 1.5})
    assert watch.read(2) == pytest.approx(1.5)
    watch.add(torch.tensor(0.0), last=True)
    assert watch.read(3) == 0.0  # once is no proof


def test_the_processor_computes_in_fp32() -> None:
    device = pick("cpu", "bf16")
    assert (device.kind, device.dtype, device.autocast, device.precision) == ("cpu", torch.float32, None, "fp32")
    assert "bf16" in device.note
    assert pick("cpu", "auto").note == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_a_missing_card_is_said_in_words() -> None:
    with pytest.raises(SettingsError, match="not here"):
        pick("cuda")


def test_a_registry_finds_files_and_remembers_broken_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "shelf_for_test"
    package.mkdir()
    head = "from engines.core.registry import Registry\n"
    (package / "__init__.py").write_text(head + "SHELF = Registry('book')\n")
    (package / "good.py").write_text("from shelf_for_test import SHELF\n@SHELF.register('good')\nclass Good: pass\n")
    (package / "double.py").write_text("from shelf_for_test import SHELF\n@SHELF.register('good')\nclass Again: pass\n")
    (package / "broken.py").write_text("import no_such_library_anywhere\n")
    (package / "_helper.py").write_text("raise SystemError('not to be imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    from shelf_for_test import SHELF  # type: ignore[import-not-found]

    SHELF.discover("shelf_for_test")
    assert [name for name, _ in SHELF.items()] == ["good"]
    assert "good" in SHELF
    assert len(SHELF) == 1
    assert set(SHELF.broken) == {"shelf_for_test.broken", "shelf_for_test.good"}
    assert "no_such_library_anywhere" in SHELF.broken["shelf_for_test.broken"]
    with pytest.raises(SettingsError, match="no book called “broken”") as caught:
        SHELF.get("broken")
    assert "no_such_library_anywhere" in caught.value.what
    for name in [name for name in sys.modules if name.startswith("shelf_for_test")]:
        del sys.modules[name]


def test_a_registry_refuses_a_second_owner() -> None:
    shelf: Registry[object] = Registry("book")
    shelf.register("a")(pick)
    shelf.register("a")(pick)
    with pytest.raises(ValueError, match="registered by"):
        shelf.register("a")(random.Random)


def test_the_journal_writes_whole_lines_after_a_torn_one(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(b'{"type":"note","ti')
    with Journal(tmp_path) as journal:
        journal.tell(ev.Note(title="after"), durable=True)
    lines = (tmp_path / "events.jsonl").read_bytes().split(b"\n")
    assert ev.from_line(lines[1]).type == "note"
    assert lines[2:] == [b""]


def raiser(error: BaseException) -> object:
    raise error


def test_the_guard_hands_results_through(tmp_path: Path) -> None:
    assert guarded(lambda: 3, reports=(tmp_path,), about={}) == 3
    with pytest.raises(KeyboardInterrupt):
        guarded(lambda: raiser(KeyboardInterrupt()), reports=(tmp_path,), about={})
    assert list(tmp_path.iterdir()) == []


def test_the_guard_reports_bugs_where_it_can(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    reports = (tmp_path / "file" / "below", tmp_path / "reports")
    failure = guarded(lambda: raiser(ZeroDivisionError("x")), reports=reports, about={"doing": "a test"})
    assert isinstance(failure, Failure)
    assert not failure.expected
    assert Path(failure.report).parent == tmp_path / "reports"
    text = Path(failure.report).read_text()
    assert "doing: a test" in text
    assert "ZeroDivisionError: x" in text


def test_the_guard_knows_what_is_nobodys_bug(tmp_path: Path) -> None:
    for error, words in (
        (UserError("Plain", "words", "hint"), "Plain"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "job"), "may not be read"),
        (MemoryError(), "not enough memory"),
    ):
        failure = guarded(lambda error=error: raiser(error), reports=(tmp_path,), about={})
        assert isinstance(failure, Failure)
        assert failure.expected
        assert words in failure.title
    assert list(tmp_path.iterdir()) == []


def snapshot(step: int, validation: float | None = None) -> Snapshot:
    return Snapshot(step, {"a": torch.full((2,), float(step))}, {"n": step}, validation)


def write_adapter(path: Path) -> None:
    path.write_bytes(b"adapter")


def test_checkpoints_keep_the_newest_and_the_best(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, digest="d", keep=2)
    for step, loss in ((10, 0.9), (20, 0.3), (30, None), (40, 0.5), (50, 0.6)):
        kept.save(snapshot(step, loss), write_adapter)
    assert [entry.step for entry in kept.all()] == [20, 40, 50]
    newest, torn = kept.latest()
    assert newest is not None
    assert (newest.step, torn) == (50, [])
    read = kept.load(newest)
    assert read.plain == {"n": 50}
    assert torch.equal(read.tensors["a"], torch.full((2,), 50.0))


def test_what_an_interrupted_save_left_is_swept_away(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, digest="d", keep=2)
    kept.save(snapshot(10), write_adapter)
    (tmp_path / "checkpoints" / ".new-abc").mkdir()
    (tmp_path / "checkpoints" / ".new-abc" / "state.json").write_text("{")
    kept.save(snapshot(20), write_adapter)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["step-000010", "step-000020"]


def test_a_failing_save_leaves_the_others_alone(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, digest="d", keep=1)
    kept.save(snapshot(10), write_adapter)

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        kept.save(snapshot(20), fail)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000010"]


def test_a_torn_checkpoint_of_the_same_step_is_replaced(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, digest="d", keep=2)
    kept.save(snapshot(10), write_adapter)
    (tmp_path / "checkpoints" / "step-000010" / "state.json").write_text("{}")
    kept.save(snapshot(10), write_adapter)
    newest, torn = kept.latest()
    assert newest is not None
    assert torn == []


def test_preparations_are_timed_phase_by_phase() -> None:
    ticks = iter([0.0, 1.0, 3.0, 6.0, 10.0])
    phases = Phases(lambda: next(ticks))
    for phase in ("loading", "class pictures", "class pictures", ""):
        phases.enter(phase)
    assert phases.seconds_of("loading") == 2.0
    assert phases.seconds_of("class pictures") == 7.0
    assert phases.seconds_of("another") == 0.0


def test_checkpoints_of_other_settings_are_refused(tmp_path: Path) -> None:
    Checkpoints(tmp_path, digest="old", keep=2).save(snapshot(10), write_adapter)
    with pytest.raises(JobError, match="settings were changed"):
        Checkpoints(tmp_path, digest="new", keep=2).latest()


def test_an_optimiser_comes_back_exactly() -> None:
    torch.manual_seed(0)
    first, second = (torch.nn.Parameter(torch.zeros(5)) for _ in range(2))
    one, other = (torch.optim.AdamW([{"params": [p], "lr": 0.1}], fused=True) for p in (first, second))
    gradients = [torch.randn(5) for _ in range(6)]
    for gradient in gradients[:3]:
        first.grad = gradient
        one.step()
    tensors, plain = pack_optimizer(one)
    second.data.copy_(first.data)
    unpack_optimizer(other, {name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(plain)))
    for gradient in gradients[3:]:
        first.grad = second.grad = gradient
        one.step()
        other.step()
    assert torch.equal(first, second)
