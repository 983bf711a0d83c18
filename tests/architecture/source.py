"""The project's own source files, parsed once, for the tests that read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("engines", "gui", "projects", "packaging")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".json", ".yaml", ".yml", ".txt", ".qss", ".cfg", ".sh"}
SKIPPED = {"__pycache__", ".venv", ".git", "build", "dist"}


@dataclass(frozen=True)
class Source:
    """A parsed Python file; `name` is its path from the root with forward slashes."""

    name: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """Its dotted name."""
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def files() -> Iterator[Path]:
    """Every text file of the project."""
    for entry in sorted(ROOT.iterdir()):
        if entry.is_file():
            if entry.suffix in TEXT_SUFFIXES or entry.name == ".gitignore":
                yield entry
        elif entry.name in {*PRODUCT, "tests", "docs", "resources", ".ci"}:
            for path in sorted(entry.rglob("*")):
                ours = path.is_file() and not SKIPPED & set(path.parts)
                if ours and (path.suffix in TEXT_SUFFIXES or path.parent.name == ".ci"):
                    yield path


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of the project, tests included."""
    found = []
    for path in files():
        if path.suffix == ".py":
            text = path.read_text(encoding="utf-8")
            found.append(Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text)))
    return tuple(found)


def product() -> tuple[Source, ...]:
    """Every Python file that is not a test."""
    return tuple(source for source in sources() if not source.name.startswith("tests/"))


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or attribute chain, else an empty string."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call in a tree."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def listing(offences: list[str]) -> str:
    """For the message of a failed test."""
    return "\n" + "\n".join(offences)
