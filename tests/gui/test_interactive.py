"""The interactive worker as the window sees it, with a small stand-in process that speaks the same lines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engines.api.requests import Answer, Generate, Inspect
from engines.launch.local import child_environment
from engines.launch.serving import ServeCommand
from gui.workers.interactive import Interactive, new_id

STAND_IN = """
import json, sys
deaths = sys.argv[1]
def say(**answer):
    print(json.dumps(answer), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if request["type"] == "generate" and request["prompts"][0] == "hang":
        say(type="working", id=request["id"], text="thinking", done=1, total=3)
    elif request["type"] == "generate" and request["prompts"][0].startswith("die"):
        sys.stderr.write("the floor gave way\\n")
        sys.stderr.flush()
        if request["prompts"][0] == "die once":
            import os
            if os.path.exists(deaths):
                say(type="done", id=request["id"], data={"survived": True})
                continue
            open(deaths, "w").close()
        sys.exit(3)
    elif request["type"] == "cancel":
        pass
    else:
        print("a stray print that is no answer", flush=True)
        say(type="done", id=request["id"], data={"kind": request["type"]})
"""


def command(program: str, *arguments: str) -> ServeCommand:
    return ServeCommand(program, arguments, Path.cwd(), child_environment())


@pytest.fixture
def worker(tmp_path: Path, qtbot):
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    made = Interactive(command(sys.executable, str(script), str(tmp_path / "died")))
    yield made
    made.stop()


def generate(prompt: str) -> Generate:
    return Generate(id=new_id("generate"), prompts=(prompt,), seeds=(1,), folder="/nowhere")


def test_it_starts_on_first_need_and_answers(worker, qtbot):
    heard: list[Answer] = []
    assert worker.state == "resting"
    worker.request(Inspect(id="a", file="x"), heard.append)
    assert worker.state == "working"
    qtbot.waitUntil(lambda: bool(heard), timeout=8000)
    assert [(answer.type, answer.id) for answer in heard] == [("done", "a")]
    qtbot.waitUntil(lambda: worker.state == "ready", timeout=1000)


def test_the_latest_of_a_kind_wins_and_others_are_left_alone(worker, qtbot):
    first: list[Answer] = []
    second: list[Answer] = []
    other: list[Answer] = []
    worker.request(generate("hang"), first.append)
    worker.request(Inspect(id="i", file="x"), other.append)
    worker.request(generate("fine"), second.append)
    assert [answer.type for answer in first] == ["dropped"]
    qtbot.waitUntil(lambda: bool(second) and bool(other), timeout=8000)
    assert second[-1].type == "done"
    assert other[-1].type == "done"
    assert len(first) == 1


def test_cancel_answers_at_once_and_late_answers_are_ignored(worker, qtbot):
    heard: list[Answer] = []
    request = generate("hang")
    worker.request(request, heard.append)
    qtbot.waitUntil(lambda: [a.type for a in heard] == ["working"], timeout=8000)
    worker.cancel(request.id)
    assert [a.type for a in heard] == ["working", "dropped"]
    assert not worker.busy


def test_a_request_it_died_over_is_sent_once_more(worker, qtbot):
    heard: list[Answer] = []
    worker.request(generate("die once"), heard.append)
    qtbot.waitUntil(lambda: bool(heard), timeout=15000)
    assert heard[-1].type == "done"
    assert heard[-1].data == {"survived": True}


def test_a_request_that_kills_it_twice_is_refused_with_its_last_words(worker, qtbot):
    heard: list[Answer] = []
    worker.request(generate("die"), heard.append)
    qtbot.waitUntil(lambda: bool(heard), timeout=15000)
    assert [a.type for a in heard] == ["refused"]
    assert "the floor gave way" in heard[0].what
    later: list[Answer] = []
    worker.request(Inspect(id="later", file="x"), later.append)
    qtbot.waitUntil(lambda: bool(later), timeout=15000)
    assert later[-1].type == "done"


def test_a_program_that_cannot_start_is_refused_not_hung(qtbot, tmp_path):
    worker = Interactive(command(str(tmp_path / "no such program")))
    heard: list[Answer] = []
    worker.request(generate("x"), heard.append)
    qtbot.waitUntil(lambda: bool(heard), timeout=15000)
    assert heard[0].type == "refused"
    worker.stop()


def test_release_without_a_worker_goes_on_at_once_and_stop_drops_what_waits(worker, qtbot):
    done: list[bool] = []
    worker.release(lambda: done.append(True))
    assert done == [True]
    heard: list[Answer] = []
    worker.request(generate("hang"), heard.append)
    qtbot.waitUntil(lambda: len(heard) == 1, timeout=8000)
    worker.stop()
    assert heard[-1].type == "dropped"
    assert worker.state == "resting"
