"""Imports point down, and the window and its half of the engines never load torch."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

from tests.architecture.source import ROOT, listing, product

HEAVY = ("torch", "diffusers", "transformers", "peft", "accelerate")
TORCH_FREE = (
    "gui.app",
    "engines.api",
    "engines.launch",
    "engines.cli",
    "engines.bench.runner",
    "engines.segmentation.metrics",
    "projects",
    "lorikeet",
)


def _python(code: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, "-c", code], env=settings, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_contracts_of_pyproject_hold() -> None:
    done = _python("from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", TORCH_FREE)
def test_importing_it_and_all_below_it_does_not_load_torch(module: str) -> None:
    everything = module in {"engines.api", "engines.launch", "engines.segmentation.metrics", "projects"}
    code = (
        "import importlib, pkgutil, sys\n"
        f"top = importlib.import_module({module!r})\n"
        f"if {everything}:\n"
        "    for found in pkgutil.walk_packages(top.__path__, top.__name__ + '.'):\n"
        "        importlib.import_module(found.name)\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    done = _python(code)
    assert done.returncode == 0, done.stderr


def test_no_package_below_the_window_loads_qt() -> None:
    done = _python(
        "import engines.cli, engines.launch, projects, sys; assert not [m for m in sys.modules if m.startswith('PySide6')]"
    )
    assert done.returncode == 0, done.stderr


def test_only_the_loop_knows_accelerate() -> None:
    users = {
        source.name
        for source in product()
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "accelerate" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "accelerate")
    }
    assert users <= {"engines/core/loop.py"}, users


def test_resources_and_packaging_are_not_packages() -> None:
    strays = [path for folder in ("resources", "packaging") for path in (ROOT / folder).rglob("__init__.py")]
    assert not strays, strays


def test_nothing_happens_on_import() -> None:
    """A module defines; calls, loops and `with` at its top level belong into functions."""
    offences = [
        f"{source.name}:{node.lineno}"
        for source in product()
        for node in source.tree.body
        if isinstance(node, ast.For | ast.While | ast.With)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    ]
    assert not offences, listing(offences)
