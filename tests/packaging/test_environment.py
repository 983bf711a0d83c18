"""The environment is made, kept, mended and shared without surprises, on a checkout that needs no packages."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.packaging.modules import environment, kept, reasons


def _checkout(folder: Path, mark: str) -> Path:
    (folder / "packaging").mkdir(parents=True)
    (folder / "engines").mkdir()
    (folder / "engines" / "__init__.py").write_text(f"MARK = {mark!r}\n")
    (folder / "packaging" / "constraints.txt").write_text("# none\n")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "0"\ndependencies = []\n[project.optional-dependencies]\ndev = []\n'
    )
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> environment.Place:
    monkeypatch.setenv("LORIKEET_ENV", str(tmp_path / "shared"))
    return environment.locate(_checkout(tmp_path / "first", "first"))


def _seen_by(place: environment.Place) -> str:
    code = "import engines; print(engines.MARK)"
    done = subprocess.run(
        [str(place.python), "-c", code],
        env=environment.surroundings(place),
        cwd=place.root.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_from_nothing_to_mended(place: environment.Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert environment.problems(place, dev=False) == ["there is no environment yet"]
    environment.ensure(place, dev=False)
    assert environment.problems(place, dev=False) == []
    made = place.python.lstat().st_mtime_ns

    # Right already: nothing is touched and nothing is said.
    capsys.readouterr()
    environment.ensure(place, dev=False)
    assert capsys.readouterr().out == ""
    assert place.python.lstat().st_mtime_ns == made

    # A second checkout shares it, and each sees its own code only.
    second = environment.locate(_checkout(tmp_path / "second", "second"))
    environment.ensure(second, dev=False)
    assert (_seen_by(place), _seen_by(second)) == ("first", "second")
    assert place.python.lstat().st_mtime_ns == made

    # Interrupted between making and stamping: gone on with, not made anew.
    (place.folder / environment.STAMP).unlink()
    assert environment.problems(place, dev=False) == ["the last installation did not finish"]
    environment.ensure(place, dev=False)
    assert place.python.lstat().st_mtime_ns == made

    # Interrupted while being made: made anew.
    place.python.unlink()
    environment.ensure(place, dev=False)
    assert environment.problems(place, dev=False) == []


def test_a_folder_with_something_else_in_it_is_left_alone(place: environment.Place) -> None:
    place.folder.mkdir()
    (place.folder / "thesis.txt").write_text("precious")
    with pytest.raises(reasons.SetupFailure, match="something else"):
        environment.ensure(place, dev=False)
    assert (place.folder / "thesis.txt").read_text() == "precious"


def test_a_full_disk_is_told_before_anything_is_made(place: environment.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "free_bytes", lambda folder: 3_000_000_000)
    with pytest.raises(reasons.SetupFailure) as told:
        environment.ensure(place, dev=False)
    assert "room" in told.value.title
    assert "3.0 GB are free" in told.value.what
    assert not place.python.exists()


def test_a_python_without_venv_is_told_with_its_remedy(
    place: environment.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment.libraries, "may_install", lambda: False)
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(reasons.SetupFailure) as told:
        environment.ensure(place, dev=False)
    assert "ensurepip" in told.value.what
    assert "python3-venv" in told.value.hint


def test_a_venv_inside_the_checkout_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LORIKEET_ENV", raising=False)
    monkeypatch.delenv("LORIKEET_ENV_CACHE", raising=False)
    place = environment.locate(tmp_path)
    assert place.folder == tmp_path / ".venv"
    assert place.private
    monkeypatch.setenv("LORIKEET_ENV", str(tmp_path.parent / "elsewhere"))
    assert not environment.locate(tmp_path).private


def test_a_cache_keeps_what_is_used_anywhere_and_lets_the_rest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, long_ago = tmp_path / "cache", time.time() - (kept.KEPT_DAYS + 1) * 86_400
    monkeypatch.delenv("LORIKEET_ENV", raising=False)
    monkeypatch.setenv("LORIKEET_ENV_CACHE", str(cache))
    place = environment.locate(_checkout(tmp_path / "checkout", "x"))
    assert (place.folder.parent, place.private) == (cache, False)
    forgotten, elsewhere, stranger = (cache / name for name in ("env-forgotten", "env-elsewhere", "models"))
    for folder in (place.folder, forgotten, elsewhere, stranger):
        (folder / "bin").mkdir(parents=True)
        for path in (folder / "bin", folder):
            os.utime(path, (long_ago, long_ago))
    kept.mark_used(elsewhere)
    os.utime(elsewhere, (long_ago, long_ago))
    monkeypatch.setattr(environment, "problems", lambda where, dev: [])
    environment.ensure(place, dev=False)
    assert sorted(cache.iterdir()) == sorted([place.folder, elsewhere, stranger])
    assert (place.folder / kept.USED).stat().st_mtime > long_ago + 86_400


def test_an_environment_that_was_named_touches_no_cache(
    place: environment.Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LORIKEET_ENV_CACHE", str(tmp_path / "cache"))
    assert environment.locate(place.root) == place
    assert place.cache is None


def test_the_second_of_two_set_ups_waits(place: environment.Place, tmp_path: Path) -> None:
    holder = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import environment\n"
        "place = environment.locate(pathlib.Path(sys.argv[2]))\n"
        "with environment._lock(place):\n    print('held', flush=True); sys.stdin.read()\n"
    )
    packaging_folder = str(Path(environment.__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", holder, packaging_folder, str(place.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline().strip() == b"held"
        lock_file = place.folder.with_name(place.folder.name + ".lock")
        with lock_file.open("a+b") as handle:
            assert not environment._try_lock(handle)
        other.kill()
    with lock_file.open("a+b") as handle:
        assert environment._try_lock(handle)
