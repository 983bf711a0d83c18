"""What every kind of field offers, so that the form need not know which kind it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtWidgets import QWidget

from gui.forms.spec import FieldSpec, FormValue


class Editor(Protocol):
    """One value being edited. Editors are widgets; `on_change` is called after every change by the person or by `set_value`."""

    def widget(self) -> QWidget:
        """The widget to lay out (usually the editor itself)."""
        ...

    def value(self) -> FormValue:
        """The value exactly as it was set, or as the person changed it. Meaningful only while `problem()` is empty."""
        ...

    def set_value(self, value: FormValue) -> None:
        """Show a value."""
        ...

    def problem(self) -> str:
        """Why the present entry cannot be used, in words; empty when it can."""
        ...


@dataclass(frozen=True)
class Kind:
    """One kind of field.

    Attributes:
        wide: the editor takes a line of its own below its label.
    """

    name: str
    fits: Callable[[FieldSpec], bool]
    build: Callable[[FieldSpec, Callable[[], None]], Editor]
    wide: bool = False
