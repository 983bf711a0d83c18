"""Settings that describe themselves once, beside their owner.

A group of settings is a frozen pydantic class derived from `Settings`; each field is written with `setting()`, and from that one line
come the form in the window, the tooltip, the validation, the command line's help and the documents.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines.api.errors import SettingsError


class Settings(BaseModel):
    """Base of every settings group: immutable, and unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, protected_namespaces=())


def setting(
    default: Any,  # noqa: ANN401 - the field's own annotation types it
    label: str,
    *,
    help: str = "",  # noqa: A002 - the word people know
    advanced: bool = False,
    unit: str = "",
    group: str = "",
    choices: dict[str, str] | None = None,
    zero: str = "",
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
    lt: float | None = None,
) -> Any:  # noqa: ANN401 - stands in for the field's value
    """Declare one setting.

    Args:
        default: value when nobody says otherwise.
        label: its name in plain words.
        help: one or two sentences for the tooltip and the command line.
        advanced: shown only under Advanced.
        unit: printed behind the value ("steps", "px").
        group: heading under which a form gathers it.
        choices: for a fixed choice, value -> words shown.
        zero: what 0 stands for, shown instead of the figure ("automatic").
        ge: smallest value allowed; `gt` the same, itself excluded.
        le: largest value allowed; `lt` the same, itself excluded.
        gt: see `ge`.
        lt: see `le`.

    Returns:
        A pydantic field whose JSON schema carries `title`, `description`, the bounds, and an object `lorikeet` with
        `advanced`, `unit`, `group`, `choices` and `zero`.
    """
    extra: dict[str, Any] = {
        "lorikeet": {"advanced": advanced, "unit": unit, "group": group, "choices": choices or {}, "zero": zero}
    }
    return Field(default, title=label, description=help, ge=ge, le=le, gt=gt, lt=lt, json_schema_extra=extra)


def refusal(error: ValidationError, owner: type[BaseModel], *, group: str = "") -> SettingsError:
    """The first thing that is wrong with settings, in words; for a name that does not exist, the ones that do.

    Args:
        error: what validating `owner` raised.
        owner: the group of settings, or a group of groups.
        group: put before the names, where people write one (`method`).
    """
    first = error.errors(include_url=False)[0]
    *path, name = (str(part) for part in first["loc"]) if first["loc"] else ("settings",)
    title = f"The setting {'.'.join([*([group] if group else []), *path, name])} does not fit"
    if first["type"] != "extra_forbidden":
        return SettingsError(title, f"{first['msg']}.")
    for part in path:
        inner = owner.model_fields[part].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            owner = inner
    return SettingsError(title, "There is none of this name.", f"Known: {', '.join(owner.model_fields)}.")
