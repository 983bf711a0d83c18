"""From a project, a preset and a few wishes to a run's folder that is ready to start."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from engines.api.errors import SettingsError
from engines.api.job import Job, JobConcept, JobImage, JobMethod
from engines.api.recipe import Preset, Recipe, apply_preset
from engines.api.settings import refusal
from engines.api.version import VERSION
from engines.launch import slots

if TYPE_CHECKING:
    from projects.project import Project

GROUPS = tuple(Recipe.model_fields)


@dataclass(frozen=True)
class Wishes:
    """What a person asked for on the command line.

    Attributes:
        title: of the run; empty takes the concept's name.
        base: as in `Job.base`, or empty for that of `like`, else the starter.
        preset: name of a preset; empty for the quick one.
        like: an earlier job to take everything from, instead of a preset.
        method: registered name, or empty for the preset's; its settings come from the preset and from `changes["method"]`.
        changes: group (`data`, `objective`, `loop`, `samples`, `method`) -> setting -> value.
        start_from: adapter file relative to the project, or empty.
    """

    title: str = ""
    base: str = ""
    preset: str = ""
    like: Job | None = None
    method: str = ""
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    start_from: str = ""
    evaluate: bool = False


def parse_settings(pairs: Sequence[str], *, groups: Sequence[str] = GROUPS) -> dict[str, dict[str, Any]]:
    """Read `loop.steps=200 method.rank=8`; values are JSON where they are JSON, else words.

    Raises:
        SettingsError: a pair has no group, no name or no value.
    """
    changes: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        group, dot, key = name.strip().partition(".")
        if not equals or not dot or not key or group not in {*groups, "method"}:
            raise SettingsError(
                f"“{pair}” is not a setting",
                f"A setting is written as GROUP.NAME=VALUE; groups are {', '.join(groups)} and method.",
                "For example: --set loop.steps=200 --set method.rank=8",
            )
        changes.setdefault(group, {})[key] = _value(value)
    return changes


def parse_plain_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Read `density=0.2 seed=3`, settings of one thing alone.

    Raises:
        SettingsError: a pair has no name or no value.
    """
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            title = f"“{pair}” is not a setting"
            raise SettingsError(title, "A setting is written as NAME=VALUE.", "`describe` lists them.")
        changes[name.strip()] = _value(value)
    return changes


def _value(text: str) -> Any:  # noqa: ANN401 - whatever JSON says
    try:
        return json.loads(text)
    except ValueError:
        return text


def build_recipe(start: Recipe, changes: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """The recipe with the changes on top.

    Raises:
        SettingsError: a setting does not exist or is out of range.
    """
    values = start.model_dump()
    for group, chosen in changes.items():
        if group != "method":
            values[group].update(chosen)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise refusal(error, Recipe) from None


def find_preset(presets: Sequence[Preset], name: str) -> Preset:
    """The preset of that name or title, whatever its case.

    Raises:
        SettingsError: there is none.
    """
    for preset in presets:
        if name.casefold() in {preset.name.casefold(), preset.title.casefold()}:
            return preset
    known = ", ".join(preset.name for preset in presets)
    raise SettingsError(f"There is no preset called “{name}”", hint=f"Known: {known}.")


@dataclass(frozen=True)
class Plan:
    """Wishes that can be carried out: every name is known and every setting fits.

    Attributes:
        title: of the run; empty takes the concept's name.
    """

    title: str
    base: str
    method: JobMethod
    recipe: Recipe
    start_from: str = ""
    evaluate: bool = False


def plan(wishes: Wishes) -> Plan:
    """Check wishes before anything is made for them.

    Raises:
        SettingsError: the base, the preset, the method or a setting does not exist, a value does not fit, or the method does not fit the base.
    """
    from engines.diffusion.fitting import require_of
    from engines.diffusion.methods import method_of, registry

    start = _start(wishes)
    name = wishes.method or start.method.name
    known = registry().get(name).model_fields
    fitting = {key: value for key, value in start.method.settings.items() if key in known}
    settings: dict[str, Any] = {**fitting, **wishes.changes.get("method", {})}
    method = method_of(name, settings)
    base = base_address(wishes.base) if wishes.base else start.base
    require_of(base, method)
    return Plan(
        title=wishes.title,
        base=base,
        method=JobMethod(name=name, settings=method.model_dump()),
        recipe=build_recipe(start.recipe, wishes.changes),
        start_from=wishes.start_from,
        evaluate=wishes.evaluate,
    )


def _start(wishes: Wishes) -> Plan:
    """What wishes begin with: an earlier job, or a preset."""
    from engines.diffusion.presets import PRESETS

    if wishes.like is not None:
        if wishes.preset:
            title = "A preset does not go with an earlier run"
            raise SettingsError(
                title, "Both say how to teach.", "Leave --preset or --like out; change settings with --set."
            )
        return Plan(wishes.title, wishes.like.base, slots.asked_anew(wishes.like.method), wishes.like.recipe)
    preset = find_preset(PRESETS, wishes.preset or "quick")
    return Plan(
        wishes.title, "starter", JobMethod(name=preset.method_name, settings=dict(preset.method)), apply_preset(preset)
    )


def prepare_run(project: Project, concept_id: str, planned: Plan) -> Path:
    """Write the run's folder and list it in the project.

    Raises:
        UserError: the concept has no pictures.
    """
    from engines.launch.folder import create_run, run_id
    from projects import edits, training_set

    concept, images = training_set.build(project, concept_id)
    created = time.time()
    told = JobConcept.model_validate(concept)
    title = planned.title or told.name
    job = Job(
        id=run_id(title, created=created),
        title=title,
        created=created,
        concept=told,
        base=planned.base,
        method=planned.method,
        recipe=planned.recipe,
        start_from=planned.start_from,
        evaluate=planned.evaluate,
        app_version=VERSION,
    )
    folder = create_run(project.root, job, [JobImage.model_validate(image) for image in images])
    edits.record_run(project, folder.name, title, concept_id=concept_id, created=created)
    return folder


def base_address(base: str) -> str:
    """A base as a job names it: `starter`, `hub:owner/name`, `file:` with an absolute path. Bare paths and hub names are understood."""
    if base == "starter" or base.startswith(("hub:", "file:")):
        return base
    path = Path(base).expanduser()
    if path.exists():
        return f"file:{path.resolve()}"
    if base.count("/") == 1 and not base.startswith((".", "~", "/")):
        return f"hub:{base}"
    raise SettingsError(
        f"There is no base model “{base}”",
        "It is neither a file or folder here nor the name of a model on a hub.",
        "Use starter, a diffusers folder, a .safetensors file, or owner/name.",
    )
