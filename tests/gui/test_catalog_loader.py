"""What is on offer: asked of the engines once, kept for as long as the code stays the same, and its failure told in words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gui.views.train.base_model import base_problem, base_title
from gui.workers.catalog import CatalogLoader
from tests.gui.stage import catalog


def answering(tmp_path: Path, text: str, *, errors: str = "") -> list[str]:
    """A command that prints `text`, and counts how often it was run."""
    (tmp_path / "answer").write_text(text, encoding="utf-8")
    script = tmp_path / "describe.py"
    script.write_text(
        "import pathlib, sys\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "(here / 'runs').open('a').write('x')\n"
        f"sys.stderr.write({errors!r})\n"
        "sys.stdout.write((here / 'answer').read_text())\n"
    )
    return [sys.executable, str(script)]


def test_it_is_asked_once_and_kept(tmp_path, qtbot):
    command = answering(tmp_path, catalog().model_dump_json())
    first = CatalogLoader(command)
    with qtbot.waitSignal(first.loaded, timeout=20_000):
        first.load()
        first.load()
    assert first.method("lora").title == "LoRA"
    assert first.method("unheard of") is None
    second = CatalogLoader(command)
    second.load()
    assert second.catalog == first.catalog
    assert (tmp_path / "runs").read_text() == "x"


@pytest.mark.parametrize("text", ["", "{}", "no json"])
def test_a_bad_answer_is_told_with_the_last_words_and_may_be_asked_again(tmp_path, qtbot, text):
    loader = CatalogLoader(answering(tmp_path, text, errors="first line\nthe library is missing"))
    for _ in range(2):
        with qtbot.waitSignal(loader.failed, timeout=20_000) as failed:
            loader.load()
        assert failed.args == ["the library is missing"]
    assert loader.catalog is None


def test_a_program_that_cannot_start_is_told_too(tmp_path, qtbot):
    loader = CatalogLoader([str(tmp_path / "nothing")])
    with qtbot.waitSignal(loader.failed, timeout=20_000):
        loader.load()


def test_bases_are_checked_before_they_are_used(tmp_path):
    (tmp_path / "model_index.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("")
    assert base_problem("starter") == ""
    assert base_problem("hub:owner/name@main") == ""
    assert base_problem(f"file:{tmp_path}") == ""
    assert "owner/name" in base_problem("hub:just a name")
    assert "no such" in base_problem("file:relative/path")
    assert "ends in" in base_problem(f"file:{tmp_path / 'notes.txt'}")
    assert base_title(f"file:{tmp_path}") == tmp_path.name
