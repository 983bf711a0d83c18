"""The benches of speed: random weights of any layout open everywhere, both loops take turns on them, switching is measured."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from engines.api.errors import JobError, UserError
from engines.api.places import samples
from engines.bench import _full_size, _random_base, runner, switch, teach
from engines.bench._plain_loop import PlainLoop, PlainSettings
from engines.bench._turn import Report, Turn, ours, peak_bytes, plain
from engines.bench._worker_loop import RANK, examples_of
from engines.bench.table import Bench
from engines.core.devices import pick
from engines.diffusion.backbones import open_base

CPU = torch.device("cpu")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return teach.camera_photos(samples() / teach.SUBJECT, tmp_path / "pictures" / teach.SUBJECT, (32, 32))


def random_base(tiny: Path, root: Path, dtype: torch.dtype = torch.float32) -> Path:
    """A folder with the tiny one's layout and weights of its own."""
    layout = Path(shutil.copytree(tiny, root / "layout", ignore=shutil.ignore_patterns("*.safetensors")))
    return _random_base.write(layout, root / "base", CPU, dtype)


@pytest.mark.parametrize("larger", [False, True])
def test_random_weights_open_like_any_base(larger: bool, tiny_sd: Path, tiny_sdxl: Path, tmp_path: Path) -> None:
    tiny = tiny_sdxl if larger else tiny_sd
    base = open_base(f"file:{random_base(tiny, tmp_path, torch.bfloat16)}", pick("cpu"))
    known = open_base(f"file:{tiny}", pick("cpu"))
    assert base.info.parameters == known.info.parameters
    assert base.info.base_hash != known.info.base_hash
    assert torch.get_default_dtype() == torch.float32
    assert base.encode_prompts(["a dog"])["hidden"].shape == known.encode_prompts(["a dog"])["hidden"].shape


@pytest.mark.parametrize(
    "more", [{}, {"cached": True}, {"spare": True, "precision": "bf16"}], ids=["plain", "encoded once", "spared"]
)
@pytest.mark.parametrize("larger", [False, True])
def test_the_plain_loop_learns_on_both_families(
    larger: bool, more: dict[str, bool | str], tiny_sd: Path, tiny_sdxl: Path, pictures: Path, tmp_path: Path
) -> None:
    settings = PlainSettings(rank=4, batch=2, rate=1e-2, gamma=5.0, edge=32, clip=1.0, **more)
    loop = PlainLoop(tiny_sdxl if larger else tiny_sd, examples_of(pictures), settings, CPU)
    before = [parameter.clone() for parameter in loop._trained]
    assert loop.run(2) > 0
    assert all(parameter.dtype == torch.float32 for parameter in loop._trained)
    assert any(not torch.equal(old, new) for old, new in zip(before, loop._trained, strict=True))
    assert loop.optimiser_bytes >= 8 * loop.trained_count
    assert loop.save(tmp_path / "saved").stat().st_size > 4 * loop.trained_count


def test_both_loops_report_alike_and_half_the_numbers_take_half_the_memory(
    tiny_sd: Path, pictures: Path, tmp_path: Path
) -> None:
    def turn(loop: str, method: str = "lora") -> Turn:
        return Turn(loop, str(tiny_sd), str(pictures), str(tmp_path / loop), steps=6, method=method, batch=1)

    theirs, lora, orthogonal = plain(turn("plain")), ours(turn("ours")), ours(turn("ours", "orthogonal"))
    assert theirs.learned == lora.learned > orthogonal.learned
    assert theirs.optimiser == lora.optimiser
    assert orthogonal.optimiser / lora.optimiser == pytest.approx(orthogonal.learned / lora.learned, rel=0.05)
    assert abs(theirs.file - lora.file) < 20_000
    assert all(report.pace > 0 and report.peak > 10**8 for report in (theirs, lora, orthogonal))
    assert RANK == 8


def test_without_a_card_the_starter_stands_in_and_every_loop_takes_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Turn] = []

    def take(turn: Turn) -> Report:
        taken.append(turn)
        pace = {"plain": 1.0, "ours": 3.0}[turn.loop] * (1.2 if turn.method == "orthogonal" else 1.0)
        half = 2 if turn.method == "orthogonal" else 1
        return Report(pace, 10**9, 100 // half, 800 // half, 900, "cpu", "fp32")

    monkeypatch.setattr(_full_size, "take", take)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = teach.measure(Bench(quick=False, folder=tmp_path, say=lambda text: None, full_size=True))
    assert [turn.loop for turn in taken[:4]] == ["plain", "plain", "ours", "ours"]
    assert [turn.loop for turn in taken[4:8]] == ["ours", "ours", "plain", "plain"]
    assert {turn.batch for turn in taken} == {1}
    figures = {figure.name: figure for figure in result.figures}
    assert figures["full-size-starter-speed"].value == 3.0
    assert figures["full-size-starter-speed"].aim == 1.5
    assert figures["full-size-starter-orthogonal-optimiser"].value == 0.5
    assert len(result.tables[0].rows) == 4


def test_large_models_are_spared_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_full_size, "_prepared", lambda *_: (tmp_path, tmp_path))
    monkeypatch.setattr(
        _full_size, "take", lambda turn: Report(1.0, 9 * 10**9 if turn.spare else 14 * 10**9, 1, 1, 1, "cuda", "bf16")
    )
    xl = _full_size.LARGE[1]
    bench = Bench(quick=True, folder=tmp_path, say=lambda text: None, full_size=True)
    figures = {figure.name: figure for figure in _full_size._figures(xl, _full_size._contest(bench, xl))}
    assert figures["full-size-sdxl-memory"].value == 14.0
    assert (figures["full-size-sdxl-memory-spared"].value, figures["full-size-sdxl-memory-spared"].aim) == (9.0, 10.0)


def test_a_turn_that_fails_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="did not end well"):
        _full_size.take(Turn("plain", str(tmp_path / "none"), str(tmp_path), str(tmp_path), steps=1))


def test_only_benches_that_know_it_take_the_full_size() -> None:
    with pytest.raises(UserError, match="no full size") as caught:
        runner.run("switch", full_size=True)
    assert "teach" in caught.value.hint


def test_the_peak_is_not_less_than_what_is_held() -> None:
    held = torch.ones(2**24)
    assert peak_bytes() >= held.numel() * 4


def test_switching_is_measured(tmp_path: Path) -> None:
    result = switch.measure(Bench(quick=True, folder=tmp_path, say=lambda text: None))
    (figure,) = result.figures
    assert (figure.name, figure.aim, figure.better) == ("adapter-switch-ms", 50.0, "lower")
    assert [row[0] for row in result.tables[0].rows] == ["attach", "change the weight", "take another", "detach"]
    assert all(0 < row[1] <= row[2] for row in result.tables[0].rows)
