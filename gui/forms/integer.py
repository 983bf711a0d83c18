"""A whole number: a box with steps, which says in words when a number is out of bounds."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QSpinBox, QWidget

from gui.forms.editor import Kind
from gui.forms.quiet import quiet_wheel, roomy
from gui.forms.spec import FieldSpec, FormValue

_LOWEST, _HIGHEST = -(2**31), 2**31 - 1


class IntegerEditor(QSpinBox):
    """Accepts any whole number while typing, so that an error can be explained instead of silently corrected."""

    def __init__(self, spec: FieldSpec, on_change: Callable[[], None]) -> None:
        super().__init__()
        self.lineEdit().setTextMargins(8, 0, 0, 0)  # the style sheet's padding does not reach the field inside
        self._spec = spec
        self.setRange(_LOWEST, _HIGHEST)
        self.setSingleStep(_pleasant_step(spec))
        self.setGroupSeparatorShown(False)
        quiet_wheel(self)
        roomy(self)
        self._show_unit()
        self.valueChanged.connect(lambda _value: self._show_unit())
        self.valueChanged.connect(lambda _value: on_change())

    def widget(self) -> QWidget:
        """The box itself."""
        return self

    def set_value(self, value: FormValue) -> None:
        """Show a whole number."""
        self.setValue(int(value) if isinstance(value, int | float) else 0)

    def problem(self) -> str:
        """Out of bounds, in words."""
        return self._spec.bounds_problem(self.value())

    def stepBy(self, steps: int) -> None:  # noqa: N802 - Qt's name
        """Step within the bounds."""
        low = _LOWEST if self._spec.minimum is None else int(self._spec.minimum)
        high = _HIGHEST if self._spec.maximum is None else int(self._spec.maximum)
        self.setValue(min(max(self.value() + steps * self.singleStep(), low), high))
        self.selectAll()

    def textFromValue(self, val: int) -> str:  # noqa: N802 - Qt's name
        """The figure, or the words for nought."""
        return self._spec.zero if val == 0 and self._spec.zero else str(val)

    def valueFromText(self, text: str) -> int:  # noqa: N802 - Qt's name
        """The other way round."""
        digits = text.removesuffix(self.suffix()).strip()
        return 0 if digits == self._spec.zero else int(digits)

    def validate(self, text: str, pos: int) -> tuple[QValidator.State, str, int]:
        """Accept the words for nought too, and let them be typed over."""
        words = self._spec.zero
        typed = text.removesuffix(self.suffix()).strip()
        if words and typed == words:
            return QValidator.State.Acceptable, text, pos
        if words and typed and not typed.lstrip("-").isdigit() and set(typed) <= set(words + "0123456789"):
            return QValidator.State.Intermediate, text, pos
        state: tuple[QValidator.State, str, int] = super().validate(text, pos)
        return state

    def _show_unit(self) -> None:
        plain = not self._spec.unit or (self._spec.zero and self.value() == 0)
        self.setSuffix("" if plain else f" {self._spec.unit}")


def _pleasant_step(spec: FieldSpec) -> int:
    if "seed" in spec.name:
        return 1
    default = abs(spec.default) if isinstance(spec.default, int) else 0
    return 50 if default >= 300 else 25 if default >= 100 else 5 if default >= 25 else 1


def _fits(spec: FieldSpec) -> bool:
    inside = (spec.maximum is None or spec.maximum <= _HIGHEST) and (spec.minimum is None or spec.minimum >= _LOWEST)
    return spec.kind == "integer" and not spec.optional and inside


KIND = Kind("integer", _fits, IntegerEditor)
