"""The key says when an environment must be renewed, and the pins cover what the ranges ask for."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from packaging.requirements import Requirement

from tests.packaging.modules import ROOT, stamp


def _copy(folder: Path) -> Path:
    (folder / "packaging").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(ROOT / "packaging" / "constraints.txt", folder / "packaging")
    return folder


def test_equal_checkouts_share_a_key_and_a_changed_pin_changes_it(tmp_path: Path) -> None:
    first, second = _copy(tmp_path / "a"), _copy(tmp_path / "b")
    assert stamp.key(first) == stamp.key(second)
    pins = second / "packaging" / "constraints.txt"
    pins.write_text(re.sub(r"^pillow==.*$", "pillow==1.0", pins.read_text(), flags=re.MULTILINE))
    assert stamp.key(first) != stamp.key(second)


def test_a_tool_setting_does_not_ask_for_a_new_environment(tmp_path: Path) -> None:
    first, second = _copy(tmp_path / "a"), _copy(tmp_path / "b")
    config = second / "pyproject.toml"
    config.write_text(config.read_text().replace("line-length = 120", "line-length = 100"))
    assert stamp.key(first) == stamp.key(second)


def test_a_new_dependency_asks_for_a_new_environment(tmp_path: Path) -> None:
    first, second = _copy(tmp_path / "a"), _copy(tmp_path / "b")
    config = second / "pyproject.toml"
    config.write_text(config.read_text().replace("dependencies = [", 'dependencies = [\n    "something-new>=1",', 1))
    assert stamp.key(first) != stamp.key(second)


def _pins() -> dict[str, Requirement]:
    lines = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {re.sub(r"[-_.]+", "-", pin.name).lower(): pin for pin in pins}


def test_every_dependency_is_pinned_inside_its_range() -> None:
    pins = _pins()
    for line in stamp.requirements(ROOT, dev=True):
        need = Requirement(line)
        pin = pins.get(re.sub(r"[-_.]+", "-", need.name).lower())
        assert pin is not None, f"{need.name} is not pinned"
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert exact.version in need.specifier, f"{pin} is outside {need}"


def test_torchvision_matches_torch_exactly() -> None:
    pins = _pins()
    assert str(pins["torch"].specifier) == "==2.14.1"
    assert str(pins["torchvision"].specifier) == "==0.29.1"
