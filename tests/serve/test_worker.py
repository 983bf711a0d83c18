"""The interactive worker as the window sees it: lines in, lines out, nothing ends it but the end of its input."""

from __future__ import annotations

import io
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engines.api.errors import UserError
from engines.api.requests import (
    ANSWERS,
    Answer,
    Cancel,
    Compare,
    Done,
    Dropped,
    Export,
    Generate,
    Inspect,
    Picture,
    Refused,
    Release,
    Working,
)
from engines.api.uses import AdapterUse
from engines.launch.local import checkout, child_environment
from engines.launch.serving import encode
from engines.serve.handlers import Handlers, captions_beside
from engines.serve.mailbox import Mailbox
from engines.serve.pipes import Speaker, read_requests
from engines.serve.worker import serve


class Ears:
    """Stands in for the pipe: collects answers."""

    def __init__(self) -> None:
        self.heard: queue.Queue[Answer] = queue.Queue()

    def tell(self, answer: Answer) -> None:
        self.heard.put(answer)

    def until_answered(self, name: str) -> list[Answer]:
        answers: list[Answer] = []
        while True:
            answer = self.heard.get(timeout=120)
            if answer.id == name:
                answers.append(answer)
                if isinstance(answer, Done | Refused | Dropped):
                    return answers


class Served:
    """The worker's loop in a thread of this process."""

    def __init__(self, handlers: type[Handlers], crashes: Path) -> None:
        self.ears = Ears()
        self.mailbox = Mailbox(self.ears.tell)
        made = handlers(self.ears.tell, self.mailbox.unwanted)
        arguments = (self.mailbox, made, self.ears)
        self.thread = threading.Thread(target=serve, args=arguments, kwargs={"crashes": crashes})
        self.thread.start()

    def ask(self, request: Any) -> list[Answer]:
        self.mailbox.put(request)
        return self.ears.until_answered(request.id)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    worker = Served(Handlers, tmp_path / "crashes")
    yield worker
    worker.mailbox.close()
    worker.thread.join(30)
    assert not worker.thread.is_alive()


def read_size(file: str) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


def wish(base: Path, folder: Path, name: str = "g", **other: Any) -> Generate:
    values = {"prompts": ("a bear", "a cat"), "seeds": (1, 2), "steps": 2, **other}
    return Generate(id=name, base=f"file:{base}", folder=str(folder), **values)


def test_pictures_are_made_for_every_prompt_and_seed(served: Served, tiny_sd: Path, tmp_path: Path) -> None:
    answers = served.ask(wish(tiny_sd, tmp_path / "out"))
    pictures = [answer for answer in answers if isinstance(answer, Picture)]
    assert [(one.prompt, one.seed) for one in pictures] == [("a bear", 1), ("a bear", 2), ("a cat", 1), ("a cat", 2)]
    assert all(read_size(one.file) == (32, 32) for one in pictures)
    assert any(isinstance(answer, Working) and answer.total for answer in answers)
    assert isinstance(answers[-1], Done)
    again = served.ask(wish(tiny_sd, tmp_path / "again", "g2"))
    first, second = pictures[0].file, next(one.file for one in again if isinstance(one, Picture))
    assert Path(first).read_bytes() == Path(second).read_bytes()
    assert isinstance(served.ask(Release(id="r"))[-1], Done)


def test_a_newer_request_ends_the_older_between_steps(served: Served, tiny_sd: Path, tmp_path: Path) -> None:
    served.mailbox.put(wish(tiny_sd, tmp_path / "long", "long", steps=200, seeds=tuple(range(20))))
    while True:
        answer = served.ears.heard.get(timeout=120)
        if isinstance(answer, Working) and answer.text == "Making pictures":
            break
    begun = time.monotonic()
    served.mailbox.put(wish(tiny_sd, tmp_path / "short", "short"))
    assert isinstance(served.ears.until_answered("long")[-1], Dropped)
    assert time.monotonic() - begun < 10
    assert isinstance(served.ears.until_answered("short")[-1], Done)


