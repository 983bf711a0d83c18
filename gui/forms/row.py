"""One line of a form: the setting's name, its editor, a way back to where it started, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gui.forms.editor import Kind
from gui.forms.slider import SliderEditor
from gui.forms.spec import FieldSpec, FormValue
from gui.widgets.buttons import IconButton
from gui.widgets.text import Label, restyle, set_tip

_NARROW, _SLIDER = 118, 150


class FieldRow(QWidget):
    """Shows one setting. `reference` is the value that counts as unchanged: the default, or the preset's."""

    def __init__(self, spec: FieldSpec, kind: Kind, *, form: str, on_change: Callable[[], None]) -> None:
        super().__init__()
        self.spec = spec
        self.reference: FormValue = spec.default
        self._on_change = on_change
        self._quiet = True
        self.editor = kind.build(spec, self._changed)
        self._name_widgets(form)
        self.label = Label(spec.label, wrap=True)
        self.label.setBuddy(self.editor.widget())
        self.reset = IconButton("undo", f"Back to {_words(spec.default)}", name=f"{form}.{spec.name}.reset", size=14)
        self.reset.clicked.connect(self.back)
        self.problem = Label(role="bad", wrap=True)
        self.problem.setVisible(False)
        # The place of the way back is kept free, so that nothing jumps when it appears.
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        self._lay_out(kind)
        self.set_value(spec.default)
        self._quiet = False

    def value(self) -> FormValue:
        """The setting's value."""
        return self.editor.value()

    def set_value(self, value: FormValue, *, reference: FormValue = None) -> None:
        """Show a value; `reference` (when given) is what counts as unchanged from now on."""
        if reference is not None:
            self.reference = reference
            self.reset.set_tip(f"Back to {_words(reference)}")
        self.editor.set_value(value)
        self._refresh()

    def back(self) -> None:
        """Back to the reference value."""
        self.editor.set_value(self.reference)
        self._refresh()

    def changed(self) -> bool:
        """Whether the value differs from the reference."""
        return bool(self.editor.problem()) or self.editor.value() != self.reference

    def _changed(self) -> None:
        if not self._quiet:
            self._refresh()
            self._on_change()

    def _refresh(self) -> None:
        words = self.editor.problem()
        self.problem.setText(words)
        self.problem.setVisible(bool(words))
        widget = self.editor.widget()
        if bool(widget.property("wrong")) != bool(words):
            widget.setProperty("wrong", bool(words))
            restyle(widget)
        self.reset.setVisible(self.changed())

    def _name_widgets(self, form: str) -> None:
        widget = self.editor.widget()
        name = f"{form}.{self.spec.name}"
        spoken = f"{self.spec.label}, {self.spec.unit}" if self.spec.unit else self.spec.label
        widget.setObjectName(name)
        widget.setAccessibleName(spoken)
        widget.setAccessibleDescription(self.spec.help)
        if isinstance(self.editor, SliderEditor):
            self.editor.name_parts(name, spoken)
        set_tip(self, self.spec.help)

    def _lay_out(self, kind: Kind) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 3, 0, 3)
        column.setSpacing(4)
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.label, 1)
        line.addWidget(self.reset)
        column.addLayout(line)
        widget = self.editor.widget()
        if kind.wide:
            column.addWidget(widget)
        else:
            if kind.name in {"integer", "number", "choice"}:
                widget.setFixedWidth(_NARROW)
            elif kind.name == "slider":
                widget.setFixedWidth(_SLIDER)
            widget.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            line.addWidget(widget)
        column.addWidget(self.problem)


def _words(value: FormValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in {"", ()}:
        return "empty"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)[:60]
    return str(value)[:60]
