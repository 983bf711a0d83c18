"""The picture views: arithmetic of zoom and pan, and the two pictures laid over each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent

from gui.canvas.compare import CompareView
from gui.canvas.frame import LARGEST, Frame
from gui.canvas.picture import PictureCanvas
from gui.canvas.pixels import difference, read_image

RED, BLUE = QColor(220, 20, 20), QColor(20, 20, 220)


def plain(colour: QColor, width: int = 64, height: int = 64) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(colour)
    return image


def close(one: QColor, other: QColor) -> bool:
    return abs(one.red() - other.red()) + abs(one.green() - other.green()) + abs(one.blue() - other.blue()) < 30


@pytest.fixture
def view(qtbot):
    made = CompareView("nothing yet")
    qtbot.addWidget(made)
    made.resize(400, 400)
    made.show()
    made.set_before(plain(RED))
    made.set_after(plain(BLUE))
    return made


def test_fitting_centres_the_whole_picture():
    frame = Frame(400, 200, 100, 100)
    assert frame.rect == (100, 0, 200, 200)


@given(
    st.floats(0.3, 4),
    st.floats(0, 400),
    st.floats(0, 300),
    st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), max_size=5),
)
def test_a_zoomed_picture_always_covers_its_view_or_is_centred(factor, x, y, drags):
    frame = Frame(400, 300, 640, 480).zoomed(factor * 2, x, y)
    for dx, dy in drags:
        frame = frame.moved(dx, dy)
    left, top, width, height = frame.rect
    assert 1.0 <= frame.zoom <= LARGEST
    assert left <= 1e-6
    assert top <= 1e-6
    assert left + width >= 400 - 1e-6
    assert top + height >= 300 - 1e-6


def test_zoom_keeps_the_point_under_the_pointer():
    frame = Frame(400, 400, 100, 100)
    before = ((150 - frame.rect[0]) / frame.rect[2], (250 - frame.rect[1]) / frame.rect[3])
    zoomed = frame.zoomed(3, 150, 250)
    after = ((150 - zoomed.rect[0]) / zoomed.rect[2], (250 - zoomed.rect[1]) / zoomed.rect[3])
    assert after == pytest.approx(before)


def test_the_look_stays_for_the_next_picture_of_the_same_shape():
    frame = Frame(400, 400, 100, 100).zoomed(4, 10, 10)
    assert frame.showing(200, 200).zoom == 4
    assert frame.showing(200, 100).zoom == 1


def test_slider_shows_before_on_the_left_and_after_on_the_right(view):
    shot = view.grab().toImage()
    assert close(shot.pixelColor(100, 350), RED)
    assert close(shot.pixelColor(300, 350), BLUE)


def test_keys_move_the_divider(view, qtbot):
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert view.split == pytest.approx(0.6)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.split == pytest.approx(0.58)
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert view.split == 0.0
    assert close(view.grab().toImage().pixelColor(100, 350), BLUE)
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert view.split == 1.0
    assert close(view.grab().toImage().pixelColor(300, 350), RED)


def test_dragging_moves_the_divider(view, qtbot):
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    qtbot.mouseMove(view, QPoint(100, 200))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 200))
    assert view.split == pytest.approx(0.25, abs=0.02)


def test_side_by_side_shows_both_whole(view):
    view.set_mode("side")
    shot = view.grab().toImage()
    assert close(shot.pixelColor(100, 280), RED)
    assert close(shot.pixelColor(300, 280), BLUE)


def test_blink_swaps_by_itself_and_by_space_and_rests_when_hidden(view, qtbot):
    view.set_mode("blink")
    first = view.grab().toImage().pixelColor(200, 350)
    qtbot.waitUntil(lambda: not close(view.grab().toImage().pixelColor(200, 350), first), timeout=2000)
    second = view.grab().toImage().pixelColor(200, 350)
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert not close(view.grab().toImage().pixelColor(200, 350), second)
    view.set_mode("slider")
    view.set_mode("blink")
    assert view._blink.isActive()
    view.hide()
    assert not view._blink.isActive()


def test_difference_is_black_where_nothing_changed():
    one = plain(QColor(100, 100, 100))
    other = plain(QColor(100, 100, 100))
    other.setPixelColor(5, 5, QColor(110, 100, 100))
    changed = difference(one, other)
    assert changed.pixelColor(0, 0) == QColor(0, 0, 0)
    assert changed.pixelColor(5, 5).red() == 40
    assert difference(QImage(), other).isNull()


def test_wheel_zooms_both_pictures_together(view):
    event = QWheelEvent(
        QPointF(200, 200),
        QPointF(200, 200),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    view.wheelEvent(event)
    assert view.frame.zoom == pytest.approx(1.25)


def test_picture_canvas_zooms_and_moves_by_keys(qtbot):
    canvas = PictureCanvas("empty")
    qtbot.addWidget(canvas)
    canvas.resize(200, 200)
    canvas.show()
    canvas.set_image(plain(RED))
    qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    assert canvas.frame.zoom == pytest.approx(1.25)
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    assert canvas.frame.centre_x < 0.5
    qtbot.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.frame.zoom == 1


def test_reading_never_fails_and_keeps_to_the_edge(tmp_path: Path):
    assert read_image(tmp_path / "none.png").isNull()
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot a picture")
    assert read_image(tmp_path / "broken.png").isNull()
    plain(RED, 300, 100).save(str(tmp_path / "wide.png"))
    small = read_image(tmp_path / "wide.png", 60)
    assert (small.width(), small.height()) == (60, 20)
