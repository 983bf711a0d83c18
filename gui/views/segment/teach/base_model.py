"""Chooses the model that answers and is taught: the built-in starter, or a checkpoint of Segment Anything on this computer."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QRadioButton, QWidget

from gui.widgets.path_field import PathField
from gui.widgets.sheet import Sheet
from gui.widgets.text import Label

_FILES = "Segment Anything (*.pth *.pt *.safetensors)"
_ENDINGS = frozenset({".pth", ".pt", ".safetensors"})


def base_title(base: str) -> str:
    """A model in a few words."""
    return "Built-in starter" if base == "starter" else Path(base.removeprefix("file:")).name


def base_problem(base: str) -> str:
    """Why this cannot be the model, in words; empty when it may be."""
    if base == "starter":
        return ""
    path = Path(base.removeprefix("file:"))
    if not path.is_absolute() or not path.is_file():
        return "There is no such file."
    if path.suffix.lower() not in _ENDINGS:
        return "A checkpoint of Segment Anything ends in .pth, .pt or .safetensors."
    return ""


class SegmentBaseSheet(Sheet):
    """The dialog; `base` is the choice once it was accepted."""

    def __init__(self, parent: QWidget | None, base: str) -> None:
        super().__init__(
            parent,
            "Model",
            "What answers your clicks, and what an adapter is taught on top of. An adapter works with the model it was taught on.",
            name="segmentBase",
            accept="Use this model",
        )
        self.setMinimumWidth(560)
        self._starter = QRadioButton("Built-in starter: small and quick, needs no download")
        self._starter.setObjectName("segmentBase.starter")
        self._file = QRadioButton("A Segment Anything checkpoint on this computer: ViT-B, ViT-L or ViT-H")
        self._file.setObjectName("segmentBase.file")
        self._path = PathField(name="segmentBase.path", words="Checkpoint file", files=_FILES, folders=False)
        self._problem = Label(role="bad", wrap=True)
        for widget in (self._starter, self._file, self._path, self._problem):
            self.body.addWidget(widget)
        self.body.addWidget(
            Label(
                "Meta publishes them as sam_vit_b_01ec64.pth (375 MB), sam_vit_l and sam_vit_h.",
                role="small",
                wrap=True,
            )
        )
        (self._starter if base == "starter" else self._file).setChecked(True)
        if base != "starter":
            self._path.set_path(Path(base.removeprefix("file:")))
        self._path.changed.connect(lambda: self._file.setChecked(True))
        self._path.changed.connect(self._check)
        self._starter.toggled.connect(lambda _on: self._check())
        self._check()

    @property
    def base(self) -> str:
        """The choice, as a job writes it."""
        if self._starter.isChecked():
            return "starter"
        path = self._path.path
        return f"file:{path}" if path is not None else "file:"

    def _check(self) -> None:
        words = base_problem(self.base)
        self._problem.setText("" if self.base == "file:" else words)
        self.accept_button.setEnabled(not words)
