"""Projects and folders for the tests of documents."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import edits
from projects.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A new, empty project in `tmp_path/project`."""
    with Project.create(tmp_path / "project", "Test") as opened:
        yield opened


@pytest.fixture
def concept(project: Project) -> str:
    """The id of a concept in it."""
    return edits.add_concept(project, "Dog", trigger="sks", class_noun="dog").ids[0]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An empty folder to import from."""
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[None]:
    """Drop the superuser's right to write anywhere, where the tests run as one."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        yield
        return
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == 0 and folder != Path(folder.anchor):
            folder.chmod(folder.stat().st_mode | 0o055)
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)
