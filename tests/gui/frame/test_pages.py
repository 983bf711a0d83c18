"""Pages are ready before their first visit, in steps, and none is built while another thread still loads what it is made of."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui import app, opening, views
from gui.services import Services
from gui.views.shell.window import MainWindow
from projects.project import Project


def test_every_page_is_built_before_anybody_asks(window: MainWindow, services: Services, qtbot: QtBot) -> None:
    app.get_ready(services, window)
    qtbot.waitUntil(lambda: all(key in window.pages for key in views.KEYS), timeout=30_000)
    qtbot.waitUntil(lambda: window.stack.count() == len(views.KEYS), timeout=8000)
    assert window.current == "home"


class _Shown(QObject):
    """Notes every window that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.windows.append(f"{type(watched).__name__} {watched.objectName()}")
        return False


def test_building_a_page_shows_no_part_of_it_as_a_window(window: MainWindow, services: Services, qapp: object) -> None:
    watching = _Shown()
    assert isinstance(qapp, QApplication)
    qapp.installEventFilter(watching)
    for key in views.KEYS:
        window.go(key)
    qapp.removeEventFilter(watching)
    assert watching.windows == []


def test_a_place_asked_for_too_early_comes_into_view_once_it_is_loaded(window: MainWindow, services: Services) -> None:
    window.pages.hold()
    services.navigate("library")
    services.navigate("train")
    assert (window.current, "train" in window.pages) == ("home", False)
    assert window.rail.button("train").isChecked()
    window.pages.prepare()
    assert window.current == "train"


def test_photos_dropped_while_pages_are_loading_are_not_lost(
    window: MainWindow, services: Services, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[object] = []
    monkeypatch.setattr("gui.views.images.page.ImagesPage.take_in", lambda _page, paths: taken.append(paths))
    services.session.adopt(project)
    window.pages.hold()
    services.ask_import((project.root,))
    assert taken == []
    window.pages.prepare()
    assert taken == [(project.root,)]


def test_nothing_is_built_while_libraries_load(
    window: MainWindow, services: Services, project: Project, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page built meanwhile would import the same libraries on the window's thread."""
    go_on, built = threading.Event(), []
    build = views.build

    def watched(key: str, made: Services) -> QWidget:
        built.append((key, go_on.is_set()))
        return build(key, made)

    monkeypatch.setattr(views, "load_all", lambda: go_on.wait(20))
    monkeypatch.setattr(views, "build", watched)
    root = project.root
    project.close()
    app.get_ready(services, window)
    opening.open_path(services, root, then=lambda: services.navigate("images"))
    qtbot.waitUntil(lambda: services.session.project is not None, timeout=8000)
    qtbot.wait(100)
    assert built == []
    go_on.set()
    qtbot.waitUntil(lambda: window.current == "images", timeout=8000)
    assert built
    assert all(loaded for _key, loaded in built)
