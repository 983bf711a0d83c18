"""`evaluate`: before and after of finished runs, measured as every run is in the background."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engines.api.erase_job import EraseJob
from engines.api.errors import JobError, SettingsError, UserError
from engines.api.places import state_home
from engines.cli.codes import FINE
from engines.cli.documents import Json
from engines.cli.output import Bar, Voice
from engines.cli.watch import duration
from engines.launch import evaluation
from engines.launch.folder import JOB, project_root, read_any_job
from engines.launch.follow import read_state

if TYPE_CHECKING:
    from engines.diffusion.generate import Generator

_LONGEST_S = 1800.0
_WARM_STEPS = 8


def evaluate(
    what: Annotated[
        Path, typer.Argument(help="A finished run's folder, or a project for all that were not measured yet.")
    ],
    again: Annotated[bool, typer.Option("--again", help="Measure anew what was measured before.")] = False,
    device: Annotated[str, typer.Option("--device", help="auto, cuda, mps or cpu.")] = "auto",
    circumvent: Annotated[
        bool, typer.Option("--circumvent", help="Of an eraser: also try to bring the concept back.")
    ] = False,
    background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
    as_json: Json = False,
) -> int:
    """Measure before and after of finished runs; the result lies in each run's folder."""
    if background:
        evaluation.work_off(what.resolve(), _Background(device).measure)
        return FINE
    from engines.cli.pictures import new_generator

    voice = Voice(as_json)
    runs, root = _asked(what)
    job = read_any_job(runs[0]) if len(runs) == 1 else None
    if isinstance(job, EraseJob):
        from engines.cli.erasing import measure_again

        return measure_again(runs[0], job, voice, again=again, circumvent=circumvent, device=device)
    made: Generator | None = None
    with evaluation.alone(root) as ours:
        if not ours:
            title = "This project is being measured already"
            raise UserError(title, "Another process is at it.", "Wait until it is done; the result is kept.")
        for run in runs:
            if again or evaluation.report_of(run) is None:
                made = made or new_generator(device)
                _measured(run, made)
    _tell(runs, voice)
    return FINE


def _asked(what: Path) -> tuple[list[Path], Path]:
    what = what.resolve()
    if (what / JOB).is_file():
        return [what], project_root(what)
    if not (what / "project.db").is_file():
        title = f"{what} is neither a run nor a project"
        raise UserError(title, hint="Name a run's folder, as it lies in a project's “runs”, or the project's folder.")
    return evaluation.pending(what, asked=False), what


def _measured(run: Path, generator: Generator) -> None:
    from engines.diffusion.measure import measure

    with Bar(f"Measuring {run.name}") as bar:
        measure(run, generator, on_step=bar.update)


def _tell(runs: list[Path], voice: Voice) -> None:
    from engines.cli.pictures import column_words

    reports: list[dict[str, Any]] = []
    words: list[str] = []
    for run in runs:
        folder = evaluation.report_of(run)
        if folder is None:
            continue
        report = _read(folder / evaluation.REPORT)
        reports.append({"run": str(run), "report": str(folder / evaluation.REPORT), "columns": report["columns"]})
        words += [run.name, column_words(report), f"Sheet: {folder / str(report['sheet'])}"]
    voice.result({"type": "result", "measured": reports}, "\n".join(words) or "Everything was measured before.")


def _read(path: Path) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        report["columns"], report["sheet"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobError("A report is damaged", f"{path} cannot be read.", "Measure again with --again.") from error
    return report


class _GaveWay(Exception):  # noqa: N818 - not an error: somebody else needs the device
    """Something more important wants the device."""


class _Background:
    """Measures unasked: gives way, never takes long, and writes down what cannot be measured."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._generator: Generator | None = None

    def measure(self, run: Path, unwanted: Callable[[], bool]) -> bool:
        """Measure one run; False when it gave way."""
        from engines.core.guard import Failure, guarded

        outcome = guarded(
            lambda: self._try(run, unwanted), reports=(state_home() / "crashes",), about={"doing": "measuring a run"}
        )
        if not isinstance(outcome, Failure):
            return outcome
        result = read_state(run).result
        words = str(UserError(outcome.title, outcome.what, outcome.hint))
        evaluation.fail(run, result.step if result is not None else 0, words)
        return True

    def _try(self, run: Path, unwanted: Callable[[], bool]) -> bool:
        from engines.cli.pictures import new_generator
        from engines.diffusion.measure import measure

        begun: list[float] = []

        def check(*_progress: object) -> None:
            if unwanted():
                raise _GaveWay

        def on_step(done: int, total: int) -> None:
            check()
            begun.append(time.monotonic())
            if len(begun) > _WARM_STEPS:
                _refuse_long((begun[-1] - begun[0]) / (len(begun) - 1) * (total - done))

        try:
            self._generator = self._generator or new_generator(self._device)
            measure(run, self._generator, progress=check, on_step=on_step)
        except _GaveWay:
            return False
        return True


def _refuse_long(seconds: float) -> None:
    if seconds > _LONGEST_S:
        title = "Measuring would take long"
        raise SettingsError(title, f"About {duration(seconds)} here.", "Press Measure on Compare to do it anyway.")
