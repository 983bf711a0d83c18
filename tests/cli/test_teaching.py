"""The main job without a window, on a tiny random base: teach, look, compare, export, and stop in order."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from engines.cli import main
from engines.cli.codes import EXPECTED, FINE, INTERRUPTED, MISSED
from engines.cli.evaluate import _Background
from engines.launch import evaluation
from engines.launch.folder import run_folders
from engines.launch.follow import read_state
from projects.report import ImportReport

ROOT = Path(__file__).resolve().parents[2]
QUIET = ["--set", "samples.every=0", "--set", "loop.validate_every=1000"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos") / "rex"
    folder.mkdir()
    for index in range(4):
        Image.effect_noise((48, 48), 30 + 30 * index).convert("RGB").save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, pictures: Path, tiny_sd: Path) -> dict[str, object]:
    """One run through `teach`, as its last JSON line tells it."""
    place = tmp_path_factory.mktemp("taught")
    words = ["teach", str(pictures), "--trigger", "sks", "--class", "dog", "--base", str(tiny_sd), "--steps", "3"]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "LORIKEET_HOME": str(place / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "engines", *words, *QUIET, "--out", str(place / "out.safetensors"), "--json"],
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == FINE, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {"lines": lines, "result": lines[-1], "home": place / "home", "said": done.stderr}


def test_teaching_from_pictures_tells_events_and_makes_a_project(taught: dict[str, object]) -> None:
    kinds = [line["type"] for line in taught["lines"]]
    assert kinds[0] == "started"
    assert "step" in kinds
    assert kinds[-2:] == ["finished", "result"]
    result = taught["result"]
    assert result["steps"] == 3
    assert Path(result["adapter"]).is_file()
    assert Path(result["run"]).parents[1] == taught["home"] / "projects" / "sks"
    assert str(taught["home"] / "projects" / "sks") in taught["said"]


def test_a_finished_run_is_measured_in_the_background_and_tells_it_when_asked(
    taught: dict[str, object], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(taught["result"]["run"])
    until = time.monotonic() + 240
    while evaluation.report_of(run) is None:
        assert time.monotonic() < until, (run.parent / "evaluate-log.txt").read_text()
        time.sleep(0.2)
    folder = evaluation.report_of(run)
    report = json.loads((folder / "report.json").read_text())
    assert report["conditions"]["photos"] == 4
    assert report["columns"][1]["class_change"]["count"] == report["columns"][1]["change"]["count"] == 8
    assert (folder / "sheet.png").is_file()
    monkeypatch.setattr("engines.cli.pictures.new_generator", None)  # nothing is made anew
    assert main(["evaluate", str(run), "--json"]) == FINE
    (told,) = json.loads(capsys.readouterr().out)["measured"]
    assert told["columns"] == report["columns"]
    assert main(["evaluate", str(run.parents[1]), "--json"]) == FINE
    assert json.loads(capsys.readouterr().out)["measured"] == []
    assert main(["evaluate", str(run.parent)]) == EXPECTED
    assert "neither a run nor a project" in capsys.readouterr().err


def test_measuring_unasked_gives_way_takes_no_hours_and_says_why_it_could_not(
    taught: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "p"
    shutil.copytree(Path(taught["result"]["run"]).parents[1], root)
    (run,) = run_folders(root)
    shutil.rmtree(run / "compare", ignore_errors=True)
    background = _Background("cpu")
    assert background.measure(run, lambda: True) is False
    assert evaluation.pending(root) == [run]
    assert list((run / "compare").iterdir()) == []
    monkeypatch.setattr("engines.cli.evaluate._LONGEST_S", 0.0)
    assert background.measure(run, lambda: False) is True
    assert "would take long" in evaluation.standing(run, step=3, wanted=True).words
    shutil.rmtree(run / "compare")
    (run / "base.json").write_text(json.dumps({"base_hash": "of another model"}))
    assert _Background("cpu").measure(run, lambda: False) is True
    assert "The base model has changed" in evaluation.standing(run, step=3, wanted=True).words
    assert evaluation.pending(root) == []


def test_the_written_adapter_is_kohyas(taught: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", taught["result"]["out"], "--json"]) == FINE
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == "kohya"
    assert told["trigger"] == "sks"
    assert told["steps"] == 3


def test_a_run_folder_can_be_exported_and_is_never_written_over(
    taught: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "again.safetensors"
    words = ["export", str(taught["result"]["run"]), "--out", str(out), "--format", "diffusers"]
    assert main(words) == FINE
    before = out.read_bytes()
    assert main(words) == EXPECTED
    assert "there already" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert main([*words, "--overwrite"]) == FINE
    assert main([*words[:-1], "nonsense", "--overwrite"]) == EXPECTED


def test_pictures_with_the_adapter_depend_on_the_seed_alone(
    taught: dict[str, object], tiny_sd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["generate", "a sks dog", "--base", str(tiny_sd), "--steps", "2", "--seed", "5", "--json"]
    files = []
    for folder, more in (("a", []), ("b", []), ("c", ["--adapter", f"{taught['result']['run']}=2"])):
        assert main([*base, *more, "--out", str(tmp_path / folder)]) == FINE
        (picture,) = json.loads(capsys.readouterr().out)["pictures"]
        assert picture["seed"] == 5
        files.append(Path(picture["file"]).read_bytes())
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_a_comparison_leaves_a_sheet_and_a_report(
    taught: dict[str, object], pictures: Path, tiny_sd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", str(taught["result"]["adapter"]), f"{taught['result']['run']}=0.5"]
    words += [
        "--prompt",
        "a sks dog",
        "--seed",
        "1",
        "--seed",
        "2",
        "--steps",
        "1",
        "--out",
        str(tmp_path / "c"),
        "--json",
    ]
    assert main(words) == FINE
    told = json.loads(capsys.readouterr().out)
    name = Path(taught["result"]["run"]).name
    assert [column["label"] for column in told["columns"]] == ["Base", name, f"{name} at 0.5"]
    report = json.loads(Path(told["report"]).read_text())
    assert report["conditions"]["photos"] == 4  # the run's own, as its base is
    assert len(report["class"]["prompts"]) == len(report["elsewhere"]["prompts"]) == 4
    assert report["between"][0]["closer"]["of"] == 2
    with Image.open(told["sheet"]) as sheet:
        assert sheet.width > 64
    assert report["conditions"]["seeds"] == [1, 2]


@pytest.mark.parametrize("verb", ["generate", "compare"])
def test_pictures_of_an_earlier_time_are_replaced_only_when_asked(
    verb: str,
    taught: dict[str, object],
    tiny_sd: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, prompt = tmp_path / "out", "a sks dog"
    words = [verb, "--base", str(tiny_sd), "--steps", "1", "--out", str(out)]
    adapter = [str(taught["result"]["adapter"]), "--prompt", prompt, "--seed", "1", "--no-beside"]
    words += [prompt] if verb == "generate" else adapter
    assert main(words) == FINE
    files = list(out.iterdir())
    for file in files:
        file.write_bytes(b"mine")
    with monkeypatch.context() as nothing_is_loaded:
        nothing_is_loaded.setattr("engines.cli.pictures.warm", None)
        assert main(words) == EXPECTED
    told = capsys.readouterr().err
    assert "there already" in told
    assert "--overwrite" in told
    assert {file.read_bytes() for file in files} == {b"mine"}
    assert main([*words, "--overwrite"]) == FINE
    assert b"mine" not in {file.read_bytes() for file in files}


def test_a_file_where_a_folder_is_wanted_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["generate", "a dog", "--out", str(tmp_path / "file")]) == EXPECTED
    assert "not a folder" in capsys.readouterr().err


def test_what_cannot_be_written_is_said_before_the_work(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "there.safetensors"
    out.write_bytes(b"mine")
    assert main(["teach", str(pictures), "--out", str(out)]) == EXPECTED
    assert "there already" in capsys.readouterr().err
    assert main(["teach", str(pictures), "--out", str(tmp_path / "no" / "x.safetensors")]) == EXPECTED
    assert main(["teach", str(tmp_path / "nothing")]) == EXPECTED
    assert main(["teach", str(pictures), "--detach", "--out", str(tmp_path / "x.safetensors")]) == EXPECTED
    for wrong in (["--method", "magic"], ["--set", "method.ranc=8"], ["--preset", "x"]):
        assert main(["teach", str(pictures), *wrong]) == EXPECTED
        assert "Known: " in capsys.readouterr().err
    assert not (Path(os.environ["LORIKEET_HOME"]) / "projects").exists()


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_keeps_what_was_learned(pictures: Path, tiny_sd: Path, tmp_path: Path) -> None:
    words = [
        "teach",
        str(pictures),
        "--base",
        str(tiny_sd),
        "--steps",
        "100000",
        "--project",
        str(tmp_path / "p"),
        "--no-evaluate",
        "--json",
    ]
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-m", "engines", *words, *QUIET],
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as teaching:
        lines = []
        for line in teaching.stdout:
            lines.append(json.loads(line))
            if lines[-1]["type"] == "step" and lines[-1]["step"] >= 2:
                teaching.send_signal(signal.SIGINT)
                break
        lines += [json.loads(line) for line in teaching.stdout]
    assert teaching.returncode == INTERRUPTED
    assert lines[-1]["type"] == "result"
    assert lines[-1]["stopped"] is True
    assert Path(lines[-1]["adapter"]).is_file()


def test_the_demo_tells_where_everything_lies(
    tiny_sd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["demo", str(tmp_path / "demo"), "--base", str(tiny_sd), "--steps", "2", "--json"]
    assert main(words) in {FINE, MISSED}  # a random base need not come closer
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["type"] == "result"
    for name in ("project", "run", "adapter", "sheet", "exported"):
        assert Path(told[name]).exists(), name
    assert told["steps"] == 2
    assert told["seconds"] >= told["parts"]["teach"] > 0


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_while_the_demo_teaches_keeps_what_was_learned_and_says_where(tiny_sd: Path, tmp_path: Path) -> None:
    words = ["demo", str(tmp_path / "demo"), "--base", str(tiny_sd), "--steps", "100000", "--json"]
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engines", *words]
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=said, text=True) as demo,
    ):
        lines = []
        for line in demo.stdout:
            lines.append(json.loads(line))
            if lines[-1]["type"] == "step" and lines[-1]["step"] >= 2:
                demo.send_signal(signal.SIGINT)
                break
        lines += [json.loads(line) for line in demo.stdout]
    assert demo.returncode == INTERRUPTED
    assert "Traceback" not in (tmp_path / "said").read_text()
    assert lines[-1]["stopped"] is True
    assert Path(lines[-1]["project"]) == tmp_path / "demo"
    assert main(["inspect", lines[-1]["adapter"]]) == FINE
    state = read_state(Path(lines[-1]["run"]))
    assert state.checkpoints[-1].step == state.step >= 2


def test_ctrl_c_while_the_demo_compares_says_where_the_adapter_lies(
    tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press(*_words: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engines.diffusion.compare.compare", press)
    assert main(["demo", str(tmp_path / "demo"), "--base", str(tiny_sd), "--steps", "2"]) == INTERRUPTED
    out = capsys.readouterr().out
    (adapter,) = (tmp_path / "demo" / "runs").glob("*/adapter.safetensors")
    assert f"2 steps: {adapter}" in out
    assert "--resume" not in out


def test_ctrl_c_while_the_demo_imports_teaches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from engines.cli import documents

    monkeypatch.setattr(documents, "take_in", lambda *_words: ImportReport((), (), None, 0.0, cancelled=True))
    assert main(["demo", str(tmp_path / "demo")]) == INTERRUPTED
    assert str(tmp_path / "demo") in capsys.readouterr().out
    assert not list((tmp_path / "demo").glob("runs/*"))


def test_an_unknown_sample_names_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", str(tmp_path / "demo"), "--subject", "nobody"]) == EXPECTED
    assert "tobi-bear" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()
