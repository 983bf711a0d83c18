"""The one command: its verbs, its exit codes, and what it says when Python or the system lack something."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.modules import ROOT, bootstrap, libraries, reasons

SCRIPT = ROOT / "packaging" / "bootstrap.py"


def test_no_verb_prints_the_verbs_and_is_a_usage_error() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == bootstrap.EXIT_USAGE
    assert all(verb in done.stdout for verb in bootstrap.VERBS)


def test_doctor_without_an_environment_says_what_to_do_and_installs_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "doctor"],
        env={"LORIKEET_ENV": str(tmp_path / "none"), "PATH": "/usr/bin:/bin", "SYSTEMROOT": "C:\\Windows"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "there is no environment yet" in done.stdout
    assert "What to do" in done.stdout
    assert not (tmp_path / "none").exists()


def test_an_old_python_is_told_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    assert bootstrap.main(["demo"]) == bootstrap.EXIT_EXPECTED
    told = capsys.readouterr().err
    assert "Python 3.11 or newer; this is Python 3.9.1" in told
    assert "What to do" in told


def test_an_old_python_without_tomllib_is_told_in_words(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.version_info = (3, 10, 1); sys.modules['tomllib'] = None; sys.path.insert(0, sys.argv[2]);"
        "sys.argv = [sys.argv[1], 'demo']; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(SCRIPT), str(SCRIPT.parent)],
        env={"PATH": str(tmp_path), "SYSTEMROOT": "C:\\Windows"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == bootstrap.EXIT_EXPECTED
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_script_itself_can_be_read_by_pythons_that_are_too_old() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
    annotations = [
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for part in (node.returns, *(argument.annotation for argument in node.args.args))
    ]
    assert annotations
    assert [part for part in annotations if not isinstance(part, ast.Name | ast.Constant)] == []
    assert "annotations" not in {name.name for n in tree.body if isinstance(n, ast.ImportFrom) for name in n.names}


def test_the_script_has_no_init_beside_it_that_would_hide_a_library() -> None:
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_a_missing_library_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries.sys, "platform", "linux")
    monkeypatch.setattr(libraries, "_loads", lambda name: name not in {"libxcb-cursor.so.0", "libEGL.so.1"})
    assert libraries.packages_missing(window=False) == ["libegl1"]
    assert libraries.packages_missing(window=True) == ["libegl1", "libxcb-cursor0"]


def test_without_rights_the_one_line_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(libraries.sys, "platform", "linux")
    monkeypatch.setattr(libraries, "may_install", lambda: False)
    monkeypatch.setattr(libraries.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    monkeypatch.setattr(libraries, "_loads", lambda name: name != "libxcb-cursor.so.0")
    libraries.provide(window=True)  # Wayland can do without: told, not refused
    assert "sudo apt-get install -y libxcb-cursor0" in capsys.readouterr().out
    monkeypatch.setattr(libraries, "_loads", lambda name: name != "libEGL.so.1")
    with pytest.raises(reasons.SetupFailure) as told:
        libraries.provide(window=False)
    assert "sudo apt-get install -y libegl1" in told.value.hint


def test_as_root_on_debian_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    present: set[str] = set()
    monkeypatch.setattr(libraries.sys, "platform", "linux")
    monkeypatch.setattr(libraries, "may_install", lambda: True)
    monkeypatch.setattr(libraries, "_loads", lambda name: name != "libxcb-cursor.so.0" or "libxcb-cursor0" in present)
    monkeypatch.setattr(libraries, "apt_install", present.update)
    libraries.provide(window=True)
    assert present == {"libxcb-cursor0"}
