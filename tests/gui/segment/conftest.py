"""A real window over a project with pictures to mark; the model's answers come from a process that answers as the worker does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.services import Services
from gui.views.segment.page import SegmentPage
from gui.views.shell.window import MainWindow
from projects import queries
from projects.importing import import_paths
from projects.project import Project
from projects.records import Region
from projects.regions.mask import Mask
from tests.gui.frame.conftest import _no_torch, services, window  # noqa: F401 - fixtures

WAIT_MS = 30_000
WIDTH, HEIGHT = 160, 120


def write_pictures(folder: Path, count: int) -> Path:
    """Pictures with a bright disc each, at different places, on grounds that do not resemble each other."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        ground = np.random.default_rng(number).integers(0, 120, (6, 8, 3), dtype=np.uint8)
        values = np.kron(ground, np.ones((HEIGHT // 6, WIDTH // 8, 1), np.uint8))
        values[(columns - 40 - 12 * number) ** 2 + (rows - 60) ** 2 < 400] = 220
        PillowImage.fromarray(values).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Four pictures to mark, no label yet."""
    with Project.create(tmp_path / "project", "Discs") as made:
        import_paths(made, [write_pictures(tmp_path / "pictures", 4)], None, threads=1)
        yield made


@pytest.fixture
def page(window: MainWindow, services: Services, project: Project, qtbot: QtBot) -> SegmentPage:  # noqa: F811 - a fixture
    """The page Segment with the first picture on the board; the window has the keyboard."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    services.session.adopt(project)
    window.go("segment")
    made = window.page("segment")
    assert isinstance(made, SegmentPage)
    ready(made, qtbot)
    return made


def ready(page: SegmentPage, qtbot: QtBot) -> None:
    """Wait until the picture is drawn and its marks are read."""
    qtbot.waitUntil(lambda: page.board.image is not None and page.mark.canvas.frame.picture_w > 0, timeout=WAIT_MS)


def settled(page: SegmentPage, qtbot: QtBot, count: int) -> tuple[Region, ...]:
    """Wait until everything is written and read again, and return the regions of the picture: there must be `count`."""
    qtbot.waitUntil(
        lambda: not page.board.editing.busy and [item.region for item in page.board.marked] == list(regions(page)),
        timeout=WAIT_MS,
    )
    assert len(regions(page)) == count
    return regions(page)


def regions(page: SegmentPage) -> tuple[Region, ...]:
    """What the project holds of the picture on the board."""
    project = page.services.session.project
    assert project is not None
    assert page.board.image is not None
    return queries.regions(project, page.board.image.id)


def mask_of(region: Region) -> np.ndarray:
    """(h, w) of a region of one of our pictures."""
    return Mask.from_text(region.counts, WIDTH, HEIGHT).array()


def place(page: SegmentPage, x: float, y: float) -> QPoint:
    """A place of the picture as a place of the canvas."""
    return QPointF(*page.mark.canvas.frame.to_view(x, y)).toPoint()


def drag(page: SegmentPage, *points: tuple[float, float], button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    """Press at the first point of the picture, go over the others, let go at the last."""
    canvas = page.mark.canvas
    QTest.mousePress(canvas, button, pos=place(page, *points[0]))
    for point in points[1:]:
        QTest.mouseEvent(
            QTest.MouseAction.MouseMove, canvas, button, Qt.KeyboardModifier.NoModifier, place(page, *point)
        )
    QTest.mouseRelease(canvas, button, pos=place(page, *points[-1]))


def click(page: SegmentPage, x: float, y: float, *, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Click at a place of the picture."""
    QTest.mouseClick(page.mark.canvas, Qt.MouseButton.LeftButton, keys, place(page, x, y))
