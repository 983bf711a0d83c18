"""Images: photos come in and go out again, captions are written for one or many, and thousands of rows stay cheap."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui.models.images import ImagesModel
from gui.models.thumbnails import Thumbnails
from gui.services import Services
from gui.views.images.concepts import invented_word
from gui.views.images.page import ImagesPage
from gui.views.images.report import headline, summary
from gui.views.shell.window import MainWindow
from projects import edits, queries
from projects.project import Project
from projects.records import Image
from projects.report import ImportReport, ReportLine
from tests.gui.frame.conftest import Photos

_WAIT_MS = 30_000


def picture(number: int, *, caption: str = "", flags: frozenset[str] = frozenset()) -> Image:
    """A record that names no real file."""
    return Image(
        f"id{number}",
        "c",
        f"images/{number}.png",
        f"{number}.png",
        10,
        10,
        f"{number:064}",
        caption,
        None,
        1,
        flags,
        number,
        0.0,
    )


@pytest.fixture
def page(window: MainWindow, services: Services, project: Project, qtbot: QtBot) -> ImagesPage:
    """The page Images with four photos in it."""
    services.session.adopt(project)
    window.go("images")
    made = window.page("images")
    assert isinstance(made, ImagesPage)
    qtbot.waitUntil(lambda: made.model.rowCount() == 4, timeout=_WAIT_MS)
    return made


def select(page: ImagesPage, *rows: int) -> None:
    page.parts.grid.clearSelection()
    for row in rows:
        page.parts.grid.selectionModel().select(page.model.index(row), QItemSelectionModel.SelectionFlag.Select)
    QApplication.processEvents()


def test_a_caption_is_written_and_undone(page: ImagesPage, services: Services, project: Project, qtbot: QtBot) -> None:
    before = [image.caption for image in queries.images(project)]
    select(page, 1)
    field = page.parts.inspector.caption
    field.setFocus()
    qtbot.keyClicks(field, "a bear on grass")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert queries.images(project)[1].caption == "a bear on grass"
    qtbot.waitUntil(lambda: page.model.image(1).caption == "a bear on grass", timeout=_WAIT_MS)
    services.session.undo_stack.undo()
    assert [image.caption for image in queries.images(project)] == before


def test_selecting_another_photo_keeps_what_was_typed(page: ImagesPage, project: Project, qtbot: QtBot) -> None:
    select(page, 1)
    qtbot.keyClicks(page.parts.inspector.caption, "kept")
    select(page, 2)
    assert queries.images(project)[1].caption == "kept"
    assert page.parts.inspector.caption.toPlainText() == queries.images(project)[2].caption


def test_many_are_captioned_at_once(page: ImagesPage, services: Services, project: Project, qtbot: QtBot) -> None:
    before = [image.caption for image in queries.images(project)]
    select(page, 0, 1, 2)
    inspector = page.parts.inspector
    inspector._add_text.setText("photo of")
    inspector._add(before=True)
    assert [image.caption.startswith("photo of ") for image in queries.images(project)] == [True, True, True, False]
    inspector._find.setText("photo")
    inspector._with.setText("picture")
    inspector._replace()
    assert [image.caption.startswith("picture of ") for image in queries.images(project)] == [True, True, True, False]
    services.session.undo_stack.undo()
    services.session.undo_stack.undo()
    assert [image.caption for image in queries.images(project)] == before


def test_removing_and_undoing(page: ImagesPage, services: Services, project: Project, qtbot: QtBot) -> None:
    select(page, 0, 3)
    page.parts.grid.setFocus()
    page.remove_selected()
    qtbot.waitUntil(lambda: page.model.rowCount() == 2, timeout=_WAIT_MS)
    services.session.undo_stack.undo()
    qtbot.waitUntil(lambda: page.model.rowCount() == 4, timeout=_WAIT_MS)
    assert all(project.path(image.file).is_file() for image in queries.images(project))


def test_photos_come_in_with_a_report_that_leads_to_them(
    page: ImagesPage, services: Services, project: Project, photos: Photos, qtbot: QtBot
) -> None:
    folder = photos(6)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    page.take_in((folder,))
    qtbot.waitUntil(lambda: not page.importer.busy and page.parts.panel.lines_shown() > 0, timeout=_WAIT_MS)
    qtbot.waitUntil(lambda: page.model.rowCount() == queries.counts(project).images, timeout=_WAIT_MS)
    assert queries.counts(project).images == 6, "the four that are here already count once"
    page._show_file("05.png")
    assert [queries.image(project, key).original_name for key in page.parts.grid.selected_ids()] == ["05.png"]
    services.session.undo_stack.undo()
    qtbot.waitUntil(lambda: page.model.rowCount() == 4, timeout=_WAIT_MS)


def test_a_picture_from_the_clipboard_comes_in(page: ImagesPage, project: Project, qtbot: QtBot) -> None:
    pasted = QImage(300, 280, QImage.Format.Format_RGB32)
    pasted.fill(QColor("#336699"))
    QApplication.clipboard().setImage(pasted)
    page.adding.paste()
    qtbot.waitUntil(lambda: page.model.rowCount() == 5, timeout=_WAIT_MS)
    newest = queries.images(project)[-1]
    assert (newest.width, newest.height, newest.original_name) == (300, 280, "pasted.png")


def test_an_import_can_be_stopped(page: ImagesPage, project: Project, photos: Photos, qtbot: QtBot) -> None:
    reports: list[ImportReport] = []
    page.importer.finished.connect(reports.append)
    page.take_in((photos(40),))
    page.importer.stop()
    qtbot.waitUntil(lambda: bool(reports), timeout=_WAIT_MS)
    assert reports[0].cancelled
    assert queries.counts(project).images == 4 + len(reports[0].added) < 40


def test_the_trigger_word_is_edited_invented_and_undone(
    page: ImagesPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    panel = page.parts.concepts
    field = panel._trigger
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "zovik")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert queries.concepts(project)[0].trigger == "zovik"
    panel._invent()
    invented = queries.concepts(project)[0].trigger
    assert invented not in {"zovik", "tealbear", ""}
    assert field.text() == invented
    services.session.undo_stack.undo()
    assert field.text() == "zovik"


def test_subjects_are_added_and_chosen(page: ImagesPage, services: Services, project: Project, qtbot: QtBot) -> None:
    page.parts.concepts._add_concept()
    added = queries.concepts(project)[1]
    assert services.session.concept_id == added.id
    assert len(added.trigger) >= 4
    qtbot.waitUntil(lambda: page.model.rowCount() == 0, timeout=_WAIT_MS)
    services.session.set_concept(queries.concepts(project)[0].id)
    qtbot.waitUntil(lambda: page.model.rowCount() == 4, timeout=_WAIT_MS)


def test_photos_are_dragged_to_another_subject_and_back(
    page: ImagesPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    other = services.session.apply(lambda opened: edits.add_concept(opened, "Mug", trigger="zovok")).ids[0]
    ids = tuple(image.id for image in page.model.all_images[:2])
    page.parts.grid.select_ids(ids)
    data = page.model.mimeData(page.parts.grid.selectedIndexes())
    here, there = (page.findChild(QWidget, f"images.concept.{key}") for key in (services.session.concept_id, other))
    assert here is not None
    assert there is not None
    assert not drag(here, data), "they are there already"
    assert not drag(there, QMimeData()), "words from elsewhere are no photos"
    assert drag(there, data)
    qtbot.waitUntil(lambda: len(queries.images(project, other)) == 2)
    assert tuple(image.id for image in queries.images(project, other)) == ids
    services.session.undo_stack.undo()
    assert queries.images(project, other) == ()


def drag(target: QWidget, data: QMimeData) -> bool:
    """Drag over a widget and drop there; whether it took it."""
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    over = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.MoveAction, data, buttons, keys)
    over.ignore()
    QApplication.sendEvent(target, over)
    if over.isAccepted():
        QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), Qt.DropAction.MoveAction, data, buttons, keys))
    return over.isAccepted()


def test_a_read_only_project_cannot_be_changed_by_any_way(
    page: ImagesPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    project.read_only_reason = "It was made by a newer Lorikeet."
    page._concept_changed()
    qtbot.waitUntil(lambda: not page.parts._add.isEnabled(), timeout=_WAIT_MS)
    select(page, 0)
    assert page.parts.inspector.caption.isReadOnly()
    assert page.parts.concepts._trigger.isReadOnly()
    assert [action.id for action in page.page_actions() if action.enabled(services)] == ["images.filter"]
    project.read_only_reason = ""


def test_the_filter_shows_a_part_and_says_so(page: ImagesPage, qtbot: QtBot) -> None:
    qtbot.keyClicks(page.parts.filter, "mug")
    assert page.model.rowCount() == 1
    assert page.parts._count.text() == "1 of 4"
    page.parts.clear_filter()
    assert page.model.rowCount() == 4


def test_thumbnails_are_loaded_for_what_is_seen(
    page: ImagesPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    thumbnails = Thumbnails(services.background)
    image = queries.images(project)[0]
    with qtbot.waitSignal(thumbnails.ready, timeout=_WAIT_MS) as told:
        assert thumbnails.get(project, image, 256) is None
    found = thumbnails.get(project, image, 256)
    assert told.args == [image.id]
    assert found is not None
    assert max(found.width(), found.height()) == 256


def test_a_missing_file_is_shown_as_missing(
    page: ImagesPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    thumbnails = Thumbnails(services.background)
    image = replace(queries.images(project)[0], sha256="0" * 64, file="images/gone.png")
    with qtbot.waitSignal(thumbnails.ready, timeout=_WAIT_MS):
        thumbnails.get(project, image, 256)
    assert thumbnails.is_missing(image, 256)
    assert thumbnails.get(project, image, 256) is None


def test_the_model_keeps_rows_that_are_still_there(qtbot: QtBot) -> None:
    model = ImagesModel()
    events: list[str] = []
    model.modelReset.connect(lambda: events.append("reset"))
    model.rowsInserted.connect(lambda _parent, first, last: events.append(f"in {first}-{last}"))
    model.rowsRemoved.connect(lambda _parent, first, last: events.append(f"out {first}-{last}"))
    model.dataChanged.connect(lambda first, last, _roles=(): events.append(f"change {first.row()}-{last.row()}"))
    records = [picture(number) for number in range(6)]
    model.set_images(records[:4])
    model.set_images(records)
    model.set_images([records[0], *records[2:5]])
    model.set_images([records[0], replace(records[2], caption="x"), *records[3:5]])
    model.set_images(list(reversed(records)))
    assert events == ["in 0-3", "in 4-5", "out 5-5", "out 1-1", "change 1-1", "reset"]
    assert [model.row(f"id{number}") for number in (5, 0, 9)] == [0, 5, -1]


def test_the_model_filters(qtbot: QtBot) -> None:
    model = ImagesModel()
    model.set_images([picture(0, caption="a Dog"), picture(1, flags=frozenset({"blurry"})), picture(2, caption="cat")])
    shown = lambda: [model.image(row).id for row in range(model.rowCount())]  # noqa: E731
    model.set_filter("dog", "all")
    assert shown() == ["id0"]
    model.set_filter("", "flagged")
    assert shown() == ["id1"]
    model.set_filter("", "uncaptioned")
    assert shown() == ["id1"]
    model.set_filter("2.png", "all")
    assert shown() == ["id2"]
    model.set_filter("", "all")
    assert len(shown()) == 3


def test_ten_thousand_rows_are_cheap(qtbot: QtBot) -> None:
    model = ImagesModel()
    records = [picture(number, caption=f"caption {number}") for number in range(10_000)]
    began = time.process_time()
    model.set_images(records)
    model.set_images([*records[:-1], replace(records[-1], caption="new")])
    model.set_filter("99", "all")
    assert time.process_time() - began < 0.5
    assert 0 < model.rowCount() < 10_000


def test_a_report_in_words() -> None:
    lines = (
        ReportLine("error", "a.jpg", "Damaged"),
        ReportLine("warning", "b.jpg", "Small"),
        ReportLine("info", "", "x"),
    )
    report = ImportReport(("1", "2"), lines, None, 1.0, cancelled=True)
    assert headline(report) == "2 photos came in"
    assert summary(report) == "stopped by you, 1 left out, 1 worth a look"
    assert headline(replace(report, added=("1",))) == "1 photo came in"
    assert headline(replace(report, added=())) == "Nothing came in"
    assert headline(replace(report, regions=("1", "2"))) == "2 masks came in, with 2 photos"


def test_invented_words_can_be_spoken_and_are_new() -> None:
    words = {invented_word(frozenset()) for _ in range(200)}
    assert all(len(word) == 5 and word.isalpha() and word.islower() for word in words)
    assert len(words) > 150


def test_a_folder_that_is_not_there_is_told(page: ImagesPage, qtbot: QtBot, tmp_path: Path) -> None:
    page.take_in((tmp_path / "nowhere",))
    qtbot.waitUntil(lambda: not page.importer.busy, timeout=_WAIT_MS)
    qtbot.waitUntil(lambda: page.parts.panel.lines_shown() > 0, timeout=_WAIT_MS)
    assert page.model.rowCount() == 4
