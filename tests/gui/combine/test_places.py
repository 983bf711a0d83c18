"""Places: boxes taken hold of, snapped, moved by keys; painted ones; overlaps said; all of it in one history."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.canvas.marking.boxes import area, grip_at, overlap, pulled, row_of, snapped
from gui.services import Services
from gui.views.combine.page import CombinePage
from projects.project import Project
from tests.gui.combine.conftest import WAIT_MS, find, made
from tests.gui.stage import asked

BOX = (0.2, 0.3, 0.5, 0.8)


@pytest.mark.parametrize("count", range(6))
def test_boxes_to_begin_with_lie_apart_and_in_the_picture(count: int) -> None:
    boxes = row_of(count)
    assert len(boxes) == count
    for number, box in enumerate(boxes):
        assert min(box) >= 0
        assert max(box) <= 1
        assert area(box) > 0.05
        assert all(overlap(box, other) == 0 for other in boxes[:number])


def test_a_box_is_pulled_by_its_sides_and_stays_in_the_picture() -> None:
    assert pulled(BOX, (0, 0), 1.0, -1.0) == pytest.approx((0.7, 0.0, 1.0, 0.5))
    assert pulled(BOX, (-1, 1), -0.1, 0.1) == pytest.approx((0.1, 0.3, 0.5, 0.9))
    assert pulled(BOX, (1, 0), -1.0, 0.4) == pytest.approx((0.2, 0.3, 0.24, 0.8)), "it keeps a least size"
    assert pulled(BOX, (0, -1), 0.3, -1.0) == pytest.approx((0.2, 0.0, 0.5, 0.8))


def test_grips_lie_on_the_edges() -> None:
    assert grip_at(BOX, 0.35, 0.5, 0.02, 0.02) == (0, 0)
    assert grip_at(BOX, 0.21, 0.31, 0.02, 0.02) == (-1, -1)
    assert grip_at(BOX, 0.5, 0.55, 0.02, 0.02) == (1, 0)
    assert grip_at(BOX, 0.6, 0.5, 0.02, 0.02) is None


@pytest.mark.parametrize(
    ("box", "grip", "others", "expected"),
    [
        ((0.01, 0.3, 0.31, 0.6), (0, 0), (), (0.0, 0.3, 0.3, 0.6)),  # the picture's edge; its height has no line near
        ((0.2, 0.1, 0.49, 0.25), (1, 0), (), (0.2, 0.1, 0.5, 0.25)),  # the middle, by the side that is held
        ((0.2, 0.1, 0.44, 0.2), (1, 0), ((0.45, 0.0, 0.6, 1.0),), (0.2, 0.1, 0.45, 0.2)),  # another box
        (
            (0.2, 0.1, 0.44, 0.2),
            (-1, 0),
            ((0.45, 0.0, 0.6, 1.0),),
            (0.2, 0.1, 0.44, 0.2),
        ),  # not by a side that is not held
    ],
)
def test_boxes_snap_to_what_is_near(box, grip, others, expected) -> None:
    assert snapped(box, grip, others, 0.015, 0.015)[0] == pytest.approx(expected)


def test_lines_are_told_for_what_a_box_lies_on() -> None:
    _box, upright, level = snapped((0.34, 0.1, 0.5, 0.2), (-1, 0), (), 0.015, 0.015)
    assert upright == pytest.approx((1 / 3,))
    assert level == ()


@pytest.fixture
def canvas(pair: CombinePage, qtbot: QtBot):
    """The canvas with the keyboard, the first subject in hand."""
    pair.activateWindow()
    qtbot.waitUntil(pair.isActiveWindow, timeout=WAIT_MS)
    pair.board.choose(0)
    made_canvas = pair.stage.places.canvas
    made_canvas.setFocus()
    return made_canvas


def at(canvas, x: float, y: float) -> QPoint:
    frame = canvas.frame
    return QPoint(*(round(value) for value in frame.to_view(x * frame.picture_w, y * frame.picture_h)))


def drag(canvas, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(canvas, (start + end) / 2)
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)


def test_a_box_is_dragged_and_the_other_comes_into_hand(pair: CombinePage, canvas, services: Services) -> None:
    left, top, right, bottom = pair.board.draft.parts[1].box
    middle = ((left + right) / 2, (top + bottom) / 2)
    drag(canvas, at(canvas, *middle), at(canvas, middle[0], middle[1] - 0.17))
    assert pair.board.chosen == 1
    assert pair.board.draft.parts[1].box[1] == pytest.approx(top - 0.17, abs=0.02)
    drag(canvas, at(canvas, 0.5, 0.02), at(canvas, 0.9, 0.08))
    assert pair.board.draft.parts[1].box == pytest.approx((0.5, 0.02, 0.9, 0.08), abs=0.02), "beside all, a new one"
    services.session.undo_stack.undo()
    services.session.undo_stack.undo()
    assert pair.board.draft.parts[1].box == (left, top, right, bottom)


def test_the_keyboard_does_all_of_it(pair: CombinePage, canvas, services: Services, qtbot: QtBot) -> None:
    left, top, right, bottom = pair.board.draft.parts[0].box
    for _press in range(3):
        qtbot.keyClick(canvas, Qt.Key.Key_Right)
    qtbot.keyClick(canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: pair.board.draft.parts[0].box != (left, top, right, bottom), timeout=WAIT_MS)
    assert pair.board.draft.parts[0].box == pytest.approx((left + 0.03, top - 0.05, right + 0.03, bottom - 0.05))
    services.session.undo_stack.undo()
    assert pair.board.draft.parts[0].box == (left, top, right, bottom), "presses in a row are one step"
    qtbot.keyClick(canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: pair.board.draft.parts[0].box[2] < right, timeout=WAIT_MS)
    qtbot.keyClick(canvas, Qt.Key.Key_PageUp)
    assert [part.trigger for part in pair.board.draft.parts] == ["zork", "tealbear"]
    assert pair.board.chosen == 1
    qtbot.keyClick(canvas, Qt.Key.Key_Delete)
    assert not pair.board.draft.parts[1].placed
    assert "may be anywhere" in find(pair, "combine.placeWords").text()
    qtbot.keyClick(canvas, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert pair.board.chosen == 0


def test_an_overlap_is_said(pair: CombinePage) -> None:
    pair.board.set_part(0, "x", box=(0.1, 0.1, 0.6, 0.6))
    pair.board.set_part(1, "x", box=(0.5, 0.1, 0.9, 0.6))
    assert "overlap by 25 %" in find(pair, "combine.placeWords").text()


def test_a_place_is_painted_instead_of_a_box_and_comes_back(
    pair: CombinePage, canvas, services: Services, project: Project, qtbot: QtBot, tmp_path: Path
) -> None:
    find(pair, "combine.tool.brush").click()
    drag(canvas, at(canvas, 0.2, 0.5), at(canvas, 0.4, 0.5))
    part = pair.board.draft.parts[0]
    assert part.box is None
    mask = part.painted.mask()
    assert mask.array()[256, 150]
    assert not mask.array()[400, 400]
    find(pair, "combine.tool.eraser").click()
    drag(canvas, at(canvas, 0.0, 0.5), at(canvas, 1.0, 0.5))
    assert pair.board.draft.parts[0].painted is None, "nothing painted is no place"
    services.session.undo_stack.undo()
    assert pair.board.draft.parts[0].painted == part.painted
    services.session.open(project.root)
    assert pair.board.draft.parts[0].painted == part.painted
    qtbot.waitUntil(lambda: pair.readiness.ready, timeout=WAIT_MS)
    made(pair, qtbot)
    request = next(one for one in asked(tmp_path) if one["type"] == "compose")
    concept = request["composition"]["concepts"][0]
    values = np.asarray(Image.open(concept["mask"]))
    assert values[256, 150] == 255
    assert values[400, 400] == 0
    assert Path(concept["mask"]).parent == Path(request["folder"])
