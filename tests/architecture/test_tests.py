"""Every test can fail: it asserts something, or waits for something that need not come."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.source import ROOT

_CALLS = {"raises", "warns", "fail", "assert_close", "waitSignal", "waitUntil"}


def _can_fail(node: ast.AST, helpers: frozenset[str]) -> bool:
    return any(
        (isinstance(part, ast.Assert) and not isinstance(part.test, ast.Constant | ast.Tuple))
        or (isinstance(part, ast.Call) and _name(part.func) in helpers)
        for part in ast.walk(node)
    )


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _toothless(files: dict[Path, ast.Module]) -> list[str]:
    functions = [
        (path, node) for path, tree in files.items() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    ]
    helpers = frozenset(_CALLS)
    while more := {node.name for _, node in functions if _can_fail(node, helpers)} - helpers:
        helpers |= more
    return [
        f"{path}:{node.lineno} {node.name}"
        for path, node in functions
        if node.name.startswith("test") and node.name not in helpers
    ]


def test_every_test_can_fail() -> None:
    files = {path: ast.parse(path.read_text("utf-8")) for path in (ROOT / "tests").rglob("*.py")}
    assert len(files) > 50
    assert _toothless(files) == []


def test_a_test_without_teeth_is_found() -> None:
    text = "def test_a(): run()\ndef test_b(): assert True\ndef test_c(): look()\ndef look(): assert run()\n"
    assert _toothless({Path("x.py"): ast.parse(text)}) == ["x.py:1 test_a", "x.py:2 test_b"]
