"""`segment predict` and `segment export`: masks that are read again as they were found, files that run elsewhere, refusals in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines.cli import main
from engines.cli.codes import EXPECTED, FINE
from engines.cli.segmenting import base_of
from engines.segmentation import proposals
from tests.segmentation.support import open_tiny, write_adapter, write_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module", autouse=True)
def _one_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Decoders are exported once for all tests here."""
    from engines.segmentation import decoders

    patch = pytest.MonkeyPatch()
    home = tmp_path_factory.mktemp("home")
    patch.setattr(decoders, "cache_home", lambda: home)
    yield
    patch.undo()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for number, file in enumerate((folder / "a.png", folder / "b.jpg", folder / "more" / "a.png")):
        values = np.random.default_rng(number).integers(0, 255, (9, 12, 3), dtype=np.uint8)
        Image.fromarray(values).resize((120 + number, 90), Image.Resampling.BICUBIC).save(file)
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one document on standard output."""
    out = capsys.readouterr().out
    assert out.count("\n") == 1, out
    found: dict[str, Any] = json.loads(out)
    return found


def test_classes_are_found_and_written_as_coco(
    tiny: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from projects.project import Project
    from projects.regions.exchange.sheet import Request
    from projects.regions.importing import import_masks

    adapter = write_adapter(tiny, tmp_path / "birds.safetensors", "decoder")
    (pictures / "broken.png").write_bytes(b"no picture")
    words = ["segment", "predict", str(pictures), "--out", str(tmp_path / "out"), "--adapter", str(adapter)]
    assert main([*words, "--base", str(tiny), "--json"]) == FINE
    found = told(capsys)
    assert sorted(found["pictures"]) == ["a.png", "a_2.png", "b.jpg"]
    assert [line["file"] for line in found["lines"]] == ["broken.png"]
    assert {mask["label"] for mask in found["masks"]} <= {"leaf", "a bird"}
    assert found["masks"]
    assert all(mask["area"] > 0 for mask in found["masks"])
    with Project.create(tmp_path / "project", "Birds") as project:
        report = import_masks(project, Request(tmp_path / "out"), kind="coco")
    assert len(report.regions) == len(found["masks"])


def test_proposals_are_written_as_indexed_pictures(
    tiny: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposals, "MOST_WRONG", 100.0)
    monkeypatch.setattr(proposals, "MOST_UNSTABLE", 1.0)
    words = ["segment", "predict", str(pictures / "a.png"), "--out", str(tmp_path / "out"), "--base", f"file:{tiny}"]
    assert main([*words, "--format", "indexed", "--grid", "2", "--json"]) == FINE
    found = told(capsys)
    assert {mask["label"] for mask in found["masks"]} == {"object"}
    (file,) = (tmp_path / "out" / "SegmentationClass").iterdir()
    indexed = Image.open(file)
    assert indexed.mode == "P"
    assert indexed.size == (120, 90)
    assert set(np.unique(np.asarray(indexed))) <= {0, 1}


def test_what_cannot_be_predicted_is_told_and_leaves_nothing(
    tiny: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["segment", "predict", str(pictures), "--base", str(tiny), "--grid", "2"]
    for more, said in (
        (["--out", str(pictures)], "not empty"),
        (["--out", str(tmp_path / "x"), "--format", "cubes"], "no format"),
        (["--out", str(tmp_path / "x"), "--adapter", str(tmp_path / "none")], "no such file"),
        (["--out", str(tmp_path / "x"), "--base", str(tmp_path / "none.pth")], "no model"),
        (["--out", str(tmp_path / "x"), "--finer", "2"], "finer masks"),
    ):
        assert main([*words, *more]) == EXPECTED
        assert said in capsys.readouterr().err
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "only.png").write_bytes(b"no picture")
    words = ["segment", "predict", str(tmp_path / "bad"), "--base", str(tiny), "--out", str(tmp_path / "x")]
    assert main([*words, "--grid", "2"]) == EXPECTED
    assert "only.png" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_model_is_exported_both_ways(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adapter = write_adapter(tiny, tmp_path / "birds.safetensors", "lora")
    words = ["segment", "export", str(adapter), "--base", str(tiny), "--json"]
    assert main([*words, "--out", str(tmp_path / "onnx")]) == FINE
    assert told(capsys)["adapter"]["classes"] == ["leaf", "a bird"]
    assert (tmp_path / "onnx" / "run.py").is_file()
    assert main([*words, "--out", str(tmp_path / "merged.safetensors"), "--to", "checkpoint"]) == FINE
    assert "ONNX" in str(told(capsys)["note"])
    assert open_tiny(tmp_path / "merged.safetensors").info.sizes == open_tiny(tiny).info.sizes
    for more in (["--to", "coreml"], ["--takes", "wishes"]):
        assert main([*words, "--out", str(tmp_path / "y"), *more]) == EXPECTED
        assert told(capsys)["error"]["title"]


def test_the_adapter_itself_is_copied_and_described(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = write_adapter(tiny, tmp_path / "birds.safetensors", "lora")
    words = [
        "segment",
        "export",
        str(adapter),
        "--to",
        "adapter",
        "--out",
        str(tmp_path / "copy.safetensors"),
        "--json",
    ]
    assert main(words) == FINE
    capsys.readouterr()
    assert (tmp_path / "copy.safetensors").read_bytes() == adapter.read_bytes()
    assert main(words) == EXPECTED, "nothing is replaced unasked"
    assert told(capsys)["error"]["title"] == "There is a file of this name"
    assert main(["segment", "export", *words[3:]]) == EXPECTED
    assert told(capsys)["error"]["title"] == "No adapter was named"
    assert main(["inspect", str(adapter), "--json"]) == FINE
    found = told(capsys)
    assert (found["kind"], found["tuner"], found["classes"]) == ("segmentation", "lora", ["leaf", "a bird"])
    assert main(["inspect", str(adapter)]) == FINE
    assert "Classes:      leaf, a bird" in capsys.readouterr().out


def test_the_base_is_that_of_the_adapters_run(tiny: Path, tmp_path: Path) -> None:
    from engines.api.job import JobMethod
    from engines.api.segment_job import Scene, SegmentJob
    from engines.launch.folder import create_run

    assert base_of("", None) == "starter"
    assert base_of(str(tiny), None) == f"file:{tiny}"
    job = SegmentJob(
        id="birds", created=0.0, title="Birds", base=f"file:{tiny}", method=JobMethod(name="lora"), classes=("bird",)
    )
    run = create_run(tmp_path, job, [Scene(file="images/a.png", width=8, height=8)])
    assert base_of("", run / "adapter.safetensors") == f"file:{tiny}"
