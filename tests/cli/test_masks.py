"""The verbs for masks: words, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.cli import main
from engines.cli.codes import EXPECTED, FINE, INTERRUPTED, USAGE


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with two pictures and a soft mask, an empty one, and one too many."""
    folder = tmp_path / "data"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number, mask in enumerate((np.tile(np.arange(0, 256, 4), (48, 1)), np.zeros((48, 64)), np.ones((48, 64)))):
        if number < 2:
            Image.effect_noise((64, 48), 40 + 30 * number).convert("RGB").save(folder / "images" / f"{number}.png")
        Image.fromarray(mask.astype(np.uint8)).save(folder / "masks" / f"{number}.png")
    return folder


@pytest.fixture
def root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A new project."""
    assert main(["new", str(tmp_path / "project")]) == FINE
    capsys.readouterr()
    return tmp_path / "project"


def _json(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    out = capsys.readouterr().out
    assert out.count("\n") == 1, f"more than one document: {out!r}"
    return json.loads(out)


def test_masks_come_in_and_go_out(root: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["masks", "import", str(root), str(data), "--label", "polyp", "--threshold", "0.25", "--json"]
    assert main([*words, "--format", "pairs"]) == FINE
    report = _json(capsys)
    assert (report["pictures"], report["labels"], report["regions"], report["cancelled"]) == (2, 1, 1, False)
    assert {(line["level"], line["file"]) for line in report["lines"] if line["level"] != "info"} == {
        ("warning", "0.png"),
        ("warning", "1.png"),
        ("error", "2.png"),
    }
    assert any("25%" in line["hint"] for line in report["lines"])

    out = tmp_path / "out"
    assert main(["masks", "export", str(root), str(out), "--polygons", "--tolerance", "0.5", "--json"]) == FINE
    document = _json(capsys)
    # An empty mask is a picture that was checked.
    assert (document["folder"], document["pictures"], document["regions"]) == (str(out), 2, 1)
    written = json.loads((out / "annotations.json").read_text())
    # From the column with a quarter of white on, which is 64 = 4 * 16.
    assert written["annotations"][0]["segmentation"] == [[16, 0, 64, 0, 64, 48, 16, 48]]


def test_the_report_is_words(root: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["masks", "import", str(root), str(data), "--format", "pairs"]) == FINE
    told = capsys.readouterr().out
    assert told.startswith("1 mask, 2 new pictures, 1 new label came in (")
    assert "!! 2.png: There is no picture for these marks." in told
    assert main(["masks", "export", str(root), str(tmp_path / "out"), "--format", "pairs"]) == FINE
    assert capsys.readouterr().out.startswith("Wrote 1 mask of 2 pictures to ")


def test_pictures_may_lie_elsewhere(root: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "images").rename(tmp_path / "photos")
    words = ["masks", "import", str(root), str(data / "masks"), "--pictures", str(tmp_path / "photos"), "--json"]
    assert main(words) == FINE
    assert _json(capsys)["regions"] == 1


def test_pictures_to_segment_come_first_and_masks_find_them(
    root: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(root), str(data / "images"), "--to-segment", "--json"]) == FINE
    report = _json(capsys)
    assert (len(report["added"]), report["concept"]) == (2, None)
    assert main(["masks", "import", str(root), str(data / "masks"), "--json"]) == FINE
    report = _json(capsys)
    assert (report["pictures"], report["regions"]) == (0, 1)
    assert main(["import", str(root), str(data), "--to-segment", "--trigger", "sks"]) == EXPECTED
    assert "belong to no concept" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["import", "{root}", "{root}/missing"], EXPECTED, "cannot be found"),
        (["import", "{root}", "{data}", "--format", "tiff"], EXPECTED, "coco, labelme"),
        (["export", "{root}", "{data}", "--format", "auto"], EXPECTED, "coco, labelme"),
        (["export", "{root}", "{data}"], EXPECTED, "not empty"),
        (["export", "{root}", "{root}/out"], EXPECTED, "nothing to export"),
        (["export", "{root}", "{root}/out", "--tolerance", "-1"], USAGE, "tolerance"),
        (["import", "{root}"], USAGE, "source"),
        (["nope"], USAGE, "nope"),
    ],
)
def test_what_cannot_be_is_said(
    root: Path, data: Path, words: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["masks", *(word.format(root=root, data=data) for word in words)]) == code
    said = capsys.readouterr()
    assert told in said.out + said.err
    assert "Traceback" not in said.err


def test_ctrl_c_keeps_what_came_in(
    root: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from engines.cli.interrupts import Interrupts

    monkeypatch.setattr(Interrupts, "__enter__", lambda self: setattr(self, "asked", True) or self)
    assert main(["masks", "import", str(root), str(data), "--json"]) == INTERRUPTED
    report = _json(capsys)
    assert report["cancelled"]
    assert report["regions"] == 0


def test_every_verb_of_the_group_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    from engines.cli.app import GROUPS, HELP

    assert GROUPS.keys() == HELP.keys()
    for group, verbs in GROUPS.items():
        for name in verbs:
            assert main([group, name, "--help"]) == FINE
            assert "Usage" in capsys.readouterr().out
