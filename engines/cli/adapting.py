"""`segment adapt` and `segment evaluate`: adapt a segmentation model to a project's marked pictures, and measure what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from engines.api.errors import JobError
from engines.api.segment_job import SegmentJob, SegmentRecipe
from engines.api.settings import refusal
from engines.cli.codes import FINE
from engines.cli.documents import Json
from engines.cli.jobs import parse_settings
from engines.cli.output import Voice
from engines.cli.segmenting import base_of
from engines.cli.watch import watch
from projects.files import atomic_write_text

EVALUATION = "segment-evaluation.json"
_SHOWN = ("dice", "iou", "boundary_f", "hd95", "ber", "mae")


def adapt(
    project: Annotated[Path, typer.Argument(help="The project whose marked pictures are learned from.")],
    tuner: Annotated[str, typer.Option("--tuner", help="Way to adapt; `describe` lists them.")] = "decoder",
    base: Annotated[str, typer.Option("--base", help="starter, or a checkpoint's file.")] = "starter",
    prompts: Annotated[
        str, typer.Option("--prompts", help="What it shall answer: clicks, automatic or both.")
    ] = "both",
    steps: Annotated[int | None, typer.Option("--steps", help="How many steps.")] = None,
    start_from: Annotated[
        Path | None,
        typer.Option("--start-from", metavar="RUN", help="Go on from a finished adaptation of this project."),
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Name of the run.")] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="GROUP.NAME=VALUE", help="Any setting, e.g. method.rank=8.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Adapt a segmentation model to the project's marked pictures."""
    from engines.launch.folder import create_run
    from engines.launch.segment_plan import plan_adaptation, start_of
    from engines.segmentation.tuners import tuner_of
    from projects import edits_regions
    from projects.project import Project

    voice = Voice(as_json)
    changes = parse_settings(settings or ())
    changes.setdefault("data", {})["prompts"] = prompts
    if steps is not None:
        changes.setdefault("loop", {})["steps"] = steps
    own = changes.pop("method", {})
    tuner_of(tuner, own)  # refused before anything is made
    address = base_of(base, None)
    with Project.open(project) as document:
        edits_regions.split_pictures(document)
        start = start_of(document.root, start_from) if start_from is not None else None
        job, scenes = plan_adaptation(
            document, title=title, base=address, tuner=tuner, settings=own, recipe=_recipe(changes), start=start
        )
        folder = create_run(document.root, job, scenes)
    kept = sum(scene.split != "train" for scene in scenes)
    voice.say(f"{len(scenes)} pictures, {kept} of them kept apart; looking for {', '.join(job.classes)}.")
    voice.say(f"Run: {folder}")
    code = watch(folder, voice)
    if code == FINE:
        voice.result({"run": str(folder)}, f"Measure it with: lorikeet segment evaluate {folder}")
    return code


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished adaptation.")],
    split: Annotated[
        str, typer.Option("--on", help="Pictures to measure on: validation, test or train.")
    ] = "validation",
    clicks: Annotated[bool, typer.Option("--clicks", help="Also click until objects are right. Slower.")] = False,
    as_json: Json = False,
) -> int:
    """Compare the plain model and the adapted one with the true masks, and keep the report beside the run."""
    from engines.core.devices import pick
    from engines.launch.folder import ADAPTER, load_any_job, project_root
    from engines.segmentation.adapter_file import read_segment_adapter
    from engines.segmentation.examination import Examination, as_text, measure

    voice = Voice(as_json)
    job, scenes = load_any_job(run)
    if not isinstance(job, SegmentJob):
        title = "This run is of another kind"
        raise JobError(title, f"“{job.title}” teaches a subject.", "Use `lorikeet evaluate` for it.")
    if not (run / ADAPTER).is_file():
        raise JobError("This run is not finished", f"{run.name} has no adapter to measure yet.", "Let it finish first.")
    told = _Told(voice)
    wanted = Examination(job.base, read_segment_adapter(run / ADAPTER), scenes, split, clicks)  # type: ignore[arg-type] # scenes of such a job
    found = measure(wanted, project_root(run), pick(job.recipe.loop.device, "fp32"), progress=told)
    atomic_write_text(run / EVALUATION, as_text(found))
    voice.result(found, _in_words(found))
    return FINE


class _Told:
    """Says what is being done once, not at every picture."""

    def __init__(self, voice: Voice) -> None:
        self._voice, self._said = voice, ""

    def __call__(self, _phase: str, text: str, _done: int, _total: int) -> None:
        if text != self._said:
            self._said = text
            self._voice.say(f"{text} ...")


def _recipe(changes: dict[str, dict[str, Any]]) -> SegmentRecipe:
    values = SegmentRecipe().model_dump()
    for group, chosen in changes.items():
        values[group].update(chosen)
    try:
        return SegmentRecipe.model_validate(values)
    except ValidationError as error:
        raise refusal(error, SegmentRecipe) from None


def _in_words(found: dict[str, Any]) -> str:
    """The report as lines for people: figures before and after, with the interval of the change."""
    titles = {"click": "One click in the middle", "box": "A box", "automatic": "Without being asked"}
    lines = [f"{found['pictures']} pictures that were not learned from."]
    for way, report in found["ways"].items():
        lines.append(f"{titles[way]}:")
        for name in _SHOWN:
            before, after = (report[side]["mean"][name] for side in ("before", "after"))
            change = report["change"][name]
            if before and after and change:
                lines.append(
                    f"  {name:<11} {before['mean']:8.3f} -> {after['mean']:8.3f}   change {change['mean']:+.3f}"
                    f" ({change['low']:+.3f} to {change['high']:+.3f})"
                )
        for share, effort in report.get("clicks", {}).items():
            lines.append(
                f"  clicks to {float(share):.0%}: {effort['before']['mean']:.1f} -> {effort['after']['mean']:.1f}"
                f" (never: {effort['before']['failures']} -> {effort['after']['failures']})"
            )
    return "\n".join(lines)
