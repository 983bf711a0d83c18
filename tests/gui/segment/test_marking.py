"""Marking by hand: painted, erased, outlined, chosen, labelled, hidden, taken back; nothing of it needs a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from gui.services import Services
from gui.views.segment.page import SegmentPage
from gui.views.segment.strip import describe
from gui.views.segment.teach.readiness import look
from gui.views.shell.window import MainWindow
from projects import edits_regions, queries
from projects.edits_regions import NewRegion
from projects.project import Project
from projects.regions.mask import Mask
from tests.gui.segment.conftest import (
    HEIGHT,
    WAIT_MS,
    WIDTH,
    click,
    drag,
    mask_of,
    ready,
    regions,
    settled,
    write_pictures,
)


def key(page: SegmentPage, qtbot: QtBot, pressed: Qt.Key, **more: Qt.KeyboardModifier) -> None:
    page.mark.canvas.setFocus()
    qtbot.keyClick(page.mark.canvas, pressed, **more)


def block(left: int, top: int, right: int, bottom: int) -> Mask:
    inside = np.zeros((HEIGHT, WIDTH), np.bool_)
    inside[top:bottom, left:right] = True
    return Mask.of(inside)


def add(page: SegmentPage, qtbot: QtBot, *masks: Mask, accepted: bool = True) -> tuple[str, ...]:
    """Put masks into the picture on the board, as somebody else would."""
    before = len(regions(page))
    session = page.services.session
    if not page.board.contents.labels:
        session.apply(lambda project: edits_regions.add_label(project, "Disc"))
    label = queries.labels(session.project)[0].id
    new = [NewRegion(page.board.image.id, label, mask, "import", accepted) for mask in masks]
    ids = session.apply(lambda project: edits_regions.add_regions(project, new)).ids
    settled(page, qtbot, before + len(masks))
    return ids


def test_the_first_stroke_makes_a_label_and_a_region(page: SegmentPage, project: Project, qtbot: QtBot) -> None:
    page.mark.hands.take("brush")
    page.mark.hands.size_brush(10)
    drag(page, (20, 20), (40, 20), (60, 20))
    (region,) = settled(page, qtbot, 1)
    assert (region.origin, region.accepted) == ("brush", True)
    assert [label.name for label in queries.labels(project)] == ["Object"]
    marked = mask_of(region)
    assert marked[16:24, 20:60].all()
    assert marked.sum() == pytest.approx(40 * 10 + np.pi * 25, rel=0.05)
    qtbot.waitUntil(lambda: page.board.selected == {region.id}, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.board.contents.marked == 1, timeout=WAIT_MS)
    assert "1 marked of 4 pictures" in page.header._subtitle.text()


def test_strokes_go_into_the_chosen_region_until_enter(page: SegmentPage, qtbot: QtBot) -> None:
    hands = page.mark.hands
    hands.take("brush")
    hands.size_brush(8)
    drag(page, (20, 20), (40, 20))
    settled(page, qtbot, 1)
    drag(page, (100, 90), (120, 90))
    (region,) = settled(page, qtbot, 1)
    assert mask_of(region)[20, 30]
    assert mask_of(region)[90, 110]
    drag(page, (30, 10), (30, 30), button=Qt.MouseButton.RightButton)
    (region,) = settled(page, qtbot, 1)
    assert not mask_of(region)[20, 30], "the right button takes away"
    key(page, qtbot, Qt.Key.Key_Return)
    drag(page, (60, 60), (80, 60))
    assert len(settled(page, qtbot, 2)) == 2


def test_the_eraser_works_on_what_is_under_it_and_removes_what_is_empty(page: SegmentPage, qtbot: QtBot) -> None:
    first, second = add(page, qtbot, block(10, 10, 30, 30), block(60, 60, 70, 70))
    page.mark.hands.take("eraser")
    page.mark.hands.size_brush(10)
    drag(page, (5, 20), (6, 20))
    assert page.board.editing.busy is False, "there is nothing to take away"
    drag(page, (20, 20), (40, 20))
    regions_now = settled(page, qtbot, 2)
    assert not mask_of(regions_now[0])[20, 20:30].any()
    assert mask_of(regions_now[0])[12, 12]
    page.mark.hands.size_brush(40)
    drag(page, (65, 65), (66, 66))
    (left,) = settled(page, qtbot, 1)
    assert left.id == first
    page.services.session.undo_stack.undo()
    assert {region.id for region in settled(page, qtbot, 2)} == {first, second}


def test_an_outline_becomes_a_region_and_everything_is_taken_back_step_by_step(
    page: SegmentPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    page.mark.hands.take("polygon")
    for x, y in ((20, 20), (80, 20), (80, 60), (20, 60)):
        click(page, x, y)
    key(page, qtbot, Qt.Key.Key_Z, modifier=Qt.KeyboardModifier.ControlModifier)
    assert page.mark.hands._polygon.points == 3, "Ctrl+Z takes the last corner back first"
    click(page, 20, 60)
    key(page, qtbot, Qt.Key.Key_Return)
    (region,) = settled(page, qtbot, 1)
    assert region.origin == "polygon"
    assert region.area == pytest.approx(60 * 40, rel=0.05)
    qtbot.waitUntil(lambda: page.board.selected == {region.id}, timeout=WAIT_MS)
    key(page, qtbot, Qt.Key.Key_Delete)
    settled(page, qtbot, 0)
    stack = services.session.undo_stack
    key(page, qtbot, Qt.Key.Key_Z, modifier=Qt.KeyboardModifier.ControlModifier)
    settled(page, qtbot, 1)
    stack.undo()
    settled(page, qtbot, 0)
    assert queries.labels(project) == (), "the label came with its first region and goes with it"
    while stack.canRedo():
        stack.redo()
    assert queries.labels(project)[0].name == "Object"
    settled(page, qtbot, 0)


def test_choosing_on_the_canvas_and_in_the_list_is_the_same(page: SegmentPage, qtbot: QtBot) -> None:
    large, small = add(page, qtbot, block(10, 10, 110, 110), block(40, 40, 60, 60))
    page.mark.hands.take("pick")
    click(page, 50, 50)
    assert page.board.selected == {small}, "what lies within something else can be reached"
    click(page, 20, 20, keys=Qt.KeyboardModifier.ControlModifier)
    assert page.board.selected == {small, large}
    shown = page.mark.regions.list
    assert len(shown.selectionModel().selectedIndexes()) == 2
    click(page, 150, 115)
    assert page.board.selected == set()
    shown.selectionModel().select(shown.rows.index(0), shown.selectionModel().SelectionFlag.Select)
    assert page.board.selected == {small}, "the topmost comes first"
    shown.icon_pressed.emit(small)
    assert page.board.hidden == {small}
    assert page.board.at(50, 50).region.id == large, "what is hidden is not in the way"
    page.mark.regions.toggle_all()
    assert page.board.shown() == ()


def test_numbers_choose_labels_and_relabel_what_is_chosen(page: SegmentPage, project: Project, qtbot: QtBot) -> None:
    (region,) = add(page, qtbot, block(10, 10, 30, 30))
    page.services.session.apply(lambda made: edits_regions.add_label(made, "Hole"))
    qtbot.waitUntil(lambda: len(page.board.contents.labels) == 2, timeout=WAIT_MS)
    hole = queries.labels(project)[1]
    key(page, qtbot, Qt.Key.Key_2)
    assert page.board.label == hole
    assert queries.region(project, region).label_id != hole.id, "nothing was chosen"
    page.board.select({region})
    key(page, qtbot, Qt.Key.Key_2)
    settled(page, qtbot, 1)
    assert queries.region(project, region).label_id == hole.id
    key(page, qtbot, Qt.Key.Key_7)
    assert page.board.label == hole


def test_labels_are_added_named_and_removed_with_their_regions(
    page: SegmentPage, project: Project, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(page, qtbot, block(10, 10, 30, 30))
    labels = page.mark.labels
    labels.add()
    qtbot.waitUntil(lambda: labels.list.findChild(QLineEdit, "segment.rename") is not None, timeout=WAIT_MS)
    field = labels.list.findChild(QLineEdit, "segment.rename")
    field.setText("Ring <b>x</b>")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(
        lambda: [item.name for item in page.board.contents.labels] == ["Disc", "Ring <b>x</b>"], timeout=WAIT_MS
    )
    assert page.board.label.name == "Ring <b>x</b>"
    labels._recolour(page.board.label.id, "#123456")
    qtbot.waitUntil(lambda: page.board.label.colour == "#123456", timeout=WAIT_MS)
    asked = []
    monkeypatch.setattr("gui.views.segment.labels.ask", lambda *words, **_more: asked.append(words[2]) or True)
    labels._remove(page.board.contents.labels[0])
    settled(page, qtbot, 0)
    assert "1 region" in asked[0]
    page.services.session.undo_stack.undo()
    settled(page, qtbot, 1)


def test_a_name_that_is_taken_is_told_and_nothing_changes(page: SegmentPage, project: Project, qtbot: QtBot) -> None:
    for name in ("Cell", "Leaf"):
        page.board.add_label(name)
    qtbot.waitUntil(lambda: len(page.board.contents.labels) == 2, timeout=WAIT_MS)
    with qtbot.waitSignal(page.services.notice_asked, timeout=WAIT_MS) as told:
        page.mark.labels._named(page.board.contents.labels[0].id, "leaf")
    assert "label of that name" in told.args[0].title
    assert [label.name for label in queries.labels(project)] == ["Cell", "Leaf"]


def test_proposals_are_kept_and_dropped_one_by_one_or_all(page: SegmentPage, project: Project, qtbot: QtBot) -> None:
    one, other, third = add(
        page, qtbot, block(10, 10, 30, 30), block(50, 10, 70, 30), block(90, 10, 110, 30), accepted=False
    )
    assert page.board.contents.marked == 0
    page.mark.hands.take("pick")
    assert "keep all" in page.mark.hands.hint
    click(page, 20, 20)
    settled(page, qtbot, 3)
    click(page, 60, 20, keys=Qt.KeyboardModifier.AltModifier)
    settled(page, qtbot, 2)
    assert queries.region(project, one).accepted
    assert page.board.proposals == (third,)
    assert other not in {region.id for region in regions(page)}
    key(page, qtbot, Qt.Key.Key_Escape)
    settled(page, qtbot, 1)
    page.services.session.undo_stack.undo()
    settled(page, qtbot, 2)
    key(page, qtbot, Qt.Key.Key_Return)
    settled(page, qtbot, 2)
    assert page.board.proposals == ()


def test_keys_lead_through_the_pictures(page: SegmentPage, window: MainWindow, qtbot: QtBot) -> None:
    board = page.board
    assert board.place == 0
    key(page, qtbot, Qt.Key.Key_D)
    key(page, qtbot, Qt.Key.Key_Right)
    assert board.place == 2
    key(page, qtbot, Qt.Key.Key_PageUp)
    assert board.place == 1
    ready(page, qtbot)
    add(page, qtbot, block(10, 10, 30, 30))
    board.step(-1)
    ready(page, qtbot)
    qtbot.waitUntil(lambda: board.contents.marked == 1, timeout=WAIT_MS)
    key(page, qtbot, Qt.Key.Key_N)
    assert board.place == 2, "the marked one is passed over"
    assert page.mark.strip.currentIndex().row() == 2
    page.mark.strip.setCurrentIndex(page.mark.strip.model().index(3, 0))
    assert board.place == 3
    key(page, qtbot, Qt.Key.Key_Right)
    assert board.place == 3


def test_letters_take_tools_but_not_while_a_name_is_typed(page: SegmentPage, window: MainWindow, qtbot: QtBot) -> None:
    for letter, tool in (("p", "brush"), ("e", "eraser"), ("g", "polygon"), ("v", "pick"), ("b", "box"), ("x", "away")):
        key(page, qtbot, getattr(Qt.Key, f"Key_{letter.upper()}"))
        assert page.mark.hands.tool == tool
        assert page.mark.tools._buttons[tool].isChecked()
    page.mark.labels.add()
    qtbot.waitUntil(lambda: page.mark.labels.list.findChild(QLineEdit, "segment.rename") is not None, timeout=WAIT_MS)
    field = page.mark.labels.list.findChild(QLineEdit, "segment.rename")
    field.selectAll()
    qtbot.keyClicks(field, "peg")
    assert (field.text(), page.mark.hands.tool) == ("peg", "away")


def test_the_part_of_a_picture_is_chosen_and_the_rest_is_dealt_out(
    page: SegmentPage, project: Project, qtbot: QtBot
) -> None:
    for _picture in range(4):
        ready(page, qtbot)
        add(page, qtbot, block(10, 10, 30, 30))
        page.board.step(1)
    card = page.mark.findChild(type(page.mark.regions), "segment.regions")
    assert card is not None
    page.board.set_split((page.board.image.id,), "test")
    qtbot.waitUntil(lambda: page.board.image.split == "test", timeout=WAIT_MS)
    page.board.do(edits_regions.split_pictures)
    qtbot.waitUntil(lambda: all(image.split for image in page.board.contents.images), timeout=WAIT_MS)
    assert page.board.image.split == "test"
    assert {image.split for image in queries.images(project)} >= {"train", "test"}


def test_dropped_pictures_come_in_to_be_marked(
    page: SegmentPage, project: Project, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = write_pictures(tmp_path / "more", 6)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    point, none = QPointF(300, 300), Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(point.toPoint(), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
    QApplication.sendEvent(page, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(page, QDropEvent(point, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none))
    qtbot.waitUntil(lambda: len(page.board.contents.images) == 6, timeout=WAIT_MS)
    assert all(image.concept_id is None for image in queries.images(project))
    qtbot.waitUntil(lambda: page.board.image.original_name in {"04.png", "05.png"}, timeout=WAIT_MS)


def test_a_picture_that_is_gone_is_told_on_the_canvas(page: SegmentPage, project: Project, qtbot: QtBot) -> None:
    last = queries.images(project)[-1]
    project.path(last.file).unlink()
    page.board.scenes._kept.clear()
    page.board.go(last.id)
    qtbot.waitUntil(lambda: "cannot be read" in page.mark.canvas.empty, timeout=WAIT_MS)


def test_nothing_can_be_marked_in_a_project_for_reading(
    page: SegmentPage, project: Project, services: Services, qtbot: QtBot
) -> None:
    project.read_only_reason = "It lies on a disc."
    page.mark._enable()
    page.mark.hands.take("brush")
    drag(page, (20, 20), (40, 20))
    assert not page.board.editing.busy
    assert not page.mark.tools._buttons["brush"].isEnabled()
    assert page.mark.tools._buttons["pick"].isEnabled()
    page.board.step(1)
    assert page.board.place == 1


def test_another_project_leaves_nothing_of_this_one(
    page: SegmentPage, services: Services, tmp_path: Path, qtbot: QtBot
) -> None:
    add(page, qtbot, block(10, 10, 30, 30))
    services.session.adopt(Project.create(tmp_path / "other", "Empty"))
    qtbot.waitUntil(lambda: page._stack.currentIndex() == 1, timeout=WAIT_MS)
    assert (page.board.image, page.board.marked, page.board.contents.labels) == (None, (), ())
    services.session.close()
    assert page._stack.currentIndex() == 0


def test_a_change_made_here_is_not_taken_for_somebody_elses(page: SegmentPage, qtbot: QtBot) -> None:
    add(page, qtbot, block(10, 10, 30, 30))
    page.mark.hands.take("brush")
    drag(page, (60, 60), (80, 60))
    settled(page, qtbot, 2)
    told = []
    page.services.session.changed.connect(told.append)
    page.services.session.look_for_changes()
    assert told == []


def test_hovering_over_a_mark_lights_it_up(page: SegmentPage, qtbot: QtBot) -> None:
    (region,) = add(page, qtbot, block(10, 10, 60, 60))
    page.mark.hands.take("pick")
    page.mark.hands._pick.hovered.emit(20.0, 20.0)
    assert page.mark.hands.hovered == region
    assert len(page.mark.canvas._over) == 1
    page.mark.hands._pick.left.emit()
    assert page.mark.canvas._over == ()
    assert page.mark.canvas.grab().toImage().pixelColor(QPoint(5, 5)).isValid()


def test_a_picture_with_nothing_in_it_is_checked_taken_back_and_counts_as_done(
    page: SegmentPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    first = page.board.image
    box = page.mark.regions._empty
    assert box.isVisible()
    QTest.keyClick(page.mark.canvas, Qt.Key.Key_O)
    qtbot.waitUntil(lambda: page.board.contents.marked == 1, timeout=WAIT_MS)
    assert queries.image(project, first.id).checked_empty
    assert box.isChecked()
    assert "nothing is here" in describe(first, page.board.contents)
    assert page.board.next_unmarked()
    assert page.board.image.id != first.id
    assert not box.isChecked()
    services.session.undo_stack.undo()
    qtbot.waitUntil(lambda: page.board.contents.marked == 0, timeout=WAIT_MS)
    assert not look(page.board.contents, editable=True).ready
