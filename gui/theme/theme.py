"""The theme in force: light, dark or as the system has it, changeable while the window is open."""

from __future__ import annotations

from typing import Literal, get_args

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QApplication

from engines.api import places
from gui.theme import style
from gui.theme import tokens as design

Mode = Literal["system", "light", "dark"]
MODES: tuple[Mode, ...] = get_args(Mode)
FONT_FAMILY = "Inter"


class Theme(QObject):
    """Keeps palette and style sheet of the application in step with the chosen mode.

    Signals:
        changed: the tokens in force are different now; what is drawn by hand must be redrawn.
    """

    changed = Signal()

    def __init__(self, app: QApplication, mode: Mode = "system") -> None:
        super().__init__(app)
        self._app = app
        self._mode: Mode = mode
        self._tokens: design.Tokens | None = None
        app.setStyle("Fusion")
        app.setFont(_font())
        self._hints = QGuiApplication.styleHints()
        self._hints.colorSchemeChanged.connect(self._apply)
        self.set_mode(mode)

    @property
    def mode(self) -> Mode:
        """What the person chose."""
        return self._mode

    @property
    def tokens(self) -> design.Tokens:
        """The colours in force."""
        return self._tokens or self._chosen()

    def set_mode(self, mode: Mode) -> None:
        """Change the theme at once, everywhere."""
        self._mode = mode
        wanted = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "system": Qt.ColorScheme.Unknown}[mode]
        self._hints.setColorScheme(wanted)
        self._apply()

    def _apply(self) -> None:
        chosen = self._chosen()
        if chosen is self._tokens:
            return
        self._tokens = chosen
        self._app.setPalette(style.palette(chosen))
        self._app.setStyleSheet(style.style_sheet(chosen, places.resources()))
        self.changed.emit()

    def _chosen(self) -> design.Tokens:
        # Not every platform obeys a forced scheme (the offscreen one does not), so the choice counts before the hint.
        if self._mode != "system":
            return design.DARK if self._mode == "dark" else design.LIGHT
        return design.DARK if self._hints.colorScheme() == Qt.ColorScheme.Dark else design.LIGHT


def _font() -> QFont:
    """The shipped font where it loads, else the system's; figures of one width in both."""
    for name in ("Inter-Regular.ttf", "Inter-SemiBold.ttf"):
        QFontDatabase.addApplicationFont(str(places.resources() / "fonts" / name))
    font = QFont(FONT_FAMILY) if FONT_FAMILY in QFontDatabase.families() else QFont()
    font.setPixelSize(design.BODY_PX)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font
