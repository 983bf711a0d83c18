"""What people give `masks` and `segment` that cannot work, or only badly: a clear sentence each, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engines.cli import main
from engines.cli.codes import EXPECTED, FINE
from engines.launch.folder import run_folders
from projects import edits_regions, queries
from projects.project import Project
from tests.segmentation.support import write_adapter, write_tiny

SIZE = (64, 48)
Spoil = Callable[[Path], None]
QUICK = ["method.parts=light", "loop.batch_size=1", "loop.device=cpu", "samples.every=0"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


@pytest.fixture(autouse=True)
def _one_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    from engines.segmentation import decoders

    monkeypatch.setattr(decoders, "cache_home", lambda: tmp_path_factory.getbasetemp() / "decoders")


def picture(number: int) -> Image.Image:
    """Different every one, with a bright disc."""
    values = np.kron(
        np.random.default_rng(number).integers(0, 120, (6, 8, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8)
    )
    values[inside(number)] = 230
    return Image.fromarray(values)


def inside(number: int) -> np.ndarray:
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    return (columns - 20 - 4 * number) ** 2 + (rows - 24) ** 2 < 120


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four pictures with black and white masks."""
    folder = tmp_path / "data"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(4):
        picture(number).save(folder / "images" / f"{number}.png")
        save_mask(folder / "masks" / f"{number}.png", inside(number) * 255)
    return folder


def save_mask(file: Path, values: np.ndarray) -> None:
    Image.fromarray(values.astype(np.uint8)).save(file)


def told(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any], str]:
    """The verb's exit status, its document, and what else it said."""
    capsys.readouterr()
    code = main([*(str(word) for word in words), "--json"])
    found = capsys.readouterr()
    return code, json.loads(found.out.splitlines()[-1]), found.err


@pytest.fixture
def project(tmp_path: Path) -> Path:
    Project.create(tmp_path / "project", "Discs").close()
    return tmp_path / "project"


def _another_size(data: Path) -> None:
    save_mask(data / "masks" / "0.png", np.full((30, 30), 255))


def _soft(data: Path) -> None:
    save_mask(data / "masks" / "0.png", np.tile(np.linspace(0, 255, SIZE[0]), (SIZE[1], 1)))


def _no_mask(data: Path) -> None:
    (data / "masks" / "0.png").unlink()


def _no_picture(data: Path) -> None:
    (data / "images" / "0.png").unlink()


def _empty(data: Path) -> None:
    save_mask(data / "masks" / "0.png", np.zeros(SIZE[::-1]))


def _torn(data: Path) -> None:
    (data / "images" / "0.png").write_bytes((data / "images" / "0.png").read_bytes()[:200])


