"""A number typed as text, scientific notation included, kept exactly as it was given until somebody changes it."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QWidget

from gui.forms.editor import Kind
from gui.forms.spec import FieldSpec, FormValue


class NumberEditor(QLineEdit):
    """Text that reads as a number: `0.0001`, `1e-4` and `1,5` are all understood; empty means nothing where that is allowed."""

    def __init__(self, spec: FieldSpec, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._spec = spec
        self._given: FormValue = spec.default
        self._shown = ""
        self.setMaxLength(40)
        if spec.optional:
            self.setPlaceholderText("automatic")
        self.textChanged.connect(lambda _text: on_change())

    def widget(self) -> QWidget:
        """The line itself."""
        return self

    def value(self) -> FormValue:
        """The number; the very object that was set while its text is untouched."""
        if self.text() == self._shown:
            return self._given
        if self._is_nought():
            return 0 if self._spec.kind == "integer" else 0.0
        return parse_number(self.text(), whole=self._spec.kind == "integer")

    def set_value(self, value: FormValue) -> None:
        """Show a number with as many digits as it needs to come back the same."""
        self._given = value
        self._shown = self._spec.zero if self._spec.zero and value == 0 else show_number(value)
        self.setText(self._shown)

    def problem(self) -> str:
        """Not a number, or out of bounds."""
        text = self.text().strip()
        if self._is_nought():
            return self._spec.bounds_problem(0)
        if not text:
            return "" if self._spec.optional else "Enter a number."
        number = parse_number(text, whole=self._spec.kind == "integer")
        if number is None:
            return "Enter a whole number." if self._spec.kind == "integer" else "Enter a number, such as 0.5 or 1e-4."
        return self._spec.bounds_problem(number)

    def _is_nought(self) -> bool:
        """Whether it holds the words for nought ("automatic")."""
        return bool(self._spec.zero) and self.text().strip().casefold() == self._spec.zero.casefold()


def parse_number(text: str, *, whole: bool = False) -> float | int | None:
    """Read a finite number, a decimal comma included; None when it is none."""
    cleaned = text.strip().replace(" ", "").replace("_", "x")
    if cleaned.count(",") == 1 and "." not in cleaned:
        cleaned = cleaned.replace(",", ".")
    try:
        number = int(cleaned) if whole else float(cleaned)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def show_number(value: FormValue) -> str:
    """Write a number so that it reads back equal, short and without a needless `.0`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if isinstance(value, int):
        return str(value)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _fits(spec: FieldSpec) -> bool:
    return spec.kind in {"number", "integer"}


KIND = Kind("number", _fits, NumberEditor)
