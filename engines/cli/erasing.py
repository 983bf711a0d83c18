"""`erase`: make a model forget, and see what came of it; and measuring a finished eraser anew for `evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from engines.api.erase_job import EraseJob, EraseRecipe, Erasure
from engines.api.erase_report import REPORT, EraseReport
from engines.api.errors import JobError, SettingsError, UserError
from engines.api.places import data_home
from engines.api.settings import refusal
from engines.cli.codes import FINE
from engines.cli.documents import Json, check_free
from engines.cli.jobs import base_address, parse_settings
from engines.cli.output import Bar, Voice
from engines.cli.watch import raise_if_not_finished, watch

if TYPE_CHECKING:
    from engines.diffusion.erasing.suggest import Suggestions

_SHOWN = 12

InsteadOption = Annotated[
    list[str] | None, typer.Option("--instead", metavar="WORDS", help="What is shown instead; once, or once each.")
]
KeepOption = Annotated[
    list[str] | None, typer.Option("--keep", metavar="WORDS", help="What must stay as it is; may be given often.")
]
AlsoOption = Annotated[
    list[str] | None,
    typer.Option("--also", metavar="TARGET=WORDS", help="Another word for a target, measured along with it."),
]
AfterOption = Annotated[
    list[Path] | None,
    typer.Option("--after", metavar="RUN", help="An earlier eraser of the project that acts while this one is made."),
]


def erase(
    targets: Annotated[list[str], typer.Argument(help="What must not appear: words, a name, a style; one or several.")],
    instead: InsteadOption = None,
    keep: KeepOption = None,
    also: AlsoOption = None,
    project: Annotated[
        Path | None, typer.Option("--project", help="The project the run belongs to; a new one when left out.")
    ] = None,
    base: Annotated[
        str, typer.Option("--base", help="starter, a diffusers folder, a .safetensors file, or owner/name of a hub.")
    ] = "starter",
    method: Annotated[str, typer.Option("--method", help="Way to erase; `describe` lists them.")] = "spm",
    after: AfterOption = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="How many steps.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="GROUP.NAME=VALUE", help="Any setting, e.g. method.push=2.")
    ] = None,
    circumvent: Annotated[
        bool, typer.Option("--circumvent", help="Afterwards try to bring it back; takes longer than erasing.")
    ] = False,
    title: Annotated[str, typer.Option("--title", help="Name of the run.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Also write the finished eraser here.")] = None,
    out_format: Annotated[
        str, typer.Option("--format", help="Format of --out: kohya (A1111, Forge, ComfyUI), diffusers or peft.")
    ] = "kohya",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out if there is one.")] = False,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Only name words near the targets: to erase along, and to keep.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Make a model forget concepts, and measure what came of it."""
    from engines.launch.erase_plan import eraser_inside, erasures
    from engines.launch.folder import create_run

    voice = Voice(as_json)
    wanted = erasures(targets, instead or (), _synonyms(also or (), targets))
    address = base_address(base)
    if suggest:
        return _suggest(address, [one.target for one in wanted], voice)
    changes = parse_settings(settings or (), groups=tuple(EraseRecipe.model_fields))
    if steps is not None:
        changes.setdefault("loop", {})["steps"] = steps
    if circumvent:
        changes.setdefault("check", {})["circumvent"] = True
    if out is not None:
        check_free([out], overwrite=overwrite)
    job = _planned(wanted, keep or (), address, method, changes, title)
    root = _root(project, job.title, voice)
    job = job.model_copy(update={"after": tuple(eraser_inside(root, one) for one in after or ())})
    folder = create_run(root, job, [])
    voice.say(f"Run: {folder}")
    code = watch(folder, voice)
    return _finish(folder, voice, code, out=out, out_format=out_format, overwrite=overwrite)


def _planned(
    wanted: Sequence[Erasure],
    keep: Sequence[str],
    base: str,
    method: str,
    changes: Mapping[str, Mapping[str, Any]],
    title: str,
) -> EraseJob:
    """The job, refused before anything is made when it cannot work."""
    from engines.diffusion.erasers import eraser_of
    from engines.diffusion.fitting import require_of
    from engines.launch.erase_plan import plan_erasure

    eraser = eraser_of(method, changes.get("method", {}))
    require_of(base, eraser)
    recipe = _recipe({group: chosen for group, chosen in changes.items() if group != "method"})
    return plan_erasure(
        wanted, keep=keep, base=base, method=method, settings=eraser.model_dump(), recipe=recipe, title=title
    )


def measure_again(run: Path, job: EraseJob, voice: Voice, *, again: bool, circumvent: bool, device: str) -> int:
    """Measure a finished erasure as its run did, unless that was done already, and say what was found.

    Raises:
        JobError: the run is not finished.
    """
    from engines.core.devices import pick
    from engines.diffusion.erasing.measuring import measure_run
    from engines.launch.follow import read_state

    result = read_state(run).result
    if result is None:
        raise JobError("This run is not finished", f"{run.name} has no eraser to measure yet.", "Let it finish first.")
    found = report_of(run)
    if again or found is None or (circumvent and not found.circumvention):
        check = job.recipe.check.model_copy(update={"circumvent": circumvent or job.recipe.check.circumvent})
        asked = job.model_copy(update={"recipe": job.recipe.model_copy(update={"check": check})})
        with Bar(f"Measuring {run.name}") as bar:
            found = measure_run(
                run,
                asked,
                run / result.adapter,
                pick(device),
                step=result.step,
                progress=lambda _phase, text, done, total: bar.update(done, total, text),
            )
    voice.result({"type": "result", "run": str(run), "report": found.model_dump(mode="json")}, report_words(found))
    return FINE


