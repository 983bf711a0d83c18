"""The interactive worker about pictures to be segmented: masks over its pipes, what gives way to what, and refusals in words."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from segment_anything import SamPredictor

from engines.api.errors import UserError
from engines.api.requests import ANSWERS, Answer, Cancel, Done, Dropped, Inspect, Refused, Release, Working
from engines.api.segment_requests import AskMask, Click, FindObjects, OpenAhead, OpenPicture, SegmentModel
from engines.launch.local import checkout, child_environment
from engines.launch.serving import encode
from engines.segmentation.sizes import build_sam
from engines.segmentation.warm import WarmModel
from engines.serve.handlers import Handlers
from engines.serve.mailbox import Desk
from engines.serve.segmenting import Ahead
from engines.serve.worker import serve
from projects.regions.mask import Mask
from tests.segmentation.support import TINY, open_tiny, write_adapter, write_tiny

WIDTH, HEIGHT = 150, 90


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module", autouse=True)
def _one_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoders are exported once for all tests here."""
    from engines.segmentation import decoders

    patch = pytest.MonkeyPatch()
    home = tmp_path_factory.mktemp("home")
    patch.setattr(decoders, "cache_home", lambda: home)
    yield
    patch.undo()


def draw(file: Path, seed: int = 0) -> str:
    values = np.random.default_rng(seed).integers(0, 255, (9, 15, 3), dtype=np.uint8)
    Image.fromarray(values).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(file)
    return str(file)


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    return [draw(tmp_path / f"{number}.png", number) for number in range(3)]


class Worker:
    """Both threads of the worker, in this process."""

    def __init__(self, crashes: Path) -> None:
        self.told: list[Answer] = []
        self._news = threading.Condition()
        self.desk = Desk(self.tell)
        handlers = Handlers(self.tell, self.desk.main.unwanted)
        ahead = Ahead(handlers.segmenting, self.desk.ahead.unwanted, self.desk.main.busy)
        self.threads = [
            threading.Thread(target=serve, args=(mailbox, answering, self), kwargs={"crashes": crashes})
            for mailbox, answering in ((self.desk.main, handlers), (self.desk.ahead, ahead))
        ]
        for thread in self.threads:
            thread.start()

    def tell(self, answer: Answer) -> None:
        with self._news:
            self.told.append(answer)
            self._news.notify_all()

    def outcome(self, name: str) -> Answer:
        """The last answer to a request, once it is there."""
        return self.heard(lambda one: one.id == name and isinstance(one, Done | Refused | Dropped))

    def heard(self, which: Callable[[Answer], bool]) -> Answer:
        with self._news:
            assert self._news.wait_for(lambda: any(which(one) for one in self.told), timeout=120)
            return next(one for one in self.told if which(one))

    def ask(self, request: Any) -> Answer:
        self.desk.put(request)
        return self.outcome(request.id)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path / "crashes")
    yield made
    made.desk.close()
    for thread in made.threads:
        thread.join(30)
        assert not thread.is_alive()
    assert not list(tmp_path.glob("crashes/*"))


