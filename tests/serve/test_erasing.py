"""What the worker answers about erasing: words near a target, and erasers measured on the warm base, which gives way when it is asked to."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.api.erase_job import CheckSettings
from engines.api.erase_report import EraseReport
from engines.api.erase_requests import MeasureErasers, SuggestWords
from engines.api.requests import REQUESTS, Answer, Picture, Working
from engines.api.uses import AdapterUse
from engines.diffusion.exchange import write_adapter
from engines.diffusion.generate import Generator
from engines.launch.erase_plan import erasures
from engines.serve import erasing
from engines.serve.mailbox import Unwanted
from tests.diffusion.erasing import stirred
from tests.diffusion.support import CPU, open_tiny


@pytest.fixture
def generator(tiny_sd: Path) -> Generator:
    made = Generator(CPU)
    made.open(f"file:{tiny_sd}")
    return made


def never() -> None:
    """Nobody wants anything else."""


def measuring(tiny: Path, folder: Path) -> MeasureErasers:
    file = folder / "eraser.safetensors"
    write_adapter(stirred(open_tiny(tiny), "spm"), file)
    request = MeasureErasers(
        id="m",
        base=f"file:{tiny}",
        erasers=(AdapterUse(file=str(file), weight=0.5, off=("red hat",)),),
        targets=erasures(["dog"]),
        keep=("bird",),
        check=CheckSettings(prompts=1, pictures=1, words=0, steps=2),
        folder=str(folder),
    )
    assert REQUESTS.validate_json(request.model_dump_json()) == request
    return request


def test_words_near_a_target_are_told(generator: Generator, tmp_path: Path) -> None:
    told: list[Answer] = []
    request = SuggestWords(id="s", base="x", target="dog", count=3)
    done = erasing.answer(request, generator, tmp_path, tell=told.append, check=never)
    assert done.data["target"] == "dog"
    assert isinstance(done.data["pieces"], int)
    assert done.data["pieces"] >= 1
    assert told == []


def test_erasers_are_measured_with_some_of_their_concepts_off(
    generator: Generator, tiny_sd: Path, tmp_path: Path
) -> None:
    told: list[Answer] = []
    done = erasing.answer(measuring(tiny_sd, tmp_path), generator, tmp_path / "out", tell=told.append, check=never)
    report = EraseReport.model_validate(done.data)
    assert [row.word for row in report.rows] == ["dog", "bird"]
    shown = [one for one in told if isinstance(one, Picture)]
    assert [one.column for one in shown] == [0, 0, 1, 1]
    assert all(Path(one.file).is_file() for one in shown)
    assert any(isinstance(one, Working) and one.total for one in told)


def test_it_gives_way_and_leaves_no_report(generator: Generator, tiny_sd: Path, tmp_path: Path) -> None:
    def unwanted() -> None:
        raise Unwanted

    with pytest.raises(Unwanted):
        erasing.answer(
            measuring(tiny_sd, tmp_path), generator, tmp_path / "out", tell=lambda _answer: None, check=unwanted
        )
    assert not list((tmp_path / "out").glob("report.json"))
