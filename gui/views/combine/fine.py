"""What few people need: what not to show, steps, guidance, the size of the picture, and what is made beside it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from gui.forms.quiet import quiet_wheel, roomy
from gui.views.combine.board import Board
from gui.views.combine.draft import LARGEST_EDGE
from gui.widgets.number import NumberBox
from gui.widgets.text import Label

_OWN = "the base’s own"
_GRAIN = 8


class FineTuning(QWidget):
    """Fields that edit the board's layout."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board
        self._negative = QLineEdit()
        self._negative.setObjectName("combine.negative")
        self._negative.setAccessibleName("What the picture shall not show")
        self._negative.setPlaceholderText("What it shall not show")
        self._negative.setMaxLength(4000)
        self._negative.editingFinished.connect(self._set_negative)
        self._steps = NumberBox(0, 200, name="combine.steps", words="Steps")
        self._width = NumberBox(0, LARGEST_EDGE, name="combine.width", words="Width in pixels")
        self._height = NumberBox(0, LARGEST_EDGE, name="combine.height", words="Height in pixels")
        for side in (self._width, self._height):
            side.setSingleStep(_GRAIN)
        self._guidance = QDoubleSpinBox()
        self._guidance.setObjectName("combine.guidance")
        self._guidance.setAccessibleName("How strictly to follow the words")
        self._guidance.setRange(0.0, 30.0)
        self._guidance.setSingleStep(0.5)
        self._guidance.setKeyboardTracking(False)
        quiet_wheel(self._guidance)
        roomy(self._guidance)
        boxes: tuple[tuple[str, str, QSpinBox | QDoubleSpinBox], ...] = (
            ("Steps", "steps", self._steps),
            ("Guidance", "guidance", self._guidance),
            ("Width", "width", self._width),
            ("Height", "height", self._height),
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        for row, (title, name, box) in enumerate(boxes):
            box.setSpecialValueText(_OWN)
            box.valueChanged.connect(lambda value, name=name: self._set(**{name: _grained(name, value)}))
            grid.addWidget(Label(title), row, 0)
            grid.addWidget(box, row, 1)
        self._beside = self._check("combine.beside", "Make the plain sum beside it", "beside")
        self._preview = self._check("combine.preview", "Show a first look from a few steps", "preview")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._negative)
        column.addLayout(grid)
        column.addWidget(self._beside)
        column.addWidget(self._preview)
        self.show_draft()

    def show_draft(self) -> None:
        """Show the layout as it is."""
        draft = self._board.draft
        shown = (self._steps, self._width, self._height, self._guidance, self._beside, self._preview)
        for widget in shown:
            widget.blockSignals(True)
        self._negative.setText(draft.negative)
        self._steps.setValue(draft.steps)
        self._width.setValue(draft.width)
        self._height.setValue(draft.height)
        self._guidance.setValue(draft.guidance)
        self._beside.setChecked(draft.beside)
        self._preview.setChecked(draft.preview)
        for widget in shown:
            widget.blockSignals(False)

    def _check(self, name: str, words: str, field: str) -> QCheckBox:
        box = QCheckBox(words)
        box.setObjectName(name)
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        box.toggled.connect(lambda on: self._set(**{field: on}))
        return box

    def _set_negative(self) -> None:
        self._set(negative=self._negative.text())

    def _set(self, **values: object) -> None:
        self._board.put(self._board.draft.changed(**values), "Change a setting")


def _grained(name: str, value: float) -> float:
    """Sides are whole blocks of the latents."""
    return round(value / _GRAIN) * _GRAIN if name in {"width", "height"} else value
