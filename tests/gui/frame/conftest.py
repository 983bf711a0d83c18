"""A real window over a real project in a folder of its own; nothing is replaced but the screen."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image as PillowImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.app import make_services
from gui.services import Services
from gui.views.shell.window import MainWindow
from projects import edits
from projects.importing import import_paths
from projects.project import Project

Photos = Callable[[int], Path]


@pytest.fixture
def services(qapp: QApplication) -> Iterator[Services]:
    """The long-lived objects of a window."""
    made = make_services(qapp, theme="light")
    yield made
    made.stop()
    made.session.close()


@pytest.fixture
def window(services: Services, qtbot: QtBot) -> Iterator[MainWindow]:
    """A window on Home, nothing open."""
    made = MainWindow(services)
    qtbot.addWidget(made)
    made.resize(1280, 840)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    """Writes a folder of small different pictures, the first one with a caption beside it."""
    return partial(write_photos, tmp_path / "photos")


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one subject and four photos, made once and only copied from then on."""
    folder = tmp_path_factory.mktemp("made")
    with Project.create(folder / "project", "Teal bear") as made:
        concept = edits.add_concept(made, "Teal bear", trigger="tealbear", class_noun="bear").ids[0]
        import_paths(made, [write_photos(folder / "photos", 4)], concept, threads=1)
    return folder / "project"


@pytest.fixture
def project(tmp_path: Path, finished_project: Path) -> Iterator[Project]:
    """A project with one subject and four photos, opened nowhere else."""
    shutil.copytree(finished_project, tmp_path / "project")
    with Project.open(tmp_path / "project") as made:
        yield made


def write_photos(folder: Path, count: int) -> Path:
    """Small different pictures, the first one with a caption beside it."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        picture = PillowImage.frombytes("RGB", (320, 300), random.Random(number).randbytes(320 * 300 * 3))
        picture.paste((number * 23 % 256, number * 67 % 256, 90), (40 + number * 5, 60, 200, 200))
        picture.save(folder / f"{number:02}.png")
    (folder / "00.txt").write_text("a mug on a table", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _no_torch() -> Iterator[None]:
    """Nothing of the window may load torch; what another test loaded before is not its doing."""
    before = "torch" in sys.modules
    yield
    assert before or "torch" not in sys.modules
