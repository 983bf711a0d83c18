"""Preferences: a few cards, each change kept at once."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from engines.api import places
from gui import opening
from gui.crash import crash_folder
from gui.preferences import default_projects_folder
from gui.services import Services
from gui.views.preferences import token
from gui.widgets.buttons import LinkButton, QuietButton
from gui.widgets.card import Card, separator
from gui.widgets.notice import Notice
from gui.widgets.page import PageHeader, ScrollBody
from gui.widgets.segmented import Segmented
from gui.widgets.text import ElidedLabel, Label

_WIDEST_PX = 860
_LONGEST_PATH_PX = 380
_GIB = 2**30


class PreferencesPage(QWidget):
    """The page."""

    title = "Preferences"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self.setObjectName("preferences")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        body = ScrollBody()
        outer.addWidget(body)
        body.column.addWidget(PageHeader("Preferences", "Every change is kept at once."))
        for card in (self._look(), self._start(), self._training(), self._hub(), self._computer(), self._places()):
            card.setMaximumWidth(_WIDEST_PX)
            body.column.addWidget(card)
        body.column.addStretch(1)
        services.hardware_found.connect(self._show_devices)
        services.theme.changed.connect(lambda: self._theme.set_value(services.theme.mode))

    def shown(self) -> None:
        """It came into view."""
        self._theme.set_value(self._services.theme.mode)
        self._show_devices()
        self._load_token()

    def _look(self) -> Card:
        card = Card("Look", name="preferences.look")
        options = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
        self._theme = Segmented(options, name="preferences.theme", label="Theme")
        self._theme.set_value(self._services.theme.mode)
        self._theme.changed.connect(self._set_theme)
        card.body.addLayout(_row("Theme", "Changes at once, without a restart.", self._theme))
        return card

    def _start(self) -> Card:
        card = Card("Projects", name="preferences.projects")
        options = (("last", "Last project"), ("home", "Home"))
        self._startup = Segmented(options, name="preferences.startup", label="Begin with")
        self._startup.set_value(self._services.preferences.values.startup)
        self._startup.changed.connect(lambda key: opening.remember(self._services, startup=key))
        card.body.addLayout(
            _row(
                "Begin with",
                "What opens when Lorikeet starts. Starting with --fresh always begins at Home.",
                self._startup,
            )
        )
        card.body.addWidget(separator())
        self._folder = ElidedLabel(
            str(self._services.preferences.projects_folder()), role="muted", mode=Qt.TextElideMode.ElideMiddle
        )
        self._folder.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._folder.setMaximumWidth(_LONGEST_PATH_PX)
        self._folder.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        change = QuietButton("Change…", name="preferences.folder", on_click=self._change_folder)
        card.body.addLayout(
            _row("New projects lie in", "Projects that are there already stay where they are.", self._folder, change)
        )
        return card

    def _training(self) -> Card:
        card = Card("Training", name="preferences.training")
        self._evaluate = Segmented((("yes", "Yes"), ("no", "No")), name="preferences.evaluate", label="Measure")
        self._evaluate.set_value(self._services.preferences.values.evaluate)
        self._evaluate.changed.connect(lambda key: opening.remember(self._services, evaluate=key))
        card.body.addLayout(
            _row(
                "Measure before and after",
                "When a training is finished, a few pictures are made and compared in the background. It gives way to every other training.",
                self._evaluate,
            )
        )
        return card

    def _hub(self) -> Card:
        card = Card("Model hub", name="preferences.hub")
        self._token = QLineEdit()
        self._token.setObjectName("preferences.token")
        self._token.setAccessibleName("Access token")
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        self._token.setPlaceholderText("hf_…")
        self._token.setMinimumWidth(260)
        keep = QuietButton("Keep", name="preferences.keepToken", on_click=self._keep_token)
        text = "Only for models that ask for it. It is kept in the system's keyring, never in a file."
        card.body.addLayout(_row("Access token", text, self._token, keep))
        self._token_state = Label(role="small", wrap=True)
        self._token_state.setObjectName("preferences.tokenState")
        card.body.addWidget(self._token_state)
        self._token_state.hide()
        return card

    def _computer(self) -> Card:
        card = Card("This computer", name="preferences.computer")
        self._devices = Label("Looking at what this computer has…", wrap=True, selectable=True)
        card.body.addWidget(self._devices)
        return card

    def _places(self) -> Card:
        card = Card("Where files lie", name="preferences.places")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        found = (
            ("Models and data", places.data_home()),
            ("Caches, may be deleted", places.cache_home()),
            ("Settings and recent projects", places.state_home()),
            ("Crash reports", crash_folder()),
        )
        for row, (words, path) in enumerate(found):
            grid.addWidget(Label(words), row, 0)
            grid.addWidget(ElidedLabel(str(path), role="muted", mode=Qt.TextElideMode.ElideMiddle), row, 1)
            show = LinkButton("Show", name=f"preferences.show{row}", on_click=partial(self._show_folder, path))
            grid.addWidget(show, row, 2)
        card.body.addLayout(grid)
        return card

    def _set_theme(self, mode: str) -> None:
        if mode in {"system", "light", "dark"}:
            opening.use_theme(self._services, mode)  # type: ignore[arg-type] # checked in the line before

    def _change_folder(self) -> None:
        start = self._services.preferences.projects_folder()
        chosen = QFileDialog.getExistingDirectory(
            self, "Where new projects go", str(start if start.is_dir() else Path.home())
        )
        if chosen:
            same = Path(chosen) == default_projects_folder()
            opening.remember(self._services, projects_folder="" if same else chosen)
            self._folder.setText(str(self._services.preferences.projects_folder()))

    def _load_token(self) -> None:
        if os.environ.get("HF_TOKEN"):
            self._tell_token("HF_TOKEN is set in the environment; it is used when no token is kept here.")
        self._services.background.run(lambda _task: token.load(), done=self._have_token, failed=self._no_keyring)

    def _have_token(self, found: str) -> None:
        if not self._token.isModified():
            self._token.setText(found)

    def _keep_token(self) -> None:
        text = self._token.text().strip()
        self._token.setModified(False)
        words = "The token is kept in the system's keyring." if text else "The token is forgotten."
        self._services.background.run(
            lambda _task: token.store(text), done=lambda _none: self._tell_token(words), failed=self._no_keyring
        )

    def _no_keyring(self, notice: Notice) -> None:
        self._tell_token(" ".join(part for part in (f"{notice.title}.", notice.text, notice.hint) if part))

    def _tell_token(self, words: str) -> None:
        self._token_state.setText(words)
        self._token_state.show()

    def _show_devices(self) -> None:
        devices = self._services.devices
        if devices:
            lines = [
                f"{item.title}: {item.memory_free_bytes / _GIB:.0f} of {item.memory_bytes / _GIB:.0f} GB free"
                for item in devices
            ]
            self._devices.setText("\n".join(lines))

    def _show_folder(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def _row(title: str, text: str, *widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(12)
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addWidget(Label(title))
    words.addWidget(Label(text, role="small", wrap=True))
    row.addLayout(words, 1)
    for widget in widgets:
        row.addWidget(widget)
    return row