class Slow:
    """Encoders that take as long as they are told to, and say what they look at."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.allowed = threading.Event()
        self.begun: list[str] = []
        self.done: list[str] = []
        self.steps = 0
        real = WarmModel.encode

        def encode(model: WarmModel, picture: Any, base: str, adapter: Any, hashes: Any, between: Any) -> Any:
            name = str(picture.getpixel((0, 0)))
            self.begun.append(name)
            while not self.allowed.is_set():
                between(1, 9)
                self.steps += 1
                time.sleep(0.01)
            found = real(model, picture, base, adapter, hashes, between)
            self.done.append(name)
            return found

        patch.setattr(WarmModel, "encode", encode)

    def wait_for(self, count: int) -> None:
        """Until so many have begun."""
        until = time.monotonic() + 60
        while len(self.begun) < count:
            assert time.monotonic() < until
            time.sleep(0.01)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    return Slow(monkeypatch)


def about(tiny: Path, picture: str, name: str, **other: Any) -> dict[str, Any]:
    return {"id": name, "model": SegmentModel(base=f"file:{tiny}"), "picture": picture, **other}


def test_masks_come_over_the_pipes_as_the_predictor_gives_them(tiny: Path, pictures: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; from engines.serve import worker; worker._fetch_libraries = lambda: None; sys.exit(worker.main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=checkout(),
        env=child_environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def ask(request: Any) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(encode(request))
        process.stdin.flush()
        while True:
            answer = ANSWERS.validate_json(process.stdout.readline())
            if answer.id == request.id and not isinstance(answer, Working):
                assert isinstance(answer, Done), answer
                return answer.data

    cache = str(tmp_path / "cache")
    opened = {"width": WIDTH, "height": HEIGHT, "classes": []}
    assert ask(OpenPicture(**about(tiny, pictures[0], "o", cache=cache))) == {**opened, "cached": False}
    assert ask(OpenAhead(**about(tiny, pictures[1], "a", cache=cache))) == {**opened, "cached": False}
    assert ask(OpenPicture(**about(tiny, pictures[1], "p", cache=cache))) == {**opened, "cached": True}
    clicks = (Click(x=40, y=30), Click(x=120, y=80, inside=False))
    (found,) = ask(AskMask(**about(tiny, pictures[0], "m", cache=cache, clicks=clicks)))["candidates"]
    assert len(ask(AskMask(**about(tiny, pictures[0], "n", clicks=clicks[:1])))["candidates"]) == 3
    assert len(ask(AskMask(**about(tiny, pictures[0], "h", clicks=clicks[:1], hover=True)))["candidates"]) == 1
    assert isinstance(ask(FindObjects(**about(tiny, pictures[0], "f", points_per_side=2)))["regions"], list)
    ask(Release(id="r"))
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    process.stdout.close()

    sam = build_sam(TINY)
    sam.load_state_dict(open_tiny(tiny).network.state_dict())
    predictor = SamPredictor(sam.eval())
    predictor.set_image(np.asarray(Image.open(pictures[0])))
    places, labels = np.array([[40.0, 30.0], [120.0, 80.0]]), np.array([1, 0])
    logits, scores, _ = predictor.predict(places, labels, multimask_output=False, return_logits=True)
    mask = Mask.from_text(found["counts"], WIDTH, HEIGHT)
    clear = np.abs(logits[0]) > 1e-3
    assert (mask.array() == (logits[0] > 0))[clear].all()
    assert found["score"] == pytest.approx(float(scores[0]), abs=1e-3)
    assert found["area"] == mask.area
    assert tuple(found["box"]) == mask.box


def test_an_adapters_classes_are_found(worker: Worker, tiny: Path, pictures: list[str], tmp_path: Path) -> None:
    adapter = write_adapter(tiny, tmp_path / "a.safetensors", "decoder")
    model = SegmentModel(base=f"file:{tiny}", adapter=str(adapter))
    request = FindObjects(**{**about(tiny, pictures[0], "f", classes=True), "model": model})
    answer = worker.ask(request)
    assert isinstance(answer, Done)
    regions = answer.data["regions"]
    assert isinstance(regions, list)
    assert {one["label"] for one in regions} <= {0, 1}
    for one in regions:
        assert Mask.from_text(one["counts"], WIDTH, HEIGHT).area == one["area"] > 0
    opened = worker.ask(OpenPicture(**{**about(tiny, pictures[0], "o"), "model": model}))
    assert isinstance(opened, Done)
    assert opened.data["classes"] == ["leaf", "a bird"]


def test_what_cannot_be_answered_is_refused_in_words(
    worker: Worker, tiny: Path, pictures: list[str], tmp_path: Path
) -> None:
    base = f"file:{tiny}"
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"rubbish" * 9)
    other = write_adapter(write_tiny(tmp_path, seed=4), tmp_path / "other.safetensors")
    huge = tmp_path / "huge.png"
    data = bytearray(Path(pictures[0]).read_bytes())
    data[16:24] = (20_000).to_bytes(4, "big") * 2  # what it says of its size
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    huge.write_bytes(data)
    click = {"clicks": (Click(x=1, y=1),)}
    wishes: list[tuple[dict[str, Any], str]] = [
        ({"picture": str(tmp_path / "none.png")}, "cannot be read"),
        ({"picture": "relative.png"}, "named in full"),
        ({"picture": str(damaged)}, "picture"),
        ({"picture": str(huge)}, "too large"),
        ({"model": SegmentModel(base=base, adapter=str(damaged))}, "damaged"),
        ({"model": SegmentModel(base=base, adapter=str(other))}, "another model"),
        ({"model": SegmentModel(base=base, adapter=str(tmp_path / "none.safetensors"))}, "cannot be read"),
        ({"model": SegmentModel(base=f"file:{damaged}")}, "model"),
        ({"model": SegmentModel(base="hub:somebody/sam")}, "unknown way"),
        ({"clicks": ()}, "Nothing was pointed at"),
    ]
    for number, (change, words) in enumerate(wishes):
        answer = worker.ask(AskMask(**{**about(tiny, pictures[0], str(number)), **click, **change}))
        assert isinstance(answer, Refused), change
        assert words in f"{answer.title}. {answer.what}", answer
    assert isinstance(worker.ask(AskMask(**about(tiny, pictures[0], "last"), **click)), Done)


def test_the_latest_picture_wins(worker: Worker, tiny: Path, pictures: list[str], slow: Slow) -> None:
    worker.desk.put(OpenPicture(**about(tiny, pictures[0], "first")))
    slow.wait_for(1)
    worker.desk.put(OpenPicture(**about(tiny, pictures[1], "second")))
    assert isinstance(worker.outcome("first"), Dropped)
    worker.desk.put(Cancel(id="c", target="second"))
    assert isinstance(worker.outcome("second"), Dropped)
    slow.allowed.set()
    assert isinstance(worker.ask(OpenPicture(**about(tiny, pictures[2], "third"))), Done)
    working = [one for one in worker.told if isinstance(one, Working) and one.total]
    assert {one.text for one in working} == {"Looking at the picture"}


def test_what_is_done_ahead_stands_still_while_clicks_are_answered(
    worker: Worker, tiny: Path, pictures: list[str], slow: Slow
) -> None:
    slow.allowed.set()
    assert isinstance(worker.ask(OpenPicture(**about(tiny, pictures[0], "o"))), Done)
    slow.allowed.clear()
    worker.desk.put(OpenAhead(**about(tiny, pictures[1], "ahead")))
    slow.wait_for(2)
    for number in range(5):  # the picture in view is at hand, so nobody needs the model
        request = AskMask(**about(tiny, pictures[0], str(number)), clicks=(Click(x=40, y=30),))
        assert isinstance(worker.ask(request), Done)
    assert not any(one.id == "ahead" for one in worker.told)
    slow.allowed.set()
    assert isinstance(worker.outcome("ahead"), Done)
    opened = worker.ask(OpenPicture(**about(tiny, pictures[1], "next")))
    assert isinstance(opened, Done)
    assert opened.data["cached"]
    assert len(slow.begun) == len(slow.done) == 2


def test_while_something_is_at_work_nothing_is_done_ahead(
    worker: Worker, tiny: Path, pictures: list[str], slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.desk.put(OpenAhead(**about(tiny, pictures[1], "ahead")))
    slow.wait_for(1)
    at_work, go_on = threading.Event(), threading.Event()

    def inspect(_path: Path) -> None:
        at_work.set()
        go_on.wait(60)
        raise UserError("Enough")

    monkeypatch.setattr("engines.launch.adapter_info.describe", inspect)
    worker.desk.put(Inspect(id="i", file="x"))
    assert at_work.wait(60)
    time.sleep(0.1)
    before = slow.steps
    time.sleep(0.2)
    assert slow.steps <= before + 1
    go_on.set()
    worker.outcome("i")
    slow.allowed.set()
    assert isinstance(worker.outcome("ahead"), Done)


def test_a_picture_that_is_needed_now_is_hurried_or_comes_first(
    worker: Worker, tiny: Path, pictures: list[str], slow: Slow
) -> None:
    worker.desk.put(OpenAhead(**about(tiny, pictures[0], "same")))
    slow.wait_for(1)
    worker.desk.put(OpenPicture(**about(tiny, pictures[0], "now")))
    time.sleep(0.2)
    before = slow.steps
    time.sleep(0.1)
    assert slow.steps > before  # it goes on, though a request waits
    slow.allowed.set()
    for name, cached in (("same", False), ("now", True)):
        answer = worker.outcome(name)
        assert isinstance(answer, Done)
        assert answer.data["cached"] is cached
    slow.allowed.clear()
    worker.desk.put(OpenAhead(**about(tiny, pictures[1], "other")))
    slow.wait_for(2)
    worker.desk.put(OpenPicture(**about(tiny, pictures[2], "urgent")))
    assert isinstance(worker.outcome("other"), Dropped)
    slow.allowed.set()
    assert isinstance(worker.outcome("urgent"), Done)


def test_memory_is_given_back_even_while_looking_ahead(
    worker: Worker, tiny: Path, pictures: list[str], slow: Slow
) -> None:
    worker.desk.put(OpenAhead(**about(tiny, pictures[0], "ahead")))
    slow.wait_for(1)
    assert isinstance(worker.ask(Release(id="r")), Done)
    assert isinstance(worker.outcome("ahead"), Dropped)
    assert [one for one in worker.told if one.id == "r"] == [Done(id="r")]
    slow.allowed.set()
    opened = worker.ask(OpenPicture(**about(tiny, pictures[0], "again")))
    assert isinstance(opened, Done)
    assert not opened.data["cached"]


def test_a_bug_does_not_wait_for_what_is_done_ahead(
    worker: Worker, tiny: Path, pictures: list[str], slow: Slow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    worker.desk.put(OpenAhead(**about(tiny, pictures[0], "ahead")))
    slow.wait_for(1)
    monkeypatch.setattr("engines.launch.adapter_info.describe", lambda _path: {}["no such key"])
    assert isinstance(worker.ask(Inspect(id="i", file="x")), Refused)
    assert isinstance(worker.outcome("ahead"), Dropped)
    (report,) = tmp_path.glob("crashes/*")
    report.unlink()
    slow.allowed.set()
    assert isinstance(worker.ask(OpenPicture(**about(tiny, pictures[0], "again"))), Done)
