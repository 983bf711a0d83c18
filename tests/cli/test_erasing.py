"""`erase` on the command line: what cannot work is said before anything is made; what was found is told; words near a target are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines.bench.erase import NEIGHBOURS, QUICK, WHOLE, scenes
from engines.cli import main
from engines.cli.codes import EXPECTED, FINE
from engines.core.run import run_folder
from engines.diffusion.exchange import write_adapter
from engines.launch.adapter_info import describe
from engines.launch.folder import create_run, run_folders
from engines.starter.judge import AXES
from projects.project import Project
from tests.diffusion.erasing import stirred
from tests.diffusion.support import open_tiny
from tests.diffusion.test_erase_run import a_job


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "project", "P") as made:
        return made.root


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([""], "nothing to erase"),
        (["snowman", "--keep", "Snowman"], "to go and to stay"),
        (["snowman", "--instead", "snowman"], "stand in for itself"),
        (["snowman", "--method", "magic"], "no way to erase called “magic”"),
        (["snowman", "--set", "method.speed=3"], "method.speed"),
        (["snowman", "--set", "data.flip=true"], "groups are loop, samples, check"),
        (["snowman", "--set", "check.pictures=0"], "check.pictures"),
        (["snowman", "duck", "--also", "bear=teddy"], "names no target"),
        (["snowman", "--base", "nowhere"], "There is no base model"),
        ([f"thing{number}" for number in range(200)], "Too much"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_made(
    words: list[str], said: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["erase", *words, "--project", str(project)]) == EXPECTED
    assert said in capsys.readouterr().err
    assert run_folders(project) == []


def test_a_folder_that_is_no_project_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["erase", "snowman", "--project", str(tmp_path)]) == EXPECTED
    assert "is no project" in capsys.readouterr().err


def test_an_earlier_eraser_has_to_be_there(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["erase", "snowman", "--project", str(project), "--after", str(project / "runs" / "x")]) == EXPECTED
    assert "not here" in capsys.readouterr().err
    assert run_folders(project) == []


def test_words_near_a_target_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["erase", "snowman", "--suggest", "--json"]) == FINE
    (found,) = json.loads(capsys.readouterr().out)["suggestions"]
    assert found["target"] == "snowman"
    assert found["pieces"] == 1
    assert len(found["neighbours"]) > 5
    assert set(found["neighbours"][0]) == {"word", "similarity"}


def test_a_finished_erasure_is_told_again_and_measured_anew(
    project: Path, tiny_sd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = create_run(project, a_job(tiny_sd, "uce"), [])
    assert main(["evaluate", str(folder)]) == EXPECTED
    assert "not finished" in capsys.readouterr().err
    assert run_folder(folder) == FINE
    report = next((folder / "compare").glob("*/report.json"))
    before = report.stat().st_mtime_ns
    assert main(["evaluate", str(folder), "--json"]) == FINE
    told = json.loads(capsys.readouterr().out)
    assert [one["target"] for one in told["report"]["found"]] == ["dog", "red hat"]
    assert report.stat().st_mtime_ns == before
    assert main(["evaluate", str(folder), "--again", "--device", "cpu"]) == FINE
    words = capsys.readouterr().out
    assert "dog" in words
    assert "drift" in words
    assert report.stat().st_mtime_ns > before


def test_a_membrane_is_known_by_its_file_and_its_export_warns(
    tiny_sd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "membrane.safetensors"
    write_adapter(stirred(open_tiny(tiny_sd), "spm"), file)
    assert main(["inspect", str(file)]) == FINE
    assert "dog, red hat, where the prompt asks for it" in capsys.readouterr().out
    assert main(["export", str(file), "--out", str(tmp_path / "other.safetensors")]) == FINE
    assert "acts on every prompt at full strength" in capsys.readouterr().err
    assert describe(tmp_path / "other.safetensors").erases == ("dog", "red hat")
    write_adapter(stirred(open_tiny(tiny_sd), "uce"), file, overwrite=True)
    assert main(["export", str(file), "--out", str(tmp_path / "third.safetensors")]) == FINE
    assert "Note" not in capsys.readouterr().err


def test_the_bench_asks_for_what_it_promises() -> None:
    assert set(QUICK.concepts) <= set(WHOLE.concepts) == set(NEIGHBOURS)
    for concept, near in NEIGHBOURS.items():
        axis = next(names for names in AXES if concept in names)
        assert set(near) < set(axis)
        asked = {kind: scenes(concept, kind, 30) for kind in ("target", "neighbours", "unrelated")}
        assert asked["target"] == scenes(concept, "target", 30)
        assert {value for _, value in asked["target"]} == {concept}
        assert {value for _, value in asked["neighbours"]} == set(near)
        assert not {value for _, value in asked["unrelated"]} & {concept, *near}
        assert not any(concept in words.split() for words, _ in asked["unrelated"])
