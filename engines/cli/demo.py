"""`demo`: the whole main job on a sample subject, with everything measured on the way.

A clay subject is imported into a new project, taught to the starter model, compared before and after on the same prompts and seeds, and
exported for other tools. Nothing is fetched and no GPU is needed. It all happens in one process, so that torch loads once.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from engines.api.errors import UserError
from engines.api.places import data_home, samples
from engines.api.run_state import RunState
from engines.cli.codes import FINE, INTERRUPTED, MISSED
from engines.cli.documents import Json
from engines.cli.output import Bar, Voice

PLACES = ("on the grass", "on the beach", "in the snow", "on a table", "in the desert", "at night")
SEEDS = (101, 102)


@dataclass
class Story:
    """What a demo made and measured.

    Attributes:
        seconds: from the start of the process to the end, its imports included; what `bootstrap` set up before is not.
        parts: seconds by part.
        report: of the comparison, see docs/formats.md.
    """

    project: Path
    run: Path
    state: RunState
    report: dict[str, Any]
    sheet: Path
    exported: Path
    device: str
    seconds: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def likeness(self) -> tuple[dict[str, float], dict[str, float]] | None:
        """Likeness to the reference pictures of the base and of the taught model, with intervals."""
        base, taught = self.report["columns"]
        return (base["likeness"], taught["likeness"]) if base["likeness"] and taught["likeness"] else None

    @property
    def clear(self) -> bool:
        """Whether the taught model is closer, and the two intervals do not overlap."""
        pair = self.likeness
        return pair is not None and pair[0]["high"] < pair[1]["low"]


def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to make the project; else with your other projects.")
    ] = None,
    subject: Annotated[str, typer.Option("--subject", help="One of the sample subjects.")] = "tobi-bear",
    base: Annotated[str, typer.Option("--base", help="Another base model than the starter.")] = "starter",
    preset: Annotated[str, typer.Option("--preset", help="quick, balanced or best.")] = "quick",
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Steps, instead of the preset's.")] = None,
    as_json: Json = False,
) -> int:
    """Teach a sample subject and show before and after, in a minute or two, without fetching anything."""
    voice = Voice(as_json)
    root = folder or _default_place(subject)
    try:
        story = play(root, voice, subject=subject, base=base, preset=preset, steps=steps)
    except KeyboardInterrupt:
        voice.result(*_left_behind(root))
        return INTERRUPTED
    voice.result(document(story), words(story))
    return FINE if story.clear else MISSED


def play(
    root: Path,
    voice: Voice,
    *,
    subject: str = "tobi-bear",
    base: str = "starter",
    preset: str = "quick",
    steps: int | None = None,
) -> Story:
    """Do it all in the new project `root` and return what came of it.

    Raises:
        UserError: a part of Lorikeet is missing, or the run failed; the reason is in words.
        KeyboardInterrupt: the person stopped it; what was done so far lies in `root`.
    """
    from engines.cli.documents import take_in
    from engines.cli.jobs import Wishes, plan, prepare_run
    from projects import edits
    from projects.project import Project

    clock = _Clock()
    pictures = samples() / subject
    facts = subject_facts(pictures)
    loop = {"validate_every": 50, "checkpoint_every": 100_000, **({"steps": steps} if steps else {})}
    changes = {"samples": {"every": 0}, "loop": loop}
    planned = plan(Wishes(title=facts["name"], base=base, preset=preset, changes=changes))
    voice.say(f"Teaching {facts['name']} to the base model “{base}”.")
    with Project.create(root, f"Demo: {facts['name']}") as project:
        with clock.part("import"):
            added = edits.add_concept(project, facts["name"], trigger=facts["trigger"], class_noun=facts["class_noun"])
            if take_in(project, [pictures], added.ids[0], voice).cancelled:
                raise KeyboardInterrupt
        run = prepare_run(project, added.ids[0], planned)
    with clock.part("load libraries"):
        from engines.diffusion import compare, teach  # noqa: F401 - the time they take is told apart
    with clock.part("teach"):
        state = _taught(run, voice)
    with clock.part("compare"):
        report, device = _compared(root, run, pictures, facts, voice, base=planned.base)
    with clock.part("export"):
        from engines.cli.adapters import write_as

        exported = write_as(
            run / "adapter.safetensors", root / "exports" / f"{subject}.safetensors", "kohya", overwrite=False
        )
    sheet = root / "exports" / "before-after" / str(report["sheet"])
    story = Story(root, run, state, report, sheet, exported, device, parts=clock.parts)
    story.seconds = time.time() - began()
    return story


def subject_facts(folder: Path) -> dict[str, str]:
    """Name, trigger and class noun of a sample subject.

    Raises:
        UserError: there is no such subject.
    """
    try:
        facts: dict[str, str] = json.loads((folder / "subject.json").read_text(encoding="utf-8"))
    except OSError as error:
        known = sorted(path.parent.name for path in samples().glob("*/subject.json"))
        title = f"There is no sample subject “{folder.name}”"
        hint = (
            f"Known: {', '.join(known)}." if known else "The folder resources/samples is missing; get Lorikeet again."
        )
        raise UserError(title, hint=hint) from error
    return facts


def prompts_of(facts: dict[str, str]) -> tuple[str, ...]:
    """The prompts that before and after are made with."""
    return tuple(f"a {facts['trigger']} {facts['class_noun']} {place}" for place in PLACES)


def document(story: Story) -> dict[str, object]:
    """The outcome as plain data."""
    pair = story.likeness
    identity = None
    if pair is not None:
        closer = story.report["columns"][1]["closer"]
        identity = {"before": pair[0], "after": pair[1], "clear": story.clear, "closer": closer}
    return {
        "type": "result",
        "project": str(story.project),
        "run": str(story.run),
        "adapter": str(story.run / "adapter.safetensors"),
        "sheet": str(story.sheet),
        "exported": str(story.exported),
        "identity": identity,
        "measured": story.report["columns"],
        "encoder": story.report["conditions"]["encoder"],
        "steps": story.state.step,
        "steps_per_s": round(story.state.steps_per_s, 3),
        "validation": [list(pair) for pair in story.state.validation],
        "device": story.device,
        "seconds": round(story.seconds, 1),
        "parts": {name: round(seconds, 1) for name, seconds in story.parts.items()},
    }


def words(story: Story) -> str:
    """The outcome for people."""
    lines = [
        "",
        f"Before and after   {story.sheet}",
        f"Adapter            {story.run / 'adapter.safetensors'}",
        f"For other tools    {story.exported}",
        f"Project            {story.project}",
        "",
    ]
    pair = story.likeness
    if pair is None:
        lines.append(str(story.report.get("note", "")))
    else:
        before, after = pair
        closer = story.report["columns"][1]["closer"]
        verdict = "clearly closer" if story.clear else "not clearly closer"
        lines += [
            f"Likeness to the pictures, before   {before['mean']:.3f}  ({before['low']:.3f} to {before['high']:.3f})",
            f"Likeness to the pictures, after    {after['mean']:.3f}  ({after['low']:.3f} to {after['high']:.3f})  {verdict},",
            f"                                   in {closer['won']} of {closer['of']} pairs of equal prompt and seed",
            *_asides(story.report),
        ]
    parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in story.parts.items())
    lines += [
        f"Learning                           {story.state.step} steps, {story.state.steps_per_s:.1f} steps a second",
        f"In all                             {story.seconds:.0f} s on {story.device} ({parts})",
    ]
    return "\n".join(lines)


def _asides(report: dict[str, Any]) -> list[str]:
    """What the adapter changed that it should leave alone."""
    taught = report["columns"][1]
    lines = []
    for key, part, name in (
        ("class_change", "class", "Change of the plain class"),
        ("change", "elsewhere", "Change elsewhere"),
    ):
        if taught[key] is not None:
            seed = report[part]["another_seed"]
            lines.append(f"{name:<33}  {taught[key]['mean']:.3f}  (another seed alone: {seed:.3f})")
    return lines


def _left_behind(root: Path) -> tuple[dict[str, object], str]:
    """What a demo that was stopped had made by then, as plain data and in words."""
    from engines.launch.folder import ADAPTER, run_folders
    from engines.launch.follow import read_state

    if not (root / "project.db").is_file():
        return {"type": "result", "stopped": True, "project": None, "run": None, "adapter": None}, "\nStopped."
    run = next(iter(run_folders(root)), None)
    state = read_state(run) if run is not None else RunState()
    learned = [run / one.folder / ADAPTER for one in state.checkpoints] if run is not None else []
    if run is not None and state.result is not None:
        learned.append(run / state.result.adapter)
    lines = ["", "Stopped."]
    if learned:
        lines.append(f"Learned so far     {state.step} steps: {learned[-1]}")
    lines.append(f"Project            {root}")
    if run is not None and state.result is None:
        lines.append(f"To go on           lorikeet run {run} --resume")
    told = {"project": str(root), "run": str(run) if run else None, "adapter": str(learned[-1]) if learned else None}
    return {"type": "result", "stopped": True, **told}, "\n".join(lines)


def began() -> float:
    """When the demo began, seconds since the epoch: this process's start, or the end of the set-up that became this process."""
    try:
        set_up = float(os.environ.get("LORIKEET_SET_UP_AT", "0"))
    except ValueError:
        set_up = 0.0
    return max(float(psutil.Process().create_time()), set_up)