def test_what_cannot_be_done_is_refused_in_words_and_the_worker_goes_on(
    served: Served, tiny_sd: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "bad.safetensors"
    damaged.write_bytes(b"rubbish")
    for request in (
        Inspect(id="1", file=str(tmp_path / "nowhere.safetensors")),
        Inspect(id="2", file=str(damaged)),
        wish(tmp_path / "no-base", tmp_path / "out", "3"),
        wish(tiny_sd, tmp_path / "out", "4", adapters=(AdapterUse(file=str(damaged)),)),
        wish(tiny_sd, Path("relative"), "5"),
        wish(tiny_sd, tmp_path, "6", prompts=()),
        Export(id="7", file=str(damaged), target=str(tmp_path / "x.safetensors"), format="kohya"),
        Compare(
            id="8",
            base=f"file:{tiny_sd}",
            adapters=(AdapterUse(file=str(damaged)),),
            labels=("bad",),
            prompts=("a",),
            seeds=(1,),
            folder=str(tmp_path / "c"),
        ),
    ):
        (refused,) = [answer for answer in served.ask(request) if isinstance(answer, Refused)]
        assert refused.title
    assert not (tmp_path / "crashes").exists()
    assert isinstance(served.ask(wish(tiny_sd, tmp_path / "out", "9"))[-1], Done)


class Clumsy(Handlers):
    """Goes wrong in unexpected ways."""

    def answer(self, request: Any) -> Done:
        if request.id == "bug":
            raise KeyError("latents")
        if request.id == "words":
            raise UserError("No", "Not today.", "Tomorrow.")
        if request.id == "memory":
            raise MemoryError
        return Done(id=request.id)


def test_a_bug_is_refused_with_a_report_and_the_worker_goes_on(tmp_path: Path) -> None:
    worker = Served(Clumsy, tmp_path / "crashes")
    (refused,) = worker.ask(Release(id="bug"))
    assert isinstance(refused, Refused)
    (report,) = (tmp_path / "crashes").iterdir()
    assert str(report) in refused.hint
    assert "KeyError" in report.read_text()
    assert worker.ask(Release(id="words")) == [Refused(id="words", title="No", what="Not today.", hint="Tomorrow.")]
    (short,) = worker.ask(Release(id="memory"))
    assert isinstance(short, Refused)
    assert "memory" in short.title
    assert worker.ask(Release(id="fine")) == [Done(id="fine")]
    worker.mailbox.close()
    worker.thread.join(10)


def test_lines_that_are_no_requests_are_refused() -> None:
    lines = [b"", b"hello", b'{"type":"dance","id":"d"}', b'{"type":"inspect","id":"i"}', b"[" * 10_000, b"\xff\xfe"]
    stream = io.BytesIO(b"\n".join(lines) + b"\n" + encode(Cancel(id="c", target="x")))
    taken: list[Any] = []
    told: list[Any] = []
    read_requests(stream, put=taken.append, tell=told.append)
    assert taken == [Cancel(id="c", target="x")]
    assert [answer.id for answer in told] == ["", "d", "i", "", ""]


def test_answers_are_lines_and_a_pipe_nobody_reads_any_more_is_no_failure() -> None:
    reader, writer = os.pipe()
    speaker = Speaker(writer)
    speaker.tell(Done(id="1"))
    assert os.read(reader, 4096) == Done(id="1").model_dump_json().encode() + b"\n"
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"x")
    speaker.tell(Done(id="2"))
    assert not speaker._lock.locked()  # other threads speak on
    os.close(writer)


def test_captions_are_found_beside_an_adapter(tmp_path: Path) -> None:
    from engines.launch.folder import create_run
    from tests.launch.samples import a_job, an_image

    run = create_run(tmp_path, a_job(), [an_image(), an_image("images/b.png")])
    assert captions_beside(run / "adapter.safetensors") == {"a photo of sks": 2}
    assert captions_beside(run / "checkpoints" / "step-000010" / "adapter.safetensors") == {"a photo of sks": 2}
    assert captions_beside(tmp_path / "adapter.safetensors") == {}


def test_the_process_answers_at_once_keeps_its_output_clean_and_ends_with_its_input(tmp_path: Path) -> None:
    code = (
        "import sys; from engines.serve import worker, handlers\n"
        "class Loud(handlers.Handlers):\n"
        "    def answer(self, request):\n"
        "        import os; print('printed'); os.write(1, b'raw'); os.system('echo child')\n"
        "        assert 'torch' not in sys.modules\n"
        "        return super().answer(request)\n"
        "worker.Handlers = Loud; worker._fetch_libraries = lambda: None\n"
        "sys.exit(worker.main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=checkout(),
        env=child_environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(encode(Inspect(id="1", file=str(tmp_path / "nowhere"))))
    process.stdin.flush()
    answer = ANSWERS.validate_json(process.stdout.readline())
    assert isinstance(answer, Refused)
    begun = time.monotonic()
    out, errors = process.communicate(timeout=20)
    assert time.monotonic() - begun < 5
    assert process.returncode == 0
    assert out == b""
    for word in (b"printed", b"raw", b"child"):
        assert word in errors
