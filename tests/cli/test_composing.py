"""`compose` and `merge`: pictures with their recipe inside, one file of several, and bad input told before a model is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from engines.cli import main
from engines.cli.codes import EXPECTED, FINE
from engines.cli.combining import KINDS, RECIPE
from engines.diffusion import compose as composing
from engines.diffusion.exchange import read_adapter
from tests.diffusion.composing import PROMPT, adapter_file
from tests.diffusion.support import open_tiny


@pytest.fixture(scope="module")
def files(tiny_sd: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    base, folder = open_tiny(tiny_sd), tmp_path_factory.mktemp("files")
    return [
        str(adapter_file(base, folder, word, noun, seed=n))
        for n, (word, noun) in enumerate((("sks", "dog"), ("zumo", "car")))
    ]


def composed(tiny: Path, files: list[str], out: Path, *more: str) -> int:
    adapters = [part for file in files for part in ("--adapter", file)]
    return main(["compose", PROMPT, "--out", str(out), "--base", str(tiny), "--steps", "2", *adapters, "--json", *more])


def test_pictures_keep_their_recipe(
    tiny_sd: Path, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    places = ("--place", "0,0,0.5,1", "--place", "0.5,0,1,1")
    assert composed(tiny_sd, files, out, *places, "--seed", "3", "--beside") == FINE
    told = json.loads(capsys.readouterr().out)
    assert told["strategy"] == "regions"
    assert [Path(one["file"]).name for one in told["pictures"]] == ["composed-seed-3.png", "sum-seed-3.png"]
    with Image.open(told["pictures"][0]["file"]) as picture:
        inside = json.loads(picture.text[composing.TEXT])
    assert inside["seed"] == 3
    assert [one["adapter"]["file"] for one in inside["composition"]["concepts"]] == [
        "sks.safetensors",
        "zumo.safetensors",
    ]
    assert str(tmp_path) not in json.dumps(inside)
    beside = json.loads((out / RECIPE).read_text(encoding="utf-8"))
    assert [one["adapter"]["file"] for one in beside["composition"]["concepts"]] == files
    assert (RECIPE, KINDS) == (composing.RECIPE, ("sum", "composed"))
    assert (
        composed(tiny_sd, files, out, *places, "--seed", "3") == EXPECTED
    )  # what is there is not replaced by accident


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--place", "0,0,1,1", "--place", "0,0,1,1", "--place", "0,0,1,1"), "more of --place than concepts"),
        (("--place", "0.5,0,0.5,1"), "is empty"),
        (("--place", "2,0,3,1"), "outside the picture"),
        (("--place", "left"), "is not a place"),
        (("--place", "nan,0,1,1"), "is not a place"),
        (("--strategy", "regions"), "does not fit"),
        (("--strategy", "collage"), "no way to compose"),
        (("--set", "sharp=1"), "does not fit"),
        (("--trigger", "zumo"), "there twice"),
    ],
)
def test_bad_input_is_told_and_nothing_is_left(
    files: list[str], more: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "no-model"  # would be an error of its own if anything were loaded
    nowhere.mkdir()
    assert composed(nowhere, files, tmp_path / "out", *more) == EXPECTED
    assert said in json.loads(capsys.readouterr().out)["error"]["title"]
    assert not (tmp_path / "out").exists()


def test_a_file_that_vanished_is_told(
    tiny_sd: Path, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert composed(tiny_sd, [files[0], str(tmp_path / "gone.safetensors")], tmp_path / "out") == EXPECTED
    assert "no such file" in json.loads(capsys.readouterr().out)["error"]["title"]


def test_several_files_become_one(
    tiny_sd: Path, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "one.safetensors"
    assert (
        main(
            [
                "merge",
                files[0],
                f"{files[1]}=0.5",
                "--out",
                str(out),
                "--rule",
                "ties",
                "--set",
                "density=0.5",
                "--json",
            ]
        )
        == FINE
    )
    told = json.loads(capsys.readouterr().out)
    assert told["rank"] == read_adapter(out).common_rank == 8
    assert 0 < told["error"] < 1
    assert main(["merge", *files, "--out", str(out), "--json"]) == EXPECTED
    assert (
        main(
            [
                "merge",
                *files,
                "--out",
                str(tmp_path / "b.safetensors"),
                "--rule",
                "fusion",
                "--words",
                "a dog",
                "--base",
                str(tiny_sd),
                "--json",
            ]
        )
        == EXPECTED
    )
    assert "as many --words" in capsys.readouterr().out
    assert (
        main(["merge", *files, "--out", str(tmp_path / "model"), "--checkpoint", "--base", str(tiny_sd), "--json"])
        == FINE
    )
    assert (tmp_path / "model" / "model_index.json").is_file()
    assert (
        main(["merge", *files, "--out", str(tmp_path / "m2"), "--checkpoint", "--rule", "ties", "--json"]) == EXPECTED
    )
