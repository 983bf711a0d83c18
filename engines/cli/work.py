"""`run`, `queue`, `describe` and `serve`: what the window and the launcher start, and a person may too."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Annotated

import typer

from engines.api.errors import JobError, UserError
from engines.cli.codes import FINE
from engines.cli.documents import Json
from engines.cli.output import Voice


def run(
    folder: Annotated[Path, typer.Argument(help="The run's folder, as it lies in a project's “runs”.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    as_json: Json = False,
) -> int:
    """Do the job in a run's folder, here and now."""
    from engines.cli.watch import told_from_inside
    from engines.core.run import run_folder

    with told_from_inside(folder, Voice(as_json)) if as_json or sys.stderr.isatty() else nullcontext():
        code = run_folder(folder, resume=resume)
    if code == FINE:
        _measure_later(folder)
    return code


def _measure_later(folder: Path) -> None:
    """Have what was finished measured in the background, as far as the jobs ask for it; whether that succeeds is not this run's business."""
    from engines.launch import evaluation
    from engines.launch.folder import project_root

    root = project_root(folder)
    with suppress(OSError, JobError):
        if evaluation.pending(root):
            evaluation.ensure_running(root)


def queue(
    project: Annotated[Path, typer.Argument(help="The project's folder.")],
    add: Annotated[list[str] | None, typer.Option("--add", metavar="RUN", help="Put a run at the end.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="RUN", help="Take a run out.")] = None,
    show: Annotated[bool, typer.Option("--list", help="Only say what waits.")] = False,
    as_json: Json = False,
) -> int:
    """Work through a project's waiting runs, one after the other; or change what waits."""
    from engines.launch import queue as waiting_list

    if not (project / "project.db").is_file():
        title = f"{project} is not a project"
        raise UserError(title, hint="Name the folder that holds project.db.")
    voice = Voice(as_json)
    for name in add or ():
        waiting_list.add(project, name)
    for name in remove or ():
        waiting_list.remove(project, name)
    if show or add or remove:
        ids = waiting_list.waiting(project)
        voice.result({"waiting": list(ids)}, "\n".join(ids) or "Nothing waits.")
        return FINE

    def say(text: str) -> None:
        voice.say(text)
        voice.line(json.dumps({"text": text}, ensure_ascii=False))

    if not waiting_list.work_through(project, say=say):
        voice.say("Another process is already working through this queue.")
    return FINE


def describe() -> int:
    """Print what is on offer (methods, presets, devices, settings) as JSON; the window draws its forms from it."""
    from engines.diffusion.describe import describe as catalog
    from engines.segmentation import describe as segmentation

    teaching = catalog()
    whole = {**segmentation.describe(), "broken": teaching.broken + segmentation.broken()}
    print(teaching.model_copy(update=whole).model_dump_json())
    return FINE


def serve() -> int:
    """Answer the window's requests over standard input and output."""
    from engines.serve.worker import main

    return main()
