"""One of a few values, shown in words."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QComboBox, QWidget

from gui.forms.editor import Kind
from gui.forms.quiet import quiet_wheel
from gui.forms.spec import FieldSpec, FormValue


class ChoiceEditor(QComboBox):
    """A closed list. A value that is not on offer any more is kept and marked, never silently replaced."""

    def __init__(self, spec: FieldSpec, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._spec = spec
        if spec.optional:
            self.addItem("Automatic", None)
        for value, words in spec.choices:
            self.addItem(words, value)
        quiet_wheel(self)
        self.currentIndexChanged.connect(lambda _index: on_change())

    def widget(self) -> QWidget:
        """The list itself."""
        return self

    def value(self) -> FormValue:
        """The chosen value."""
        chosen = self.currentData()
        return chosen if isinstance(chosen, int | float | bool | str) else None

    def set_value(self, value: FormValue) -> None:
        """Choose a value."""
        index = next((i for i in range(self.count()) if self.itemData(i) == value), -1)
        if index < 0:
            self.addItem(str(value), value)
            index = self.count() - 1
        self.setCurrentIndex(index)

    def problem(self) -> str:
        """Whether the value is still on offer."""
        value = self.value()
        if (value is None and self._spec.optional) or value in {known for known, _words in self._spec.choices}:
            return ""
        return "This choice is not on offer here; pick another."


def _fits(spec: FieldSpec) -> bool:
    return spec.kind == "choice" and bool(spec.choices)


KIND = Kind("choice", _fits, ChoiceEditor)
