"""`teach`: pictures in, adapter out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engines.api.errors import UserError
from engines.api.job import Job
from engines.api.places import data_home
from engines.cli.codes import FINE, INTERRUPTED
from engines.cli.documents import (
    ClassOption,
    ConceptOption,
    Json,
    TriggerOption,
    check_free,
    check_word,
    choose_concept,
    default_word,
    report_words,
    take_in,
)
from engines.cli.jobs import Wishes, parse_settings, plan, prepare_run
from engines.cli.output import Voice
from engines.cli.watch import duration, watch
from engines.diffusion.presets import PRESETS
from engines.launch.advice import advice
from engines.launch.folder import read_job

if TYPE_CHECKING:
    from projects.project import Project


def teach(
    what: Annotated[list[Path], typer.Argument(help="A project's folder, or pictures and folders of pictures.")],
    concept: ConceptOption = "",
    trigger: TriggerOption = "",
    class_noun: ClassOption = "",
    base: Annotated[
        str, typer.Option("--base", help="starter, a diffusers folder, a .safetensors file, or owner/name of a hub.")
    ] = "",
    preset: Annotated[str, typer.Option("--preset", help=f"{', '.join(preset.name for preset in PRESETS)}.")] = "",
    like: Annotated[
        Path | None,
        typer.Option("--like", metavar="RUN", help="Everything as in an earlier run but for what else is said."),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="How to teach, instead of the preset's way; `describe` lists them.")
    ] = "",
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Steps, instead of the preset's.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="GROUP.NAME=VALUE", help="Any setting; may be given often.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the finished adapter here.")] = None,
    out_format: Annotated[
        str, typer.Option("--format", help="Format of --out: kohya (A1111, Forge, ComfyUI), diffusers or peft.")
    ] = "kohya",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out if there is one.")] = False,
    project: Annotated[
        Path | None, typer.Option("--project", help="Where to make the project for loose pictures.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and return; it goes on by itself.")] = False,
    evaluate: Annotated[
        bool, typer.Option("--evaluate/--no-evaluate", help="Measure before and after in the background afterwards.")
    ] = True,
    as_json: Json = False,
) -> int:
    """Teach a subject from a project or straight from pictures."""
    from projects import queries

    voice = Voice(as_json)
    check_word(trigger)
    _check_out(out, detach=detach, overwrite=overwrite)
    earlier = read_job(like) if like is not None else None
    changes = _changes(settings or (), steps)
    planned = plan(Wishes(base=base, preset=preset, like=earlier, method=method, changes=changes, evaluate=evaluate))
    with _opened(what, concept, voice, project=project, trigger=trigger, class_noun=class_noun) as document:
        chosen = choose_concept(
            document, concept or _same_concept(document, earlier), trigger=trigger, class_noun=class_noun
        )
        for remark in advice(chosen, queries.images(document, chosen.id), queries.concepts(document)):
            voice.say(f"Note: {remark}")
        folder = prepare_run(document, chosen.id, planned)
    voice.say(f"Run: {folder}")
    if detach:
        return _detached(folder, voice)
    code = watch(folder, voice)
    return _finish(folder, voice, code, out=out, out_format=out_format, overwrite=overwrite)


def _changes(settings: Sequence[str], steps: int | None) -> dict[str, dict[str, Any]]:
    changes = parse_settings(settings)
    if steps is not None:
        changes.setdefault("loop", {})["steps"] = steps
    return changes


def _same_concept(document: Project, earlier: Job | None) -> str:
    """The name of the concept an earlier run taught, if the project has it; else empty."""
    from projects import queries

    known = [one.name for one in queries.concepts(document)]
    return earlier.concept.name if earlier is not None and earlier.concept.name in known else ""


def _check_out(out: Path | None, *, detach: bool, overwrite: bool) -> None:
    """Say before an hour of work, not after, that the result cannot be written."""
    if out is None:
        return
    if detach:
        title = "--out does not go with --detach"
        raise UserError(title, hint="Run `lorikeet export RUN --out FILE` when the run is finished.")
    check_free([out], overwrite=overwrite)
    if not out.absolute().parent.is_dir():
        title = f"There is no folder {out.absolute().parent}"
        raise UserError(title, hint="Make it first.")


def _opened(
    what: Sequence[Path], concept: str, voice: Voice, *, project: Path | None, trigger: str, class_noun: str
) -> Project:
    """The project named, or a new one made around loose pictures."""
    from projects.project import Project

    if len(what) == 1 and (what[0] / "project.db").is_file():
        return Project.open(what[0])
    missing = [path for path in what if not path.exists()]
    if missing:
        title = f"{missing[0]} does not exist"
        raise UserError(title, hint="Name a project's folder, or pictures and folders of pictures.")
    word = trigger or default_word(what[0])
    place = project or _default_place(concept or word)
    made = Project.create(place, concept or word)
    voice.say(f"Project: {made.root}")
    if not trigger:
        voice.say(f"Trigger word: {word} (say another one with --trigger)")
    chosen = choose_concept(made, concept or word, trigger=word, class_noun=class_noun)
    report = take_in(made, what, chosen.id, voice)
    voice.say(report_words(report, chosen))
    if report.cancelled:
        raise KeyboardInterrupt
    return made


def _default_place(name: str) -> Path:
    from projects.files import safe_name, unique_path

    projects = data_home() / "projects"
    projects.mkdir(parents=True, exist_ok=True)
    return unique_path(projects / safe_name(name))


def _detached(folder: Path, voice: Voice) -> int:
    from engines.launch.queue import begin

    how = begin(folder)
    words = "It is at work and goes on by itself." if how == "started" else "It waits in the queue for the run at work."
    voice.result({"run": str(folder), "how": how}, f"{words}\nWatch it in the window, or in {folder / 'events.jsonl'}")
    return FINE


def _finish(folder: Path, voice: Voice, code: int, *, out: Path | None, out_format: str, overwrite: bool) -> int:
    from engines.cli.watch import raise_if_not_finished
    from engines.launch.follow import read_state

    state = read_state(folder)
    if code == INTERRUPTED and state.result is None:
        words = f"Stopped before anything was learned. The run stays; to begin it: lorikeet run {folder} --resume"
        voice.result({"type": "result", "run": str(folder), "adapter": None, "stopped": True}, words)
        return code
    raise_if_not_finished(state, folder)
    result = state.result
    adapter = folder / (result.adapter if result is not None else "adapter.safetensors")
    document: dict[str, object] = {
        "type": "result",
        "run": str(folder),
        "adapter": str(adapter),
        "steps": state.step,
        "seconds": round(time.time() - state.started, 1) if result is None else round(result.seconds, 1),
        "validation": [list(pair) for pair in state.validation],
        "stopped": result is not None and result.reason == "stopped",
    }
    words = f"Learned {state.step} steps in {duration(float(str(document['seconds'])))}.\nAdapter: {adapter}"
    if out is not None:
        from engines.cli.adapters import write_as

        write_as(adapter, out, out_format, overwrite=overwrite)
        document["out"] = str(out.absolute())
        words += f"\nWritten for other tools ({out_format}): {out.absolute()}"
    voice.result(document, words)
    return code
