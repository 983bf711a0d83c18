"""The window: puts rail, bar, pages, notices and palette in their places, and brings pages into view."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

from PySide6.QtCore import QByteArray, QElapsedTimer, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from engines.api import places
from gui import opening
from gui.actions import Action
from gui.services import Services
from gui.views.shell import dropping
from gui.views.shell.commands import Commands
from gui.views.shell.pages import Pages
from gui.views.shell.palette import Palette
from gui.views.shell.rail import Rail
from gui.views.shell.top_bar import TopBar
from gui.widgets.notice import Notice, NoticeBar, of_error
from projects.change import Change
from projects.errors import UserError

_FIRST_SIZE = QSize(1280, 840)
_SMALLEST = QSize(960, 600)
_NOTICE_WIDTH_PX = 640
_PROJECT_MENU = ("project.rename", "project.folder", "", "project.new", "project.open", "", "project.close")


class _Page(Protocol):
    """What a page may have besides being a widget."""

    def shown(self) -> None: ...
    def hidden(self) -> None: ...
    def page_actions(self) -> tuple[Action, ...]: ...


class MainWindow(QWidget):
    """One window onto one project.

    Signals:
        painted: the first picture of the window is on the screen.
    """

    painted = Signal()

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._current = ""
        self._painted = False
        self.opened_for = QElapsedTimer()
        self.opened_for.start()
        services.window = self
        self.setObjectName("window")
        self.setProperty("role", "page")
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setFocus()  # so that no button wears the ring before the Tab key was pressed
        self.setMinimumSize(_SMALLEST)
        self._menu = QMenu(self)
        self._menu.setObjectName("projectMenu")
        self.bar = TopBar(self._menu)
        self.rail = Rail()
        self.stack = QStackedWidget()
        self.pages = Pages(services, self.stack)
        self.notices = NoticeBar(self)
        self.palette_box = Palette(self)
        self.commands = Commands(services, self)
        self._arrange()
        self._connect()
        self._restore()
        self._refresh_title()
        self.go("home")

    @property
    def current(self) -> str:
        """Key of the page in view."""
        return self._current

    def page(self, key: str) -> QWidget:
        """A page, built on the first visit."""
        return self.pages.get(key)

    def go(self, key: str) -> None:
        """Bring a page into view."""
        self.rail.show_place(key)
        self.pages.when_loaded(key, lambda: self._bring(key))

    def follow_trainings(self) -> None:
        """Show how the project's trainings stand, from now on; once their libraries are loaded."""
        from gui.views.shell.news import News

        news = News(self._services, lambda: self._current, self)
        news.standing.connect(self.bar.set_training)

    def open_palette(self) -> None:
        """Search or run anything."""
        self.palette_box.open_with(self.commands.offered())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Tell when the window is first seen."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            self.painted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """What floats over the pages keeps its place."""
        super().resizeEvent(event)
        self._float()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the geometry; trainings go on without the window."""
        _geometry_store().setValue("geometry", self.saveGeometry())
        self._leave()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Files may be dropped anywhere."""
        if dropping.dropped_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Take what was dropped."""
        event.acceptProposedAction()
        dropping.take(self._services, dropping.dropped_paths(event.mimeData()))

    def _bring(self, key: str) -> None:
        page = self.page(key)
        if key != self._current:
            self._leave()
            self._current = key
            self.setFocus()  # what is hidden would hand the keyboard to whatever comes next
            self.stack.setCurrentWidget(page)
            self.rail.show_place(key)
            self.commands.set_page(_actions_of(page))
        if hasattr(page, "shown"):
            cast("_Page", page).shown()

    def _leave(self) -> None:
        page = self.stack.currentWidget() if self._current else None
        if hasattr(page, "hidden"):
            cast("_Page", page).hidden()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(self.stack, 1)
        column.addLayout(row, 1)

    def _connect(self) -> None:
        services, session = self._services, self._services.session
        self.rail.chosen.connect(self.go)
        self.bar.home_asked.connect(lambda: self.go("home"))
        self.bar.search_asked.connect(self.open_palette)
        self.bar.hardware_asked.connect(lambda: self.go("preferences"))
        self.bar.training_asked.connect(self._watch_training)
        self._menu.aboutToShow.connect(lambda: self.commands.fill_menu(self._menu, _PROJECT_MENU))
        self.palette_box.chosen.connect(self.commands.run)
        services.navigation_asked.connect(self.go)
        services.notice_asked.connect(self._notice)
        services.palette_asked.connect(self.open_palette)
        services.import_asked.connect(self._import)
        services.hardware_found.connect(self._hardware)
        session.opened.connect(self._opened)
        session.closed.connect(self._refresh_title)
        session.changed.connect(self._changed)
        session.failed.connect(self._failed)

    def _watch_training(self) -> None:
        active = self._services.runs.active()
        if active is not None:
            self._services.runs.set_current(active.id)
        from gui.views.shell.news import PAGES

        self.go(PAGES[active.kind] if active is not None else "train")

    def _restore(self) -> None:
        stored = _geometry_store().value("geometry")
        if not (isinstance(stored, QByteArray) and self.restoreGeometry(stored)):
            self.resize(_FIRST_SIZE.boundedTo(self.screen().availableSize()))

    def _opened(self) -> None:
        self._refresh_title()
        self.notices.close_passing()
        opening.note_seen(self._services)

    def _changed(self, change: Change) -> None:
        if change.parts & {"settings"}:
            self._refresh_title()

    def _refresh_title(self) -> None:
        project = self._services.session.project
        self.bar.set_project(project)
        self.setWindowTitle("Lorikeet" if project is None else f"{project.name} - Lorikeet")

    def _hardware(self) -> None:
        from engines.launch.hardware import sentence

        devices = self._services.devices
        self.bar.set_hardware(devices, sentence(devices))

    def _failed(self, error: UserError) -> None:
        self._services.notify(of_error(error))

    def _notice(self, notice: Notice) -> None:
        self.notices.show_notice(notice)
        self._float()

    def _import(self, paths: object) -> None:
        self.go("images")
        self.pages.when_loaded("images", lambda: self._take_in(cast("tuple[Path, ...]", paths)))

    def _take_in(self, paths: tuple[Path, ...]) -> None:
        from gui.views.images.page import ImagesPage

        page = self.page("images")
        if isinstance(page, ImagesPage):
            page.take_in(paths)

    def _float(self) -> None:
        width = min(_NOTICE_WIDTH_PX, self.stack.width() - 40)
        height = self.notices.height_at(width)
        left = self.stack.x() + (self.stack.width() - width) // 2
        self.notices.setGeometry(left, self.height() - height - 22, width, height)
        if self.palette_box.isVisible():
            self.palette_box.place()


def _actions_of(page: QWidget) -> tuple[Action, ...]:
    return cast("_Page", page).page_actions() if hasattr(page, "page_actions") else ()


def _geometry_store() -> QSettings:
    folder = places.state_home()
    return QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