class _Clock:
    def __init__(self) -> None:
        self.parts: dict[str, float] = {"start": max(0.0, time.time() - began())}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.parts[name] = self.parts.get(name, 0.0) + time.perf_counter() - began


def _default_place(subject: str) -> Path:
    from projects.files import unique_path

    projects = data_home() / "projects"
    projects.mkdir(parents=True, exist_ok=True)
    return unique_path(projects / f"demo-{subject}")


def _taught(run: Path, voice: Voice) -> RunState:
    from engines.cli.watch import raise_if_not_finished, told_from_inside
    from engines.core.run import run_folder
    from engines.launch.follow import read_state

    with told_from_inside(run, voice):
        code = run_folder(run)
    if code == INTERRUPTED:  # it left in order: what was learned is in a checkpoint
        raise KeyboardInterrupt
    state = read_state(run)
    raise_if_not_finished(state, run)
    return state


def _compared(
    root: Path, run: Path, pictures: Path, facts: dict[str, str], voice: Voice, *, base: str
) -> tuple[dict[str, Any], str]:
    from engines.api.uses import AdapterUse
    from engines.cli.pictures import photos_in, warm
    from engines.diffusion.compare import Comparison, compare
    from engines.launch.hardware import describe, probe

    wanted = Comparison(
        base=base,
        adapters=(AdapterUse(file=str(run / "adapter.safetensors"), weight=1.0),),
        labels=(facts["name"],),
        prompts=prompts_of(facts),
        seeds=SEEDS,
        references=tuple(photos_in([pictures])),
        trigger=facts["trigger"],
        class_noun=facts["class_noun"],
    )
    generator = warm(base, "auto", voice)
    with Bar("Before and after") as bar:
        report = compare(generator, wanted, root / "exports" / "before-after", on_step=bar.update)
    device = next((describe(one) for one in probe() if one.kind == generator.device.kind), generator.device.kind)
    return report, device
