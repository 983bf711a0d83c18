"""What lies on the marking canvas: pictures at any scale, masks with their borders, strokes as exact pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QWheelEvent
from PySide6.QtTest import QTest

from gui.canvas.frame import Frame
from gui.canvas.marking.boxing import BoxTool
from gui.canvas.marking.brushing import BrushTool
from gui.canvas.marking.canvas import MarkingCanvas, Points, Shown
from gui.canvas.marking.clicking import ClickTool
from gui.canvas.marking.outlining import PolygonTool
from gui.canvas.marking.piece import Look, Piece
from gui.canvas.marking.pyramid import Pyramid, read_pyramid
from gui.canvas.marking.stroke import Stroke, cover, painted
from projects.errors import ImportFailure
from projects.regions.mask import Mask

RED, BLUE = QColor(200, 20, 20), QColor(20, 20, 200)


def square(width: int = 60, height: int = 40) -> Mask:
    inside = np.zeros((height, width), np.bool_)
    inside[10:30, 15:45] = True
    inside[15:20, 20:25] = False
    return Mask.of(inside)


def drawn(piece: Piece, frame: Frame) -> np.ndarray:
    """(h, w) of what a piece covers of a view: 0 nothing, 1 fill, 2 border."""
    image = QImage(int(frame.view_w), int(frame.view_h), QImage.Format.Format_RGB32)
    image.fill(QColor(0, 0, 0))
    with QPainter(image) as painter:
        piece.draw(painter, frame, 1.0, Look(RED, BLUE))
    values = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return np.where(values[..., 0] > 100, 2, np.where(values[..., 2] > 100, 1, 0))


@pytest.fixture
def canvas(qtbot):
    made = MarkingCanvas("nothing")
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.show()
    made.set_pyramid(Pyramid.of(Image.new("RGB", (60, 40), (90, 90, 90))))
    return made


@given(st.integers(1, 70), st.integers(1, 50), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_mask_drawn_pixel_by_pixel_is_the_mask(width, height, seed):
    inside = np.random.default_rng(seed).random((height, width)) < 0.5
    frame = Frame(width, height, width, height)
    assert np.array_equal(drawn(Piece(Mask.of(inside)), frame) > 0, inside)


def test_the_border_is_one_pixel_wide_at_every_small_scale():
    inside = np.zeros((800, 1200), np.bool_)
    inside[100:700, 200:1000] = True
    piece = Piece(Mask.of(inside))
    for scale in (1.0, 0.5, 0.26, 0.1):
        shown = drawn(piece, Frame(1200 * scale, 800 * scale, 1200, 800))
        middle = shown[int(400 * scale)]
        assert 1 <= (middle == 2).sum() / 2 <= 2, scale
        assert abs((middle > 0).sum() - 800 * scale) <= 3, scale


def test_enlarged_the_border_is_a_thin_line_along_the_pixels():
    frame = Frame(600, 400, 60, 40).zoomed(4, 100, 100)
    shown = drawn(Piece(square()), frame)
    scale = frame.scale
    left, top = frame.to_view(15, 10)
    edge = shown[int(top + 2.5 * scale), : int(left) + 40]
    assert edge[int(left) - 4 : int(left) + 4].max() == 2
    assert set(edge[int(left) + 4 :]) == {1}
    assert (edge == 2).sum() <= 3


def test_a_piece_knows_what_belongs_to_it():
    piece, mask = Piece(square()), square().array()
    for x, y in ((15, 10), (14.9, 10), (22.5, 17.5), (44.9, 29.9), (45, 29), (-1, -1), (500, 500)):
        inside = 0 <= x < 60 and 0 <= y < 40 and bool(mask[int(y), int(x)])
        assert piece.contains(x, y) == inside, (x, y)
    assert not Piece(Mask.from_counts([2400], 60, 40)).contains(3, 3)


@given(
    st.lists(st.tuples(st.floats(-20, 80), st.floats(-20, 60)), min_size=1, max_size=4),
    st.floats(1, 30),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_stroke_changes_what_it_covers_and_nothing_else(points, diameter, erase):
    before = square().array()
    after = painted(square(), Stroke(tuple(points), diameter, erase), 60, 40).array()
    over, left, top = cover(Stroke(tuple(points), diameter), 60, 40)
    whole = np.zeros_like(before)
    whole[top : top + over.shape[0], left : left + over.shape[1]] = over
    assert np.array_equal(after, before & ~whole if erase else before | whole)


@pytest.mark.parametrize(
    ("x", "y", "diameter"), [(30.0, 20.0, 17.0), (10.3, 8.8, 5.0), (29.5, 19.5, 1.0), (2.0, 3.0, 60.0)]
)
def test_a_dot_of_the_brush_is_a_disc_of_its_diameter(x, y, diameter):
    rows, columns = np.mgrid[:40, :60]
    away = np.hypot(columns + 0.5 - x, rows + 0.5 - y)
    shown = painted(None, Stroke(((x, y),), diameter), 60, 40).array()
    assert shown[away < diameter / 2 - 0.5].all()
    assert not shown[away > diameter / 2 + 0.5].any()
    assert shown.any()


def test_a_picture_keeps_its_pixels_and_is_halved_for_small_views(tmp_path):
    values = np.random.default_rng(3).integers(0, 255, (1000, 1300, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    pyramid = read_pyramid(tmp_path / "a.png")
    image = QImage(1300, 1000, QImage.Format.Format_RGB32)
    with QPainter(image) as painter:
        pyramid.draw(painter, Frame(1300, 1000, 1300, 1000), 1.0)
    shown = np.frombuffer(image.constBits(), np.uint8).reshape(1000, 1300, 4)[..., 2::-1]
    assert np.array_equal(shown, values)
    assert [(times, level.width()) for times, level in pyramid.levels] == [(1, 1300), (2, 650), (4, 325)]
    assert pyramid.small(400)[0] == 2


def test_a_damaged_picture_is_an_expected_failure(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(ImportFailure):
        read_pyramid(tmp_path / "a.png")


def test_clicks_come_in_the_pictures_own_pixels(canvas):
    tool = ClickTool()
    told = []
    tool.clicked.connect(lambda *click: told.append(click))
    canvas.set_tool(tool)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    QTest.mouseClick(canvas, Qt.MouseButton.RightButton, pos=QPoint(20, 10))
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier, QPoint(590, 390))
    assert told == [(30.0, 20.0, True), (2.0, 1.0, False), (59.0, 39.0, False)]


def test_the_wheel_zooms_around_the_pointer_and_space_moves(canvas, qtbot):
    canvas.set_tool(ClickTool())
    before = canvas.frame.to_picture(450, 100)
    wheel = QWheelEvent(
        QPoint(450, 100), canvas.mapToGlobal(QPoint(450, 100)), QPoint(), QPoint(0, 480), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    canvas.wheelEvent(wheel)
    assert canvas.frame.zoom > 2
    assert canvas.frame.to_picture(450, 100) == pytest.approx(before)
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    QTest.mouseMove(canvas, QPoint(260, 230))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(260, 230))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert canvas.frame.to_picture(510, 130) == pytest.approx(before)
    qtbot.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.frame.zoom == 1


def test_a_box_is_what_was_dragged_and_stays_in_the_picture(canvas):
    tool = BoxTool(canvas)
    told = []
    tool.boxed.connect(lambda *box: told.append(box))
    canvas.set_tool(tool)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(400, 300))
    QTest.mouseMove(canvas, QPoint(100, 100))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(100, -50))
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    assert told == [(10.0, 0.0, 40.0, 30.0)]


def test_a_polygon_closes_at_its_first_point_and_takes_points_back(canvas, qtbot):
    tool = PolygonTool(canvas)
    told = []
    tool.outlined.connect(told.append)
    canvas.set_tool(tool)
    for x, y in ((100, 100), (300, 100), (500, 50), (300, 300)):
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    qtbot.keyClick(canvas, Qt.Key.Key_Backspace)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(300, 300))
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(103, 102))
    assert told == [((10.0, 10.0), (30.0, 10.0), (50.0, 5.0), (30.0, 30.0))]
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert tool.points == 0


def test_erasing_shows_the_picture_below_the_marks(canvas):
    canvas.set_pieces([Shown(Piece(square()), Look(RED, RED))])
    tool = BrushTool(canvas, erase=True)
    tool.set_diameter(6)
    canvas.set_tool(tool)
    at = QPoint(400, 200)  # (40, 20) of the picture, well inside the square
    assert QColor(canvas.grab().toImage().pixel(at)).red() > 150
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(350, 200))
    QTest.mouseMove(canvas, QPoint(440, 200))
    shown = canvas.grab().toImage()
    assert QColor(shown.pixel(at)).getRgb()[:3] == (90, 90, 90)
    assert QColor(shown.pixel(QPoint(400, 280))).red() > 150
    strokes = []
    tool.stroked.connect(strokes.append)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(440, 200))
    assert strokes == [Stroke(((35.0, 20.0), (44.0, 20.0)), 6.0, erase=True)]
    tool.settle()
    assert QColor(canvas.grab().toImage().pixel(at)).red() > 150, "nothing was edited here, so the mark is as it was"


def test_points_and_words_are_drawn(canvas):
    bare = canvas.grab().toImage()
    canvas.set_points(Points(((10.0, 10.0, True), (50.0, 30.0, False)), (5.0, 5.0, 40.0, 30.0)))
    canvas.set_words("Enter: keep")
    shown = canvas.grab().toImage()
    for x, y in ((104, 104), (504, 304), (50, 200), (30, 378)):
        assert shown.pixel(x, y) != bare.pixel(x, y), (x, y)
