"""The frame: places, keys, palette, notices, what survives closing, and dropping files anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QPushButton,
    QStyle,
    QStyleOptionButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui import views
from gui.actions import Action, window_actions
from gui.services import Services
from gui.views.shell.palette import score
from gui.views.shell.window import MainWindow
from gui.widgets.notice import Notice, NoticeBar
from gui.widgets.sheet import Sheet
from projects import queries
from projects.project import Project


def drop(window: MainWindow, paths: list[Path]) -> bool:
    """Drag files over the middle of the window and let go; True when the window would take them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    point = QPointF(600, 400)
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(point.toPoint(), Qt.DropAction.CopyAction, data, buttons, keys)
    enter.ignore()
    QApplication.sendEvent(window, enter)
    if not enter.isAccepted():
        return False
    QApplication.sendEvent(window, QDropEvent(point, Qt.DropAction.CopyAction, data, buttons, keys))
    return True


def test_home_comes_first_and_the_other_pages_on_their_first_visit(window: MainWindow) -> None:
    assert window.current == "home"
    assert window.stack.count() == 1
    window.go("preferences")
    assert window.stack.count() == 2
    window.go("home")
    assert window.stack.count() == 2


def test_keys_and_rail_lead_to_the_pages(window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "build", lambda _key, _services: QWidget())
    for number, place in enumerate(views.PLACES, start=1):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
        assert window.current == place.key
        assert window.rail.button(place.key).isChecked()
    qtbot.mouseClick(window.rail.button("preferences"), Qt.MouseButton.LeftButton)
    assert window.current == "preferences"


def test_actions_have_unique_ids_and_keys() -> None:
    actions = window_actions()
    keys = [key for action in actions for key in action.keys]
    assert len({action.id for action in actions}) == len(actions)
    assert len(set(keys)) == len(keys)
    assert len(actions) >= 18


