"""The bar at the top: where you are, the way to every command, whether all is saved, and what this computer has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget

from gui.theme.icons import icon
from gui.widgets.text import Label, set_tip
from projects.project import Project

if TYPE_CHECKING:
    from engines.api.catalog import DeviceEntry

HEIGHT_PX = 52
_LONGEST_NAME = 48


class TopBar(QWidget):
    """Shows what it is told.

    Signals:
        home_asked: the name of the application was pressed.
        search_asked: the search box was pressed.
        hardware_asked: the chip with the hardware was pressed.
        training_asked: the chip with the training at work was pressed.
    """

    home_asked = Signal()
    search_asked = Signal()
    hardware_asked = Signal()
    training_asked = Signal()

    def __init__(self, project_menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("topBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT_PX)
        row = QHBoxLayout(self)
        row.setContentsMargins(11, 0, 18, 1)
        row.setSpacing(0)
        brand = _plain_button("Lorikeet", "topBar.brand", "crumb")
        brand.setAccessibleDescription("Go to Home")
        brand.setProperty("brand", "true")
        brand.clicked.connect(lambda _checked=False: self.home_asked.emit())
        self._slash = Label("/", role="muted")
        self._project = _plain_button("", "topBar.project", "crumb")
        self._project.setMenu(project_menu)
        self.search = _plain_button("Search or run anything", "searchBox", "")
        self.search.setFixedWidth(212)
        set_tip(self.search, "Find a command, a page or a project (Ctrl+K)")
        self.search.clicked.connect(lambda _checked=False: self.search_asked.emit())
        keys = Label("Ctrl K", role="key", parent=self.search)
        keys.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        keys.adjustSize()
        keys.move(212 - keys.sizeHint().width() - 10, (28 - keys.sizeHint().height()) // 2)
        self._training = _plain_button("Training", "topBar.training", "bar-chip")
        set_tip(self._training, "A training is at work; press to watch it")
        self._training.clicked.connect(lambda _checked=False: self.training_asked.emit())
        self._training.hide()
        self._saved = _plain_button("", "topBar.saved", "bar-chip")
        self._saved.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._saved.setCursor(Qt.CursorShape.ArrowCursor)
        self._hardware = _plain_button("Looking at this computer", "topBar.hardware", "bar-chip")
        self._hardware.clicked.connect(lambda _checked=False: self.hardware_asked.emit())
        for widget in (brand, self._slash, self._project):
            row.addWidget(widget)
        row.addStretch(1)
        chips = QHBoxLayout()
        chips.setSpacing(14)
        for widget in (self.search, self._training, self._saved, self._hardware):
            chips.addWidget(widget)
        row.addLayout(chips)
        self.set_project(None)
        _set_chip(self._hardware, "Looking at this computer", "muted")

    def set_project(self, project: Project | None) -> None:
        """Show the name of the open project and whether everything in it is saved."""
        shown = project is not None
        for widget in (self._slash, self._project, self._saved):
            widget.setVisible(shown)
        if project is None:
            return
        name = project.name
        short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
        self._project.setText(short.replace("&", "&&"))
        set_tip(self._project, str(project.root))
        self._project.setAccessibleName(f"Project {name}")
        if project.read_only:
            _set_chip(self._saved, "Read-only", "warning")
            set_tip(self._saved, project.read_only_reason)
        else:
            _set_chip(self._saved, "Saved", "good")
            set_tip(self._saved, "Every change is saved the moment you make it")

    def set_training(self, words: str) -> None:
        """Show how far the training at work is; empty while there is none."""
        self._training.setVisible(bool(words))
        _set_chip(self._training, words, "accent")

    def set_hardware(self, devices: tuple[DeviceEntry, ...], words: str) -> None:
        """Show the best device."""
        _set_chip(self._hardware, words, "good" if devices else "warning")
        set_tip(self._hardware, "What Lorikeet computes with on this computer")


def _plain_button(text: str, name: str, kind: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setProperty("kind", kind)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAutoDefault(False)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return button


def _set_chip(chip: QPushButton, words: str, ink: str) -> None:
    chip.setText(words)
    chip.setAccessibleName(words)
    chip.setIcon(icon("dot", ink=ink))
    chip.setIconSize(QSize(14, 14))
