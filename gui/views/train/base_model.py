"""Chooses the base model: the built-in starter, a file or folder on this computer, or one from the model hub."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QRadioButton, QWidget

from gui.widgets.buttons import QuietButton
from gui.widgets.sheet import Sheet
from gui.widgets.text import Label

_HUB = re.compile(r"[\w.\-]+/[\w.\-]+(@[\w.\-/]+)?")
_FILES = "Models (*.safetensors *.ckpt)"


def base_title(base: str) -> str:
    """A base model in a few words."""
    if base == "starter":
        return "Built-in starter"
    if base.startswith("hub:"):
        return base.removeprefix("hub:")
    return Path(base.removeprefix("file:")).name


def base_problem(base: str) -> str:
    """Why this cannot be a base model, in words; empty when it can."""
    if base == "starter":
        return ""
    if base.startswith("hub:"):
        known = _HUB.fullmatch(base.removeprefix("hub:"))
        return "" if known else "A model on the hub is written owner/name, such as stabilityai/sd-turbo."
    path = Path(base.removeprefix("file:"))
    if not path.is_absolute() or not path.exists():
        return "There is no such file or folder."
    if path.is_dir() and not (path / "model_index.json").is_file():
        return "This folder is not a diffusers model: it has no model_index.json."
    if path.is_file() and path.suffix.lower() not in {".safetensors", ".ckpt"}:
        return "A model file ends in .safetensors or .ckpt."
    return ""


class BaseSheet(Sheet):
    """The dialog; `base` is the choice once it was accepted."""

    def __init__(self, parent: QWidget | None, base: str) -> None:
        super().__init__(
            parent,
            "Base model",
            "What the adapter is taught on top of. An adapter works with the base it was taught on and its close relatives.",
            name="baseModel",
            accept="Use this model",
        )
        self._starter = self._option("starter", "Built-in starter: small, needs no download, teaches in about a minute")
        self._file = self._option(
            "file", "A model on this computer: Stable Diffusion 1.x, 2.x or XL, a file or a diffusers folder"
        )
        self._path = self._field("path", "Path of the model")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._path, 1)
        row.addWidget(QuietButton("File…", name="baseModel.browseFile", on_click=self._browse_file))
        row.addWidget(QuietButton("Folder…", name="baseModel.browseFolder", on_click=self._browse_folder))
        self._hub = self._option("hub", "A model from the hub, downloaded once when training starts")
        self._name = self._field("hubName", "Model on the hub")
        self._name.setPlaceholderText("owner/name")
        self._problem = Label(role="bad", wrap=True)
        self.body.addWidget(self._starter)
        self.body.addWidget(self._file)
        self.body.addLayout(row)
        self.body.addWidget(self._hub)
        self.body.addWidget(self._name)
        self.body.addWidget(self._problem)
        kind = "starter" if base == "starter" else base.partition(":")[0]
        {"starter": self._starter, "hub": self._hub}.get(kind, self._file).setChecked(True)
        if kind == "hub":
            self._name.setText(base.removeprefix("hub:"))
        elif kind == "file":
            self._path.setText(base.removeprefix("file:"))
        self._path.textEdited.connect(lambda _text: self._file.setChecked(True))
        self._name.textEdited.connect(lambda _text: self._hub.setChecked(True))
        for button in (self._starter, self._file, self._hub):
            button.toggled.connect(lambda _on: self._check())
        for field in (self._path, self._name):
            field.textChanged.connect(lambda _text: self._check())
        self._check()

    @property
    def base(self) -> str:
        """The choice, as a job writes it."""
        if self._hub.isChecked():
            return f"hub:{self._name.text().strip()}"
        return f"file:{self._path.text().strip()}" if self._file.isChecked() else "starter"

    def _option(self, key: str, words: str) -> QRadioButton:
        button = QRadioButton(words)
        button.setObjectName(f"baseModel.{key}")
        button.setAccessibleName(words)
        return button

    def _field(self, key: str, spoken: str) -> QLineEdit:
        field = QLineEdit()
        field.setObjectName(f"baseModel.{key}")
        field.setAccessibleName(spoken)
        field.setMaxLength(1000)
        return field

    def _browse_file(self) -> None:
        path, _kind = QFileDialog.getOpenFileName(self, "Choose a model file", "", _FILES)
        self._take(path)

    def _browse_folder(self) -> None:
        self._take(QFileDialog.getExistingDirectory(self, "Choose a diffusers folder"))

    def _take(self, path: str) -> None:
        if path:
            self._file.setChecked(True)
            self._path.setText(str(Path(path)))

    def _check(self) -> None:
        words = base_problem(self.base)
        # Nothing is wrong yet while the field is still empty; it just cannot be used.
        empty = self.base in {"hub:", "file:"}
        self._problem.setText("" if empty else words)
        self.accept_button.setEnabled(not words)
