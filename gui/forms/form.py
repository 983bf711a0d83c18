"""A form drawn from a settings schema, with a Simple and an Advanced face.

Values go in and come out as nested plain data; what no field can show keeps its value, so nothing is lost on the way.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.forms.kinds import kind_for
from gui.forms.row import FieldRow
from gui.forms.spec import FieldSpec, FormValue, Path, defaults, parse
from gui.widgets.card import separator
from gui.widgets.text import Label


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
        self._rows: dict[Path, FieldRow] = {}
        self._headings: list[tuple[QWidget, list[FieldRow]]] = []
        self._lines: dict[Path, QWidget] = {}
        self._advanced = False
        self._silent = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        heading: str | None = None
        fields = parse(schema)
        self._groups = frozenset(spec.path[:depth] for spec in fields for depth in range(1, len(spec.path)))
        for spec in fields:
            kind = kind_for(spec)
            if kind is None or spec.path in hidden:
                continue
            if spec.heading != heading:
                heading = spec.heading
                self._begin_group(column, heading)
            row = FieldRow(spec, kind, form=name, on_change=self._changed)
            self._rows[spec.path] = row
            if self._headings:
                self._headings[-1][1].append(row)
            line = separator()
            self._lines[spec.path] = line
            column.addWidget(line)
            column.addWidget(row)
        self.set_advanced(advanced=False)

    @property
    def specs(self) -> tuple[FieldSpec, ...]:
        """The settings that are drawn."""
        return tuple(row.spec for row in self._rows.values())

    def row(self, *path: str) -> FieldRow:
        """The line of one setting; `KeyError` when it is not drawn."""
        return self._rows[path]

    def set_advanced(self, *, advanced: bool) -> None:
        """Show the advanced settings too; those that were changed or are wrong always show."""
        self._advanced = advanced
        self._show_rows()

    def values(self) -> dict[str, Any]:
        """All values, nested as in the schema; lists for several texts. A wrong entry gives the value last set."""
        made = copy.deepcopy(self._values)
        for path, row in self._rows.items():
            if not row.editor.problem():
                _put(made, path, _plain(row.value()))
        return made

    def set_values(self, values: Mapping[str, Any], *, reference: Mapping[str, Any] | None = None) -> None:
        """Show values (nested; what is left out stays); `reference` sets what counts as unchanged."""
        self._silent = True
        _merge(self._values, values, self._groups, ())
        for path, row in self._rows.items():
            known, value = _get(self._values, path)
            if not known:
                continue
            unchanged = _get(reference, path)[1] if reference is not None else None
            row.set_value(_frozen(value), reference=_frozen(unchanged))
        self._silent = False
        self._show_rows()
        self.changed.emit()

    def problems(self) -> dict[str, str]:
        """Label -> what is wrong, for every field that cannot be used as it is."""
        return {row.spec.label: words for row in self._rows.values() if (words := row.editor.problem())}

    def focus_problem(self) -> None:
        """Put the keyboard into the first field that is wrong."""
        for row in self._rows.values():
            if row.editor.problem():
                row.setVisible(True)
                row.editor.widget().setFocus()
                return

    def changes(self) -> int:
        """How many settings differ from their reference."""
        return sum(row.changed() for row in self._rows.values())

    def _begin_group(self, column: QVBoxLayout, heading: str) -> None:
        label = Label(heading, role="small", wrap=True)
        label.setContentsMargins(0, 14 if self._headings else 2, 0, 4)
        label.setVisible(False)
        column.addWidget(label)
        self._headings.append((label, []))

    def _changed(self) -> None:
        if not self._silent:
            self.changed.emit()

    def _show_rows(self) -> None:
        first = True
        for heading, rows in self._headings:
            heading.setVisible(self._advanced and bool(heading.property("text")) and bool(rows))
            first = first or self._advanced
            for row in rows:
                shown = self._advanced or not row.spec.advanced or row.changed()
                row.setVisible(shown)
                self._lines[row.spec.path].setVisible(shown and not first)
                first = first and not shown


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
