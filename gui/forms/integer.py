"""A whole number: a box with steps, which says in words when a number is out of bounds."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QSpinBox, QWidget

from gui.forms.editor import Kind
from gui.forms.quiet import quiet_wheel
from gui.forms.spec import FieldSpec, FormValue

_LOWEST, _HIGHEST = -(2**31), 2**31 - 1


class IntegerEditor(QSpinBox):
    """Accepts any whole number while typing, so that an error can be explained instead of silently corrected."""

    def __init__(self, spec: FieldSpec, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._spec = spec
        self.setRange(_LOWEST, _HIGHEST)
        self.setSingleStep(_pleasant_step(spec))
        self.setGroupSeparatorShown(False)
        if spec.unit:
            self.setSuffix(f" {spec.unit}")
        quiet_wheel(self)
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


def _pleasant_step(spec: FieldSpec) -> int:
    if "seed" in spec.name:
        return 1
    default = abs(spec.default) if isinstance(spec.default, int) else 0
    return 50 if default >= 300 else 25 if default >= 100 else 5 if default >= 25 else 1


def _fits(spec: FieldSpec) -> bool:
    inside = (spec.maximum is None or spec.maximum <= _HIGHEST) and (spec.minimum is None or spec.minimum >= _LOWEST)
    return spec.kind == "integer" and not spec.optional and inside


KIND = Kind("integer", _fits, IntegerEditor)
