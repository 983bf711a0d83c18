"""Several texts, one a line."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui.forms.editor import Kind
from gui.forms.spec import FieldSpec, FormValue

_LONGEST = 2000


class TextsEditor(QPlainTextEdit):
    """A small page; every line that is not blank is one text."""

    def __init__(self, spec: FieldSpec, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._spec = spec
        self.setTabChangesFocus(True)
        self.setPlaceholderText("One a line")
        self.setFixedHeight(64)
        self.textChanged.connect(on_change)

    def widget(self) -> QWidget:
        """The page itself."""
        return self

    def value(self) -> FormValue:
        """The texts in order, blank lines left out."""
        return tuple(line.strip() for line in self.toPlainText().splitlines() if line.strip())

    def set_value(self, value: FormValue) -> None:
        """Show texts, one a line."""
        lines = [str(item) for item in value] if isinstance(value, tuple | list) else []
        self.setPlainText("\n".join(lines))

    def problem(self) -> str:
        """A line that is too long."""
        longest = max((len(line) for line in self.toPlainText().splitlines()), default=0)
        return f"A line has {longest} characters; at most {_LONGEST} are allowed." if longest > _LONGEST else ""


def _fits(spec: FieldSpec) -> bool:
    return spec.kind == "texts"


KIND = Kind("texts", _fits, TextsEditor, wide=True)
