"""A form drawn from a settings schema, with a Simple and an Advanced face.

Values go in and come out as nested plain data; what no field can show keeps its value, so nothing is lost on the way. A field's widgets
are made when it is first shown, and a whole face of them a few at a time, because all at once would be felt.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.forms.editor import Kind
from gui.forms.kinds import kind_for
from gui.forms.row import FieldRow
from gui.forms.spec import FieldSpec, FormValue, Path, defaults, parse
from gui.widgets.card import separator
from gui.widgets.text import Label

_AT_ONCE = 3


@dataclass
class _Field:
    """One setting and, once it was seen, its line. `begins` says that a group of settings begins with it."""

    spec: FieldSpec
    kind: Kind
    begins: bool
    reference: FormValue
    line: _Line | None = None


class SettingsForm(QWidget):
    """Draws one object schema.

    Args:
        schema: JSON schema as pydantic prints it, with the extras of `engines.api.settings`.
        name: prefix of every field's object name.
        hidden: paths not to draw (somebody else shows them); they keep their values.

    Signals:
        changed: after every change of a value, by the person or by a call.
    """

    changed = Signal()

    def __init__(self, schema: Mapping[str, Any], *, name: str, hidden: frozenset[Path] = frozenset()) -> None:
        super().__init__()
        self.setObjectName(name)
        self._values: dict[str, Any] = defaults(schema)
        self._fields: dict[Path, _Field] = {}
        self._advanced = False
        self._silent = False
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._later = QTimer(self)
        self._later.setInterval(0)
        self._later.timeout.connect(self._build_some)
        heading: str | None = None
        specs = parse(schema)
        self._groups = frozenset(spec.path[:depth] for spec in specs for depth in range(1, len(spec.path)))
        for spec in specs:
            kind = kind_for(spec)
            if kind is not None and spec.path not in hidden:
                self._fields[spec.path] = _Field(spec, kind, spec.heading != heading, spec.default)
                heading = spec.heading
        self.set_advanced(advanced=False)

    @property
    def specs(self) -> tuple[FieldSpec, ...]:
        """The settings that are drawn."""
        return tuple(field.spec for field in self._fields.values())

    def row(self, *path: str) -> FieldRow:
        """The line of one setting; `KeyError` when it is not drawn."""
        row = self._line(self._fields[path]).row
        self._show_lines()
        return row

    def set_advanced(self, *, advanced: bool) -> None:
        """Show the advanced settings too; those that were changed or are wrong always show."""
        self._advanced = advanced
        for field in self._fields.values():
            if not field.spec.advanced:
                self._line(field)
        self._show_lines()
        self._later.start()

    def values(self) -> dict[str, Any]:
        """All values, nested as in the schema; lists for several texts. A wrong entry gives the value last set."""
        made = copy.deepcopy(self._values)
        for row in self._rows():
            if not row.editor.problem():
                _put(made, row.spec.path, _plain(row.value()))
        return made

    def set_values(self, values: Mapping[str, Any], *, reference: Mapping[str, Any] | None = None) -> None:
        """Show values (nested; what is left out stays); `reference` sets what counts as unchanged."""
        self._silent = True
        _merge(self._values, values, self._groups, ())
        for path, field in self._fields.items():
            known, found = _get(self._values, path)
            if not known:
                continue
            value = _frozen(found)
            unchanged = _frozen(_get(reference, path)[1]) if reference is not None else None
            field.reference = field.reference if unchanged is None else unchanged
            if field.line is not None:
                field.line.row.set_value(value, reference=unchanged)
            elif not value == field.reference == field.spec.default:
                self._line(field)
        self._silent = False
        self._show_lines()
        self.changed.emit()

    def problems(self) -> dict[str, str]:
        """Label -> what is wrong, for every field that cannot be used as it is."""
        return {row.spec.label: words for row in self._rows() if (words := row.editor.problem())}

    def focus_problem(self) -> None:
        """Put the keyboard into the first field that is wrong."""
        for row in self._rows():
            if row.editor.problem():
                row.editor.widget().setFocus()
                return

    def changes(self) -> int:
        """How many settings differ from their reference."""
        return sum(row.changed() for row in self._rows())

    def _rows(self) -> list[FieldRow]:
        """The lines made so far; a setting without one stands at its default, so it is neither changed nor wrong."""
        return [field.line.row for field in self._fields.values() if field.line is not None]

    def _line(self, field: _Field) -> _Line:
        if field.line is None:
            before = 0
            for other in self._fields.values():
                if other is field:
                    break
                before += other.line is not None
            row = FieldRow(field.spec, field.kind, form=self.objectName(), on_change=self._changed)
            row.set_value(_frozen(_get(self._values, field.spec.path)[1]), reference=field.reference)
            field.line = _Line(row, field.spec.heading if field.begins else "", gap=14 if before else 2)
            self._column.insertWidget(before, field.line)
        return field.line

    def _build_some(self) -> None:
        """A few more of the lines that the advanced face still lacks."""
        missing = [field for field in self._fields.values() if field.line is None] if self._advanced else []
        for field in missing[:_AT_ONCE]:
            self._line(field)
        if len(missing) <= _AT_ONCE:
            self._later.stop()
        if missing:
            self._show_lines()

    def _changed(self) -> None:
        if not self._silent:
            self.changed.emit()

    def _show_lines(self) -> None:
        first = True
        for field in self._fields.values():
            first = first or (self._advanced and field.begins)
            if field.line is None:
                continue
            shown = self._advanced or not field.spec.advanced or field.line.row.changed()
            field.line.show_as(shown=shown, headed=self._advanced, ruled=not first)
            first = first and not shown


class _Line(QWidget):
    """A setting's row, below a rule, or below the heading of the group that begins with it."""

    def __init__(self, row: FieldRow, heading: str, *, gap: int) -> None:
        super().__init__()
        self.row = row
        self._heading = Label(heading, role="small", wrap=True) if heading else None
        self._rule = separator()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        if self._heading is not None:
            self._heading.setContentsMargins(0, gap, 0, 4)
            column.addWidget(self._heading)
        column.addWidget(self._rule)
        column.addWidget(row)
        self.hide()

    def show_as(self, *, shown: bool, headed: bool, ruled: bool) -> None:
        """Show it or not, with what stands above it."""
        if self._heading is not None:
            self._heading.setVisible(headed)
        self._rule.setVisible(ruled)
        self.setVisible(shown)


def _put(values: dict[str, Any], path: Path, value: object) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value


def _get(values: Mapping[str, Any], path: Path) -> tuple[bool, Any]:
    found: Any = values
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return False, None
        found = found[name]
    return True, found


def _merge(into: dict[str, Any], values: Mapping[str, Any], groups: frozenset[Path], here: Path) -> None:
    for name, value in values.items():
        path = (*here, name)
        if path in groups and isinstance(value, Mapping):
            _merge(into.setdefault(name, {}), value, groups, path)
        else:
            into[name] = copy.deepcopy(value)


def _frozen(value: Any) -> FormValue:  # noqa: ANN401 - plain data of any kind
    if isinstance(value, list | tuple):
        return tuple(value)
    return value if isinstance(value, int | float | bool | str) else None


def _plain(value: FormValue) -> object:
    return list(value) if isinstance(value, tuple) else value
