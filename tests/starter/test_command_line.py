"""The starter's command line offers what exists, and its table says plainly which floor was missed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from engines.api.errors import UserError
from engines.starter import build
from engines.starter import evaluate as measuring
from engines.starter.__main__ import app
from engines.starter.build import _replaced
from engines.starter.dataset import SPLITS, Split, render_split
from engines.starter.evaluate import Figure


def test_only_what_is_built_is_offered() -> None:
    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert names == {"render", "diffusion", "clip", "sam", "evaluate", "hard", "samples"}


@pytest.mark.parametrize(("value", "word", "code"), [(80.0, "holds", 0), (10.0, "SHORT", 1)])
def test_a_missed_floor_ends_with_an_error(tmp_path: Path, monkeypatch, value: float, word: str, code: int) -> None:
    figures = [Figure("shape", value, "%", 65, 90), Figure("pattern", 1.0, "%")]
    monkeypatch.setattr(measuring, "evaluate", lambda *_args, **_named: figures)
    result = CliRunner().invoke(app, ["evaluate", "--out", str(tmp_path), "--device", "cpu"])
    assert result.exit_code == code
    lines = (tmp_path / "table.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split()[-1] for line in lines] == [word, "holds"]
    assert lines[0] in result.output


def test_a_failed_build_leaves_the_old_model_alone(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_text("old", encoding="utf-8")
    with pytest.raises(OSError, match="disk"), _replaced(model) as fresh:  # noqa: PT012
        (fresh / "weights").write_text("half", encoding="utf-8")
        raise OSError("disk full")
    assert (model / "weights").read_text(encoding="utf-8") == "old"
    with _replaced(model) as fresh:
        (fresh / "weights").write_text("new", encoding="utf-8")
    assert (model / "weights").read_text(encoding="utf-8") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_world_of_another_size_is_refused_in_words(tmp_path: Path, monkeypatch) -> None:
    split = Split("held_views", 5, 2)
    monkeypatch.setitem(SPLITS, "held_views", split)
    monkeypatch.setattr(build, "render_world", lambda *_args, **_named: None)
    render_split(split, tmp_path / "world", size=32, workers=1)
    with pytest.raises(UserError, match="32 pixels, but 64"):
        build.build_clip(tmp_path, tmp_path / "clip", device=torch.device("cpu"), size=64)
