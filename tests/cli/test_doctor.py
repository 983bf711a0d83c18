"""The doctor looks at everything, says each thing in words, and exits 1 only when something is broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines.api import places
from engines.cli import doctor, main
from engines.cli.codes import FINE, MISSED


def test_it_looks_at_everything_and_every_problem_has_a_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("torch", "no-such-package"))
    code = main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    names = {finding["name"] for finding in told["findings"]}
    assert {
        "Versions",
        "Device",
        "torch",
        "Projects",
        "Cache",
        "Starter",
        "Samples",
        "Methods",
        "Crash reports",
    } <= names
    problems = [finding for finding in told["findings"] if finding["level"] == "problem"]
    assert "Packages" in {finding["name"] for finding in problems}
    assert [finding["name"] for finding in problems if not finding["hint"]] == []
    assert (code, told["ok"]) == (MISSED, False)


def test_what_is_right_exits_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "LOOKS", (doctor.crashes,))
    assert main(["doctor", "--json"]) == FINE
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_a_missing_package_is_a_problem_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("torch", "no-such-package"))
    monkeypatch.setattr(doctor, "LOOKS", (doctor.versions,))
    assert main(["doctor"]) == MISSED
    told = capsys.readouterr().out
    assert "no-such-package not installed" in told
    assert "What to do: python3 packaging/bootstrap.py" in told


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_a_card_that_torch_cannot_use_is_told_with_a_remedy(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    (finding,) = doctor._torch({kind, "cpu"})
    assert finding.level == "warning"
    assert finding.hint


def test_a_starter_that_is_gone_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "resources", lambda: tmp_path)
    starter = [finding for finding in doctor.models() if finding.name == "Starter"]
    assert [finding.level for finding in starter] == ["problem"]


def test_little_disk_and_a_full_one_are_told_before_they_hurt(monkeypatch: pytest.MonkeyPatch) -> None:
    from engines.launch import hardware

    monkeypatch.setattr(hardware, "disk_free_bytes", lambda folder: 10**9)
    assert {finding.level for finding in doctor.disk()} == {"warning"}


def test_a_crash_report_is_pointed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LORIKEET_HOME", str(tmp_path))
    assert [finding.level for finding in doctor.crashes()] == ["ok"]
    folder = tmp_path / "state" / "crashes"
    folder.mkdir(parents=True)
    (folder / "crash-20261121-1.txt").write_text("x")
    (finding,) = doctor.crashes()
    assert finding.level == "warning"
    assert "crash-20261121-1.txt" in finding.hint
