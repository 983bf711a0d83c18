"""The verbs without torch: usage, JSON, exit codes, failures in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from engines.api.version import VERSION
from engines.cli import main
from engines.cli.codes import BUG, EXPECTED, FINE, INTERRUPTED, MISSED, USAGE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "my dog"
    folder.mkdir()
    for index in range(3):
        Image.effect_noise((64, 48), 40 + 30 * index).convert("RGB").save(folder / f"{index}.png")
    (folder / "0.txt").write_text("a [trigger] dog on grass")
    (folder / "broken.jpg").write_bytes(b"not a picture")
    return folder


def _json(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    out = capsys.readouterr().out
    assert out.count("\n") == 1, f"more than one document: {out!r}"
    return json.loads(out)


def test_the_version_is_pyprojects() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


@pytest.mark.parametrize(
    "words", [["nope"], ["teach"], ["teach", "x", "--nope"], ["new"], ["teach", "x", "--steps", "0"]]
)
def test_wrong_usage_is_told_and_exits_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == USAGE
    told = capsys.readouterr()
    assert "Error" in told.err
    assert told.out == ""


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    from engines.cli.app import GROUPS, VERBS

    expected = {"new", "import", "teach", "generate", "compare", "evaluate", "inspect", "export", "run", "queue"}
    together = {"compose", "interference", "merge", "scenes", "erase"}
    assert {*expected, *together, "describe", "serve", "doctor", "demo", "bench"} == set(VERBS)
    inside = [[group, verb] for group, verbs in GROUPS.items() for verb in verbs]
    for words in [[name] for name in VERBS] + inside:
        assert main([*words, "--help"]) == FINE
        assert "Usage" in capsys.readouterr().out


def test_new_and_import_report_in_json(tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "project"
    assert main(["new", str(root), "--name", "Dogs", "--json"]) == FINE
    assert _json(capsys) == {"project": str(root), "name": "Dogs"}

    words = ["import", str(root), str(pictures), "--trigger", "sks", "--class", "dog", "--json"]
    assert main(words) == FINE
    report = _json(capsys)
    assert len(report["added"]) == 3
    assert report["trigger"] == "sks"
    (line,) = [line for line in report["lines"] if line["level"] == "error"]
    assert line["file"] == "broken.jpg"


def test_importing_nothing_usable_exits_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, broken = tmp_path / "project", tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    assert main(["new", str(root)]) == FINE
    assert main(["import", str(root), str(broken)]) == EXPECTED
    assert "broken.jpg" in capsys.readouterr().out


def test_several_concepts_ask_which_one(tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "project"
    main(["new", str(root)])
    main(["import", str(root), str(pictures), "--concept", "First", "--trigger", "one"])
    main(["import", str(root), str(pictures), "--concept", "Second", "--trigger", "two"])
    capsys.readouterr()
    assert main(["import", str(root), str(pictures)]) == EXPECTED
    told = capsys.readouterr().err
    assert "First" in told
    assert "Second" in told


def test_an_expected_failure_is_words_on_stderr_and_one_document_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(b"\xff" * 64)
    assert main(["inspect", str(file), "--json"]) == EXPECTED
    told = capsys.readouterr()
    assert json.loads(told.out)["error"]["title"]
    assert "damaged" in told.err
    assert "Traceback" not in told.err


def test_a_mistake_in_the_program_leaves_a_report_and_exits_4(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from engines.cli import adapters

    monkeypatch.setattr(adapters, "describe_any", lambda path: {}["no such key"])
    assert main(["inspect", str(ROOT / "pyproject.toml")]) == BUG
    report = Path(capsys.readouterr().err.split("Report: ")[-1].strip())
    assert "KeyError" in report.read_text()
    assert report.is_relative_to(os.environ["LORIKEET_HOME"])


def test_ctrl_c_exits_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from projects.project import Project

    def press(*words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Project, "create", press)
    assert main(["new", str(tmp_path / "x")]) == INTERRUPTED


def test_a_missed_floor_exits_1_and_writes_its_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from engines.bench import runner
    from engines.bench.table import Figure, Result, Table

    result = Result(
        tables=(Table("Speed", ("way", "steps/s"), (("ours", 2.0), ("plain", 1.6))),),
        figures=(
            Figure("speed-ratio", 1.25, floor=1.5, aim=2.5, unit="x"),
            Figure("stall", 20, floor=100, better="lower"),
        ),
    )
    monkeypatch.setattr(runner, "discover", lambda: {"fake": runner.Found("fake", "A fake.", lambda bench: result)})
    file = tmp_path / "out.json"
    assert main(["bench", "fake", "--json", str(file)]) == MISSED
    out = capsys.readouterr().out
    assert "speed-ratio 1.25x 1.5 2.5 SHORT" in out
    assert "stall 20 100 - holds" in out
    assert json.loads(file.read_text())["holds"] is False
    assert main(["bench", "fake", "--quick"]) == FINE
    assert main(["bench", "nope"]) == EXPECTED


def test_the_command_works_from_any_folder_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from engines.cli import main; code = main(['new', 'here', '--json']); "
        "assert 'torch' not in sys.modules; sys.exit(code)"
    )
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == FINE, done.stderr
    assert (tmp_path / "here" / "project.db").is_file()


def test_what_is_on_offer_is_told_without_torch() -> None:
    code = (
        "import sys; from engines.cli import main; code = main(['describe']); "
        "print(sorted({'torch', 'diffusers', 'transformers', 'peft'} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == FINE
    assert done.stderr.splitlines()[-1] == "[]"
    told = json.loads(done.stdout)
    assert {entry["name"] for entry in told["methods"]} >= {"lora"}
    assert [entry["name"] for entry in told["backbones"]] == ["stable-diffusion", "stable-diffusion-xl"]
    assert told["broken"] == []


def test_letters_a_terminal_lacks_and_a_reader_that_leaves_are_no_crash(tmp_path: Path) -> None:
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    command = [sys.executable, "-m", "engines", "new", str(tmp_path / "x"), "--name", "Мишка 🧸", "--json"]
    done = subprocess.run(command, env=settings, capture_output=True, check=False)
    assert done.returncode == FINE
    assert json.loads(done.stdout.decode("utf-8"))["name"] == "Мишка 🧸"

    command = [sys.executable, "-m", "engines", "--help"]
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as talking:
        talking.stdout.close()
        told = talking.stderr.read().decode()
    assert "Traceback" not in told
    assert talking.returncode != BUG


def test_the_demo_counts_from_the_end_of_the_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from engines.cli.demo import began

    monkeypatch.delenv("LORIKEET_SET_UP_AT", raising=False)
    born = began()
    assert 0 < born <= time.time()
    for told, wanted in ((str(born + 5.0), born + 5.0), (str(born - 100.0), born), ("soon", born)):
        monkeypatch.setenv("LORIKEET_SET_UP_AT", told)
        assert began() == pytest.approx(wanted)
