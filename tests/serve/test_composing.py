"""The worker composes and merges: previews first, a newer request ends an older one, what cannot be done is refused in words."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from engines.api.compose import Compose, Merge
from engines.api.errors import UserError
from engines.api.requests import ANSWERS, REQUESTS, Answer, Picture, Working
from engines.diffusion.exchange import read_adapter
from engines.serve.handlers import Handlers
from engines.serve.mailbox import Unwanted
from tests.diffusion.composing import opened, pair


class Worker:
    """Handlers whose answers are kept; `ended` makes the request at work give way."""

    def __init__(self) -> None:
        self.told: list[Answer] = []
        self.ended = threading.Event()
        self.handlers = Handlers(self.told.append, self.ended.is_set)


def asked(tiny: Path, folder: Path, strategy: str = "regions", **other: object) -> Compose:
    composition = pair(tiny, opened(tiny), folder, strategy)
    request = Compose(id="c", composition=composition, folder=str(folder / "out"), **{"seeds": (1, 2), **other})
    assert REQUESTS.validate_json(request.model_dump_json()) == request
    return request


def test_previews_come_first_and_every_picture_is_told(tiny_sd: Path, tmp_path: Path) -> None:
    worker = Worker()
    done = worker.handlers.answer(asked(tiny_sd, tmp_path, beside=True, preview_steps=1))
    pictures = [one for one in worker.told if isinstance(one, Picture)]
    assert [(one.seed, one.column, one.preview) for one in pictures] == [
        (1, 1, True), (2, 1, True), (1, 1, False), (2, 1, False), (1, 0, False), (2, 0, False)
    ]  # fmt: skip
    assert all(Path(one.file).is_file() for one in pictures)
    assert [one["seed"] for one in done.data["pictures"]] == [1, 2, 1, 2]
    recipe = json.loads(Path(done.data["recipe"]).read_text(encoding="utf-8"))
    assert recipe["seeds"] == [1, 2]
    assert ANSWERS.validate_json(done.model_dump_json()) == done


def test_it_gives_way_between_steps_and_works_on_afterwards(tiny_sd: Path, tmp_path: Path) -> None:
    worker = Worker()
    request = asked(tiny_sd, tmp_path)

    def stop(answer: Answer) -> None:
        if isinstance(answer, Working) and answer.text == "Composing":
            worker.ended.set()

    worker.handlers = Handlers(stop, worker.ended.is_set)
    with pytest.raises(Unwanted):
        worker.handlers.answer(request)
    assert not list((tmp_path / "out").glob("*.png"))
    worker.ended.clear()
    worker.handlers._tell = worker.told.append
    assert len(worker.handlers.answer(request).data["pictures"]) == 2


def test_what_cannot_be_done_is_refused_before_anything_is_loaded(tiny_sd: Path, tmp_path: Path) -> None:
    request = asked(tiny_sd, tmp_path)
    boxless = tuple(one.model_copy(update={"box": None}) for one in request.composition.concepts)
    worker = Worker()
    with pytest.raises(UserError, match="a painted place"):
        worker.handlers.answer(
            request.model_copy(update={"composition": request.composition.model_copy(update={"concepts": boxless})})
        )
    assert worker.told == []


def test_adapters_become_one_by_a_rule_that_looks_at_the_base(tiny_sd: Path, tmp_path: Path) -> None:
    composition = asked(tiny_sd, tmp_path).composition
    uses = tuple(one.adapter for one in composition.concepts)
    request = Merge(
        id="m", adapters=uses, rule="fusion", base=composition.base, target=str(tmp_path / "one.safetensors")
    )
    done = Worker().handlers.answer(request)
    assert (done.data["rank"], done.data["exact"], done.data["error"]) == (8, True, 0.0)
    assert read_adapter(tmp_path / "one.safetensors").common_rank == 8
