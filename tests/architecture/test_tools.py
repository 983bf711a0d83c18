"""The code passes its own tools: ruff for rules and layout, mypy --strict for types."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.source import ROOT


def _run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_ruff_finds_nothing() -> None:
    _run("ruff", "check", ".")


def test_the_layout_is_ruffs() -> None:
    _run("ruff", "format", "--check", ".")


@pytest.mark.timeout(900)
def test_mypy_strict() -> None:
    _run("mypy")
