"""A number between two near bounds: a slider with the figure beside it, which can be typed too."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from gui.forms.editor import Kind
from gui.forms.number import NumberEditor
from gui.forms.quiet import quiet_wheel
from gui.forms.spec import FieldSpec, FormValue

_NOTCHES = 100


class SliderEditor(QWidget):
    """The typed figure is the value; the slider only follows it and pushes it, so a value off the notches stays exact."""

    def __init__(self, spec: FieldSpec, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._low = float(spec.minimum or 0.0)
        self._span = float(spec.maximum or 1.0) - self._low
        self._whole = spec.kind == "integer"
        self._following = False
        self._figure = NumberEditor(spec, self._typed)
        self._figure.setFixedWidth(64)
        self._figure.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, int(self._span) if self._whole else _NOTCHES)
        self._slider.setMinimumWidth(70)
        quiet_wheel(self._slider)
        self._slider.valueChanged.connect(self._slid)
        self._on_change = on_change
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._slider, 1)
        row.addWidget(self._figure)
        self.setFocusProxy(self._slider)

    def widget(self) -> QWidget:
        """Slider and figure."""
        return self

    def value(self) -> FormValue:
        """The figure."""
        return self._figure.value()

    def set_value(self, value: FormValue) -> None:
        """Show a number on both."""
        self._figure.set_value(value)

    def problem(self) -> str:
        """What is wrong with the figure."""
        return self._figure.problem()

    def name_parts(self, object_name: str, accessible_name: str) -> None:
        """Name the two halves after the field."""
        self._slider.setObjectName(f"{object_name}.slider")
        self._slider.setAccessibleName(accessible_name)
        self._figure.setObjectName(f"{object_name}.figure")
        self._figure.setAccessibleName(f"{accessible_name}, figure")

    def _typed(self) -> None:
        number = self._figure.value()
        if isinstance(number, int | float) and not self._figure.problem():
            self._following = True
            share = (float(number) - self._low) / self._span
            self._slider.setValue(round(share * self._slider.maximum()))
            self._following = False
        self._on_change()

    def _slid(self, notch: int) -> None:
        if self._following:
            return
        number = self._low + self._span * notch / self._slider.maximum()
        self._figure.set_value(round(number) if self._whole else round(number, 6))


def _fits(spec: FieldSpec) -> bool:
    low, high = spec.minimum, spec.maximum
    if spec.optional or spec.zero or low is None or high is None or spec.open_minimum or spec.open_maximum:
        return False
    if spec.kind == "integer":
        return 1 <= high - low <= 16
    # A default far below the first notch (a rate) belongs in a text field.
    default = spec.default if isinstance(spec.default, int | float) else 0.0
    return (
        spec.kind == "number" and 0 < high - low <= 4 and (default == low or abs(default - low) >= (high - low) / 100)
    )


KIND = Kind("slider", _fits, SliderEditor)
