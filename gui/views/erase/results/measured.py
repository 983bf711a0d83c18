"""The measured before and after of an erasure, as it lies in its run's folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from engines.api.erase_report import REPORT, EraseReport
from engines.launch.adapter_info import describe
from gui.workers.runs import RunView
from projects.errors import UserError

_LARGEST = 50_000_000


@dataclass(frozen=True)
class Eraser:
    """A finished eraser.

    Attributes:
        base: the model it was made on, as in a job.
        together: files of those it was made after, which act with it.
        concepts: what it erases; `separable` whether each can be switched off.
        problem: why its file cannot be read; empty when it can.
    """

    run: str
    title: str
    file: Path
    base: str = "starter"
    together: tuple[Path, ...] = ()
    concepts: tuple[str, ...] = ()
    separable: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Result:
    """An eraser and what was measured of it; `report` is None when nothing was. Pictures lie in `folder`."""

    eraser: Eraser
    folder: Path
    report: EraseReport | None = None

    def picture(self, name: str) -> Path:
        """A picture of the report, which names nothing outside of its folder."""
        return self.folder / Path(name).name


def eraser_of(view: RunView) -> Eraser | None:
    """The eraser of a finished run, as far as it is known without a look at its file; None for any other run."""
    job, file = view.info.erasure, view.adapter
    if job is None or file is None:
        return None
    root = view.info.folder.parent.parent
    together = tuple(root.joinpath(*one.split("/")) for one in job.after)
    return Eraser(view.id, view.title, file, job.base, together)


def read(eraser: Eraser, folder: Path) -> Result:
    """Read the header of the file and the report; for another thread."""
    try:
        info = describe(eraser.file)
    except UserError as error:
        known = Eraser(eraser.run, eraser.title, eraser.file, eraser.base, eraser.together, problem=str(error))
    else:
        known = Eraser(
            eraser.run, eraser.title, eraser.file, eraser.base, eraser.together, info.erases, separable=info.gated
        )
    return Result(known, folder, read_report(folder))


def read_report(folder: Path) -> EraseReport | None:
    """The report in a folder; None when there is none, or it is damaged."""
    file = folder / REPORT
    try:
        if file.stat().st_size > _LARGEST:
            return None
        return EraseReport.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def building(home: Path) -> Path:
    """Where the window has a run measured anew, so that what was known stays until there is something newer."""
    return home.with_name(f".{home.name}-again")


def put_in_place(built: Path, home: Path) -> None:
    """Have what was measured anew take the place of what was known; for another thread."""
    old = home.with_name(f".{home.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if home.exists():
        home.rename(old)
    built.rename(home)
    shutil.rmtree(old, ignore_errors=True)
