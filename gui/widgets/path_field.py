"""A place on this computer: typed, or chosen from a dialog for files or folders."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from gui.widgets.buttons import QuietButton

_LONGEST = 1000


class PathField(QWidget):
    """A field with buttons beside it.

    Args:
        name: object name of the field; its buttons are `name.file` and `name.folder`.
        words: what the place is for, for screen readers and the dialogs.
        files: filter of the file dialog, as Qt writes them; empty for no button for files.
        folders: whether folders can be chosen.

    Signals:
        changed: another place.
    """

    changed = Signal()

    def __init__(self, *, name: str, words: str, files: str = "", folders: bool = True) -> None:
        super().__init__()
        self._words = words
        self._files = files
        self._line = QLineEdit()
        self._line.setObjectName(name)
        self._line.setAccessibleName(words)
        self._line.setMaxLength(_LONGEST)
        self._line.textChanged.connect(lambda _text: self.changed.emit())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._line, 1)
        if files:
            row.addWidget(QuietButton("File…", name=f"{name}.file", on_click=self._choose_file))
        if folders:
            row.addWidget(QuietButton("Folder…", name=f"{name}.folder", on_click=self._choose_folder))
        self.setFocusProxy(self._line)

    @property
    def path(self) -> Path | None:
        """The place; None while nothing is named."""
        text = self._line.text().strip()
        return Path(text).expanduser() if text else None

    def set_path(self, path: Path | None) -> None:
        """Name another place."""
        self._line.setText(str(path) if path is not None else "")

    def _choose_file(self) -> None:
        name, _kind = QFileDialog.getOpenFileName(self, self._words, self._start(), self._files)
        if name:
            self.set_path(Path(name))

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self._words, self._start())
        if name:
            self.set_path(Path(name))

    def _start(self) -> str:
        return str(self.path) if self.path is not None else str(Path.home())
