"""One line of text."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QWidget

from gui.forms.editor import Kind
from gui.forms.spec import FieldSpec, FormValue


class TextEditor(QLineEdit):
    """A line of text; empty means nothing where that is allowed."""

    def __init__(self, spec: FieldSpec, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._spec = spec
        self.textChanged.connect(lambda _text: on_change())

    def widget(self) -> QWidget:
        """The line itself."""
        return self

    def value(self) -> FormValue:
        """The text as typed."""
        return None if self._spec.optional and not self.text() else self.text()

    def set_value(self, value: FormValue) -> None:
        """Show a text."""
        self.setText("" if value is None else str(value))

    def problem(self) -> str:
        """Too long, in words."""
        limit = self._spec.max_length
        return f"At most {limit} characters." if limit is not None and len(self.text()) > limit else ""


def _fits(spec: FieldSpec) -> bool:
    return spec.kind == "string"


KIND = Kind("text", _fits, TextEditor, wide=True)
