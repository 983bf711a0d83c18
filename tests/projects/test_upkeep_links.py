"""A stranger's project may hold links: nothing outside its folder is moved or deleted when it is opened."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from projects.edits import add_concept
from projects.errors import ProjectError
from projects.importing import import_paths
from projects.project import Project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


def _aged(path: Path) -> Path:
    path.write_bytes(b"private")
    long_ago = time.time() - 90 * 86_400
    os.utime(path, (long_ago, long_ago))
    return path


def test_opening_leaves_files_behind_a_link_alone(tmp_path: Path) -> None:
    outside = tmp_path / "Pictures"
    outside.mkdir()
    kept = [_aged(outside / "holiday.jpg"), _aged(outside / "thesis.odt")]
    root = tmp_path / "stranger"
    made = Project.create(root, "Stranger")
    concept = add_concept(made, "Cat").ids[0]
    picture = tmp_path / "cat.png"
    Image.new("RGB", (300, 300), (200, 40, 40)).save(picture)
    taken = import_paths(made, [picture], concept).added
    with made.transaction() as connection:
        connection.execute("UPDATE images SET file = 'images/thesis.odt', removed = 1 WHERE id = ?", taken[:1])
    made.close()
    shutil.rmtree(root / "images")
    (root / "images").symlink_to(outside, target_is_directory=True)
    project = Project.open(root)
    assert all(path.is_file() for path in kept)
    with pytest.raises(ProjectError, match="link"):
        project.path("images/thesis.odt")
    project.close()