def report_of(run: Path) -> EraseReport | None:
    """The report of a measured erasure; None when there is none.

    Raises:
        JobError: it is damaged.
    """
    from engines.launch.evaluation import home_of
    from engines.launch.follow import read_state

    result = read_state(run).result
    file = home_of(run, result.step) / REPORT if result is not None else None
    if file is None or not file.is_file():
        return None
    try:
        return EraseReport.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise JobError("A report is damaged", f"{file} cannot be read.", "Measure again with --again.") from error


def report_words(report: EraseReport) -> str:
    """What was found, for people."""
    lines = [one.words for one in report.found]
    for row in report.rows:
        seen = "" if row.seen is None else f"recognised {row.seen[0]:4.0%} -> {row.seen[1]:4.0%}"
        drift = "" if row.drift is None else f"drift {row.drift.mean:.3f}"
        lines.append(f"  {row.group:<10} {row.word:<20} {seen}  {drift}".rstrip())
    if report.kept is not None:
        lines.append(f"Neighbours and other things are still recognised in {report.kept:.0%} of what the base shows.")
    if report.damage is not None and report.another_seed is not None:
        lines.append(
            f"Unrelated pictures drift by {report.damage.mean:.3f}; another seed alone by {report.another_seed:.3f}."
        )
    lines += [one.words for one in report.circumvention]
    return "\n".join([*lines, *([report.note] if report.note else [])])


def _finish(folder: Path, voice: Voice, code: int, *, out: Path | None, out_format: str, overwrite: bool) -> int:
    from engines.launch.follow import read_state

    state = read_state(folder)
    raise_if_not_finished(state, folder)
    adapter = folder / (state.result.adapter if state.result is not None else "adapter.safetensors")
    report = report_of(folder)
    document: dict[str, Any] = {
        "type": "result",
        "run": str(folder),
        "adapter": str(adapter),
        "report": None if report is None else report.model_dump(mode="json"),
    }
    words = "What came of it was not measured." if report is None else report_words(report)
    words += f"\nEraser: {adapter}"
    if out is not None:
        from engines.cli.adapters import write_as
        from engines.launch.adapter_info import describe

        written = write_as(adapter, out, out_format, overwrite=overwrite)
        document["out"] = str(out.absolute())
        words += f"\nWritten for other tools ({out_format}): {out.absolute()}"
        if elsewhere := describe(written).elsewhere:
            words += f"\nNote: {elsewhere}"
    voice.result(document, words)
    return code


def _suggest(base: str, targets: Sequence[str], voice: Voice) -> int:
    from engines.core.devices import pick
    from engines.diffusion.backbones import open_base
    from engines.diffusion.erasing.suggest import suggest

    opened = open_base(base, pick())
    found = [suggest(opened, target, _SHOWN) for target in targets]
    document = {
        "type": "result",
        "suggestions": [
            {
                "target": one.target,
                "pieces": one.pieces,
                **{name: [vars(near) for near in getattr(one, name)] for name in ("synonyms", "neighbours")},
            }
            for one in found
        ],
    }
    voice.result(document, "\n".join(map(_near_words, found)))
    return FINE


def _near_words(found: Suggestions) -> str:
    def listed(kind: str) -> str:
        return ", ".join(f"{one.word} ({one.similarity:.2f})" for one in getattr(found, kind)) or "none found"

    return f"“{found.target}”\n  other forms, to erase along: {listed('synonyms')}\n  near, to keep: {listed('neighbours')}"


def _synonyms(also: Sequence[str], targets: Sequence[str]) -> dict[str, list[str]]:
    """`target=words` pairs by target; with a single target the words alone do."""
    found: dict[str, list[str]] = {}
    for pair in also:
        target, equals, words = pair.rpartition("=")
        target = " ".join(target.split()) if equals else " ".join(targets[0].split())
        if (
            not words.strip()
            or (not equals and len(targets) > 1)
            or target not in {" ".join(t.split()) for t in targets}
        ):
            title = f"“{pair}” names no target"
            raise SettingsError(title, "Which word is it another one for?", "Write it as --also snowman=snowmen.")
        found.setdefault(target, []).append(words.strip())
    return found


def _recipe(changes: Mapping[str, Mapping[str, Any]]) -> EraseRecipe:
    values = EraseRecipe().model_dump()
    for group, chosen in changes.items():
        values[group].update(chosen)
    try:
        return EraseRecipe.model_validate(values)
    except ValidationError as error:
        raise refusal(error, EraseRecipe) from None


def _root(project: Path | None, title: str, voice: Voice) -> Path:
    """The project named, or a new one."""
    from projects.files import safe_name, unique_path
    from projects.project import Project

    if project is not None:
        if not (project / "project.db").is_file():
            words = f"{project} is no project"
            raise UserError(words, hint="Name a project's folder, or leave --project out for a new one.")
        return project.resolve()
    home = data_home() / "projects"
    home.mkdir(parents=True, exist_ok=True)
    with Project.create(unique_path(home / safe_name(title)), title) as made:
        voice.say(f"Project: {made.root}")
        return made.root