@pytest.mark.parametrize(
    ("spoil", "level", "sentence", "masks"),
    [
        (_another_size, "error", "The mask has another size than its picture", 3),
        (_soft, "warning", "A mask is not just black and white", 4),
        (_no_mask, "warning", "A picture has no mask", 3),
        (_no_picture, "error", "There is no picture for these marks", 3),
        (_empty, "warning", "The mask is empty", 3),
        (_torn, "error", "", 3),
    ],
    ids=["size", "soft", "no mask", "no picture", "empty", "torn picture"],
)
def test_what_is_wrong_with_one_mask_is_a_line_and_the_rest_comes_in(
    spoil: Spoil,
    level: str,
    sentence: str,
    masks: int,
    data: Path,
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(data)
    code, report, _ = told(capsys, "masks", "import", project, data, "--format", "pairs")
    assert code == FINE
    lines = [line for line in report["lines"] if line["level"] == level]
    assert [line["file"] for line in lines] == ["0.png"]
    assert lines[0]["title"].startswith(sentence)
    assert len(lines[0]["title"]) > 8
    assert report["regions"] == masks


@pytest.mark.parametrize("mode", ["I;16", "L", "LA", "P", "1"])
def test_pictures_of_16_bits_and_of_one_channel_are_looked_at(
    mode: str, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grey = picture(0).convert("L")
    file = tmp_path / "scan.png"
    if mode == "I;16":
        Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(file)
    else:
        grey.convert(mode).save(file)
    out = tmp_path / "found"
    code, found, _ = told(
        capsys, "segment", "predict", file, "--out", out, "--base", tiny, "--grid", 2, "--format", "instances"
    )
    assert code == FINE
    assert found["pictures"] == ["scan.png"]
    with Image.open(next((out / "labels").iterdir())) as mask:
        assert mask.size == SIZE


def _of_something_else(file: Path) -> None:
    save_file({"conv.weight": torch.zeros(3, 3)}, file)


def _nonsense(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04 no model")


@pytest.mark.parametrize(
    ("name", "spoil"),
    [("other.safetensors", _of_something_else), ("other.pth", _nonsense), ("short.safetensors", None)],
    ids=["other", "nonsense", "truncated"],
)
def test_a_wrong_or_truncated_checkpoint_is_refused_and_the_marks_stay(
    name: str, spoil: Spoil | None, tiny: Path, data: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project.parent / name
    if spoil is None:
        file.write_bytes(tiny.read_bytes()[: tiny.stat().st_size // 2])
    else:
        spoil(file)
    told(capsys, "masks", "import", project, data, "--format", "pairs")
    words = [item for text in QUICK for item in ("--set", text)]
    code, found, _ = told(capsys, "segment", "adapt", project, "--base", file, "--steps", 2, *words)
    assert code == EXPECTED
    assert (found["type"], found["expected"]) == ("failed", True)
    assert name in found["what"] or "Segment Anything" in found["title"]
    with Project.open(project) as opened:
        assert sum(len(queries.regions(opened, image.id)) for image in queries.images(opened)) == 4
    code, found, _ = told(
        capsys, "segment", "predict", data / "images", "--out", project.parent / "found", "--base", file
    )
    assert (code, bool(found["error"]["title"])) == (EXPECTED, True), found
    assert not (project.parent / "found").exists()


def test_an_adapter_of_another_base_is_refused_wherever_it_is_used(
    tiny: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = write_adapter(tiny, tmp_path / "birds.safetensors", "lora")
    other = write_tiny(tmp_path, seed=5)
    out = tmp_path / "out"
    for words in (
        ("segment", "predict", data / "images", "--adapter", adapter, "--base", other, "--out", out),
        ("segment", "export", adapter, "--base", other, "--out", out),
        ("segment", "export", adapter, "--base", other, "--to", "checkpoint", "--out", tmp_path / "out.pth"),
    ):
        code, found, _ = told(capsys, *words)
        assert code == EXPECTED
        assert found["error"]["title"] == "The adapter was made for another model"
    assert not out.exists()
    assert not (tmp_path / "out.pth").exists()


def test_a_class_that_is_missing_from_what_is_learned_is_told(
    tiny: Path, data: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys, "masks", "import", project, data, "--format", "pairs")
    with Project.open(project) as opened:
        images = queries.images_to_segment(opened)
        rare = edits_regions.add_label(opened, "rare").ids[0]
        (last,) = queries.regions(opened, images[3].id)
        edits_regions.relabel_regions(opened, [last.id], rare)
        edits_regions.set_split(opened, [image.id for image in images[:3]], "train")
        edits_regions.set_split(opened, [images[3].id], "validation")
    words = [item for text in QUICK for item in ("--set", text)]
    code, found, err = told(capsys, "segment", "adapt", project, "--base", tiny, "--steps", 2, *words)
    assert code == FINE, found
    assert "A class is missing from what is learned" in err


def test_numbers_that_run_away_end_the_training_in_words_and_leave_no_adapter(
    tiny: Path, data: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = load_file(tiny)
    for name in weights:
        if name.startswith("mask_decoder.output_hypernetworks_mlps"):
            weights[name] = weights[name] * 1e20
    wild = project.parent / "wild.safetensors"
    save_file(weights, wild)
    told(capsys, "masks", "import", project, data, "--format", "pairs")
    words = [item for text in QUICK for item in ("--set", text)]
    code, found, _ = told(capsys, "segment", "adapt", project, "--base", wild, "--steps", 3, *words)
    assert code == EXPECTED
    assert "number" in json.dumps(found)
    assert not any((run / "adapter.safetensors").exists() for run in run_folders(project))
    with Project.open(project) as opened:
        assert sum(len(queries.regions(opened, image.id)) for image in queries.images(opened)) == 4
