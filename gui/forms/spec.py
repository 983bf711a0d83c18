"""What a form needs to know of one setting, read from the JSON schema that the engines print.

The schema is plain data (see `engines.api.settings`), so a method nobody has heard of yet can be drawn without importing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Scalar = int | float | bool | str
FormValue = Scalar | tuple[Scalar, ...] | None
Path = tuple[str, ...]


@dataclass(frozen=True)
class FieldSpec:
    """One setting.

    Attributes:
        path: names from the outermost group to the field, as in `("loop", "steps")`.
        kind: `integer`, `number`, `boolean`, `string`, `choice` or `texts`.
        heading: under which the form gathers it.
        minimum: smallest value; `open_minimum` says that the bound itself is excluded.
        choices: value -> words, for `choice`.
        optional: whether "nothing" (None) is a value too.
        zero: what 0 stands for, shown instead of the figure.
    """

    path: Path
    kind: str
    label: str
    help: str = ""
    unit: str = ""
    heading: str = ""
    advanced: bool = False
    default: FormValue = None
    minimum: float | None = None
    maximum: float | None = None
    open_minimum: bool = False
    open_maximum: bool = False
    max_length: int | None = None
    choices: tuple[tuple[Scalar, str], ...] = ()
    optional: bool = False
    zero: str = ""

    @property
    def name(self) -> str:
        """Dotted path, used in object names."""
        return ".".join(self.path)

    def bounds_problem(self, value: float) -> str:
        """Say in words why a number is out of bounds; empty when it is not."""
        low, high = self.minimum, self.maximum
        too_low = low is not None and (value <= low if self.open_minimum else value < low)
        too_high = high is not None and (value >= high if self.open_maximum else value > high)
        if not too_low and not too_high:
            return ""
        below, above = _bound(low), _bound(high)
        if low is not None and high is not None:
            return f"Choose a value above {below}, up to {above}." if self.open_minimum else f"{below} to {above}."
        if low is not None:
            return f"Must be more than {below}." if self.open_minimum else f"Must be at least {below}."
        return f"Must be less than {above}." if self.open_maximum else f"Must be at most {above}."


def parse(schema: Mapping[str, Any]) -> tuple[FieldSpec, ...]:
    """Return the fields of an object schema in order, groups flattened; fields no form can draw are left out."""
    definitions = schema.get("$defs", {})
    return tuple(_walk(schema, definitions, (), ""))


def defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested default values of an object schema, drawable or not."""
    definitions = schema.get("$defs", {})
    return _defaults(schema, definitions)


def _defaults(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, raw in schema.get("properties", {}).items():
        node = _resolve(raw, definitions)
        if node.get("type") == "object" and "properties" in node:
            values[name] = _defaults(node, definitions)
        elif "default" in node:
            values[name] = node["default"]
    return values


def _walk(schema: Mapping[str, Any], definitions: Mapping[str, Any], path: Path, heading: str) -> list[FieldSpec]:
    found: list[FieldSpec] = []
    for name, raw in schema.get("properties", {}).items():
        node = _resolve(raw, definitions)
        here = (*path, name)
        if node.get("type") == "object" and "properties" in node:
            words = str(node.get("description") or node.get("title") or name).split("\n")[0].rstrip(".")
            found += _walk(node, definitions, here, words)
        else:
            field = _field(node, definitions, here, heading)
            if field is not None:
                found.append(field)
    return found


def _field(node: Mapping[str, Any], definitions: Mapping[str, Any], path: Path, heading: str) -> FieldSpec | None:
    inner, optional = _without_null(node, definitions)
    kind = _kind(inner, definitions)
    if kind is None:
        return None
    extra = node.get("lorikeet") or inner.get("lorikeet") or {}
    return FieldSpec(
        path=path,
        kind=kind,
        label=str(node.get("title") or path[-1].replace("_", " ").capitalize()),
        help=str(node.get("description", "")),
        unit=str(extra.get("unit", "")),
        heading=str(extra.get("group") or heading),
        advanced=bool(extra.get("advanced", False)),
        default=_freeze(node.get("default", inner.get("default"))),
        minimum=_first(inner, "minimum", "exclusiveMinimum"),
        maximum=_first(inner, "maximum", "exclusiveMaximum"),
        open_minimum="exclusiveMinimum" in inner,
        open_maximum="exclusiveMaximum" in inner,
        max_length=inner.get("maxLength"),
        choices=_choices(inner, extra.get("choices") or {}),
        optional=optional,
        zero=str(extra.get("zero", "")),
    )


def _kind(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str | None:
    if "enum" in node or "const" in node:
        return "choice"
    kind = node.get("type")
    if kind == "array":
        items = _resolve(node.get("items", {}), definitions)
        return "texts" if items.get("type") == "string" and "enum" not in items else None
    return kind if kind in {"integer", "number", "boolean", "string"} else None


def _choices(node: Mapping[str, Any], words: Mapping[str, str]) -> tuple[tuple[Scalar, str], ...]:
    values = node.get("enum") or ([node["const"]] if "const" in node else [])
    return tuple((value, words.get(str(value)) or str(value).replace("_", " ").capitalize()) for value in values)


def _without_null(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    options = [_resolve(option, definitions) for option in node.get("anyOf", [])]
    kept = [option for option in options if option.get("type") != "null"]
    if len(kept) == 1 and len(kept) < len(options):
        return kept[0], True
    return node, False


def _resolve(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    target = definitions.get(reference.rsplit("/", 1)[-1], {})
    return {**target, **{key: value for key, value in node.items() if key != "$ref"}}


def _first(node: Mapping[str, Any], *names: str) -> float | None:
    for name in names:
        value = node.get(name)
        if isinstance(value, int | float):
            return value
    return None


def _freeze(value: object) -> FormValue:
    if isinstance(value, list | tuple):
        return tuple(item for item in value if isinstance(item, int | float | bool | str))
    return value if isinstance(value, int | float | bool | str) else None


def _bound(value: float | None) -> str:
    if value is None:
        return ""
    return f"{int(value):,}".replace(",", " ") if float(value).is_integer() else f"{value:g}"