def test_the_palette_finds_and_runs(window: MainWindow, services: Services, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.palette_box
    assert palette.isVisible()
    qtbot.keyClicks(palette.field, "dark")
    assert [action.id for action in palette.shown_actions()] == ["theme.dark"]
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert services.theme.mode == "dark"
    assert services.preferences.values.theme == "dark"
    services.theme.set_mode("light")


def test_the_palette_offers_only_what_can_be_done(window: MainWindow, services: Services, project: Project) -> None:
    assert "project.close" not in {action.id for action in window.commands.offered()}
    services.session.adopt(project)
    assert "project.close" in {action.id for action in window.commands.offered()}
    assert "edit.undo" not in {action.id for action in window.commands.offered()}


def test_the_palette_says_when_nothing_is_called_that(window: MainWindow, qtbot: QtBot) -> None:
    window.open_palette()
    qtbot.keyClicks(window.palette_box.field, "zzzz")
    assert window.palette_box.shown_actions() == ()
    qtbot.keyClick(window.palette_box.field, Qt.Key.Key_Return)
    qtbot.keyClick(window.palette_box.field, Qt.Key.Key_Escape)
    assert not window.palette_box.isVisible()


def test_better_answers_score_higher() -> None:
    assert score("tra", "Train now") > score("tra", "Go to Train") > score("rai", "Go to Train") > 0
    assert score("photos", "Go to Images", "the photos to learn from") > 0
    assert score("photos zebra", "Go to Images", "the photos") == 0
    assert score("", "Anything") > 0


def test_a_page_brings_its_own_keys_and_takes_them_away(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    class Page(QWidget):
        def page_actions(self) -> tuple[Action, ...]:
            return (Action("page.mine", "Mine", lambda _services: done.append("mine"), ("Ctrl+J",)),)

    monkeypatch.setattr(views, "build", lambda key, _services: Page() if key == "train" else QWidget())
    window.go("train")
    qtbot.keyClick(window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    window.go("library")
    qtbot.keyClick(window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert done == ["mine"]


def test_notices_wait_for_their_turn(qtbot: QtBot) -> None:
    bar = NoticeBar()
    qtbot.addWidget(bar)
    pressed: list[str] = []
    bad = Notice("bad", "The file is damaged", "b.png", "Take another.", (("Show", lambda: pressed.append("show")),))
    bar.show_notice(bad)
    bar.show_notice(Notice("info", "Photo removed"))
    assert bar.shown is not None
    assert bar.shown.title == "Photo removed"
    bar.close_current()
    assert bar.shown == bad
    button = bar.findChild(QAbstractButton, "noticeBar.action0")
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert pressed == ["show"]
    assert bar.isHidden()


def test_a_notice_after_another_has_room_for_its_words_beside_its_button(qtbot: QtBot) -> None:
    bar = NoticeBar()
    qtbot.addWidget(bar)
    notice = Notice("good", "Done", "/a/folder/with a long name/" + "words " * 12, actions=(("Show it", lambda: None),))
    for _time in range(2):
        bar.show_notice(notice)
        at_once = bar.height_at(640)
        QApplication.processEvents()
        assert at_once == bar.height_at(640)


def test_what_takes_away_is_not_the_answer_of_the_enter_key(qtbot: QtBot) -> None:
    for danger, default in ((True, "ask.reject"), (False, "ask.accept")):
        sheet = Sheet(None, "Really?", name="ask", danger=danger)
        qtbot.addWidget(sheet)
        defaults = [button.objectName() for button in sheet.findChildren(QPushButton) if button.isDefault()]
        assert defaults == [default]


def test_words_of_a_button_keep_their_room_when_the_ring_comes(window: MainWindow, services: Services) -> None:
    """The ring is drawn inside a button; it must not take the place of the words."""
    for button in window.bar.findChildren(QPushButton):
        if not button.isVisible() or not button.focusPolicy() & Qt.FocusPolicy.TabFocus:
            continue
        sizes = []
        for state in (QStyle.StateFlag.State_None, QStyle.StateFlag.State_HasFocus):
            option = QStyleOptionButton()
            button.initStyleOption(option)
            option.state = QStyle.StateFlag.State_Enabled | state
            sizes.append(button.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, button).width())
        words = button.fontMetrics().horizontalAdvance(button.text())
        assert min(sizes) >= words, (button.objectName(), sizes, words)


def test_a_notice_goes_away_by_itself_only_when_it_may(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NoticeBar, "STAY_MS", 30)
    bar = NoticeBar()
    qtbot.addWidget(bar)
    bar.show_notice(Notice("bad", "Stays"))
    qtbot.wait(80)
    assert bar.shown is not None
    bar.close_current()
    bar.show_notice(Notice("good", "Goes"))
    qtbot.waitUntil(lambda: bar.shown is None)


def test_words_from_outside_are_not_read_as_markup(qtbot: QtBot) -> None:
    bar = NoticeBar()
    qtbot.addWidget(bar)
    bar.show_notice(Notice("bad", "<b>bold</b>", "<img src=x>", "<a href=x>y</a>"))
    labels = {label.text(): label.textFormat() for label in bar.findChildren(QLabel) if label.text()}
    assert any("<b>bold</b>" in text for text in labels)
    assert set(labels.values()) == {Qt.TextFormat.PlainText}


def test_the_bar_tells_the_project_and_that_it_is_saved(
    window: MainWindow, services: Services, project: Project
) -> None:
    saved = window.bar.findChild(QAbstractButton, "topBar.saved")
    name = window.bar.findChild(QAbstractButton, "topBar.project")
    assert saved is not None
    assert name is not None
    assert not saved.isVisible()
    services.session.adopt(project)
    assert (name.text(), saved.text()) == ("Teal bear", "Saved")
    project.read_only_reason = "It lies on a disk for reading only."
    window.bar.set_project(project)
    assert saved.text() == "Read-only"
    project.read_only_reason = ""
    services.session.close()
    assert not saved.isVisible()
    assert window.windowTitle() == "Lorikeet"


def test_dropping_photos_on_an_empty_window_makes_a_project(
    window: MainWindow, services: Services, qtbot: QtBot, tmp_path: Path
) -> None:
    from tests.gui.frame.conftest import write_photos

    folder = write_photos(tmp_path / "Coral duck", 3)
    assert drop(window, [folder])
    qtbot.waitUntil(lambda: services.session.project is not None, timeout=20_000)
    opened = services.session.project
    assert opened is not None
    assert opened.name == "Coral duck"
    qtbot.waitUntil(lambda: queries.counts(opened).images == 3, timeout=30_000)
    assert window.current == "images"
    assert next(image.caption for image in queries.images(opened)) == "a mug on a table"


def test_dropping_a_projects_folder_opens_it(
    window: MainWindow, services: Services, qtbot: QtBot, project: Project
) -> None:
    assert drop(window, [project.root])
    qtbot.waitUntil(lambda: services.session.project is not None, timeout=20_000)
    assert services.session.project is not None
    assert services.session.project.name == "Teal bear"
    qtbot.waitUntil(lambda: bool(services.recents.items), timeout=20_000)
    assert services.recents.items[0].images == 4


def test_words_that_are_dragged_are_not_taken(window: MainWindow) -> None:
    data = QMimeData()
    data.setText("just words")
    event = QDragEnterEvent(
        QPointF(9, 9).toPoint(),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    event.ignore()
    QApplication.sendEvent(window, event)
    assert not event.isAccepted()


def test_the_window_comes_back_where_it_was(services: Services, qtbot: QtBot) -> None:
    first = MainWindow(services)
    qtbot.addWidget(first)
    first.resize(960, 640)
    first.show()
    first.close()
    second = MainWindow(services)
    qtbot.addWidget(second)
    assert (second.width(), second.height()) == (960, 640)


@pytest.mark.parametrize("key", ["home", "images", "preferences"])
def test_everything_that_takes_the_keyboard_has_a_name(
    window: MainWindow, services: Services, project: Project, qtbot: QtBot, key: str
) -> None:
    services.session.adopt(project)
    window.go(key)
    qtbot.wait(10)
    nameless = [
        type(widget).__name__ + " " + (widget.parentWidget().objectName() if widget.parentWidget() else "")
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not widget.objectName().startswith("qt_")
        and not (widget.objectName() and widget.accessibleName())
    ]
    assert nameless == []
