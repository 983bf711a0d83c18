"""What the pages share: the open project, work in the background, runs, the warm worker, the theme, and the two ways to speak up.

Made once by `gui.app` and handed to every page. What is costly is made when first asked for, so that the window paints first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.preferences import Preferences
from gui.recents import Recents
from gui.session import Session
from gui.theme.theme import Theme
from gui.widgets.notice import Notice
from gui.workers.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from engines.api.catalog import DeviceEntry
    from gui.workers.catalog import CatalogLoader
    from gui.workers.interactive import Interactive
    from gui.workers.runs import Runs


class Services(QObject):
    """The long-lived objects of one window.

    Attributes:
        session: the open project; the only way to edit it.
        background: threads for file work.
        theme: the tokens in force.
        window: the parent of dialogs; None before there is a window.
        preferences: the person's settings.
        recents: projects opened lately.
        devices: what this computer computes with, the best first; empty until it was looked at (`hardware_found`).

    Signals:
        navigation_asked: a page is wanted, by its key ("train").
        notice_asked: a `Notice` is to be shown.
        hardware_found: `devices` is known now.
        palette_asked: the list of all commands is wanted.
        stopping: the window is about to end; processes beside it end too (trainings do not).
        import_asked: files and folders (a tuple of paths) shall come into the current concept.
    """

    navigation_asked = Signal(str)
    notice_asked = Signal(object)
    hardware_found = Signal()
    palette_asked = Signal()
    import_asked = Signal(object)
    stopping = Signal()

    def __init__(
        self, *, session: Session, background: Background, theme: Theme, preferences: Preferences, recents: Recents
    ) -> None:
        super().__init__()
        self.session = session
        self.background = background
        self.theme = theme
        self.preferences = preferences
        self.recents = recents
        self.window: QWidget | None = None
        self.devices: tuple[DeviceEntry, ...] = ()

    @cached_property
    def runs(self) -> Runs:
        """The trainings of the open project."""
        from gui.workers.runs import Runs

        return Runs(self.session, self.background, release=self._release, parent=self)

    @cached_property
    def interactive(self) -> Interactive:
        """The process that keeps models warm."""
        from gui.workers.interactive import Interactive

        return Interactive(parent=self)

    @cached_property
    def catalog(self) -> CatalogLoader:
        """What is on offer."""
        from gui.workers.catalog import CatalogLoader

        return CatalogLoader(parent=self)

    def navigate(self, page: str) -> None:
        """Go to a page, by its key."""
        self.navigation_asked.emit(page)

    def notify(self, notice: Notice) -> None:
        """Show a notice."""
        self.notice_asked.emit(notice)

    def ask_import(self, paths: tuple[Path, ...]) -> None:
        """Bring files and folders into the current concept, on the page Images."""
        self.import_asked.emit(paths)

    def set_devices(self, devices: tuple[DeviceEntry, ...]) -> None:
        """What the computer has is known now."""
        self.devices = devices
        self.hardware_found.emit()

    def stop(self) -> None:
        """End what runs beside the window. Trainings are other processes and go on."""
        self.stopping.emit()
        for name in ("runs", "interactive", "catalog"):
            made = self.__dict__.get(name)  # only what was made; asking the property would make it
            if made is not None:
                made.stop()
        self.background.stop()
        self.recents.flush()

    def _release(self, then: Callable[[], None]) -> None:
        """Before a training starts, have the warm worker give its memory back; nothing to do when there never was one."""
        if "interactive" in self.__dict__:
            self.interactive.release(then)
        else:
            then()
