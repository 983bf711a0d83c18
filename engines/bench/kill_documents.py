"""The trial behind "nothing accepted is lost": a program that imports and edits at once is killed at a random moment, again and again.

The victim is either a bare program, in which one thread imports while another edits as fast as it can, or the real window, which imports
through its page Images while captions are edited, undone and done again. Each says what was accepted on its output, as soon as the project
said so. Afterwards the project is opened again and held to every word of that. Part of `bench kill`; a quick test does three.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engines.bench._window import environment
from engines.bench.table import Bench, Figure, Result, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects.project import Project

SENTENCE = (
    "SIGKILL of the window and of a program that import and edit, at random moments: nothing that was accepted is lost."
)

_TRIALS = 20
_QUICK_TRIALS = 2
_PICTURES = 120
_EDITED = 8
_LATEST_KILL_S = 0.8
_START_LIMIT_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """One kill.

    Attributes:
        killed_after_s: after the first edit was accepted, or in every second trial the first picture.
        pictures: accepted before the kill.
        edits: accepted before the kill.
        unclaimed: whole files without a row that were set aside at the next opening.
        problems: what was lost or broken, in words; empty when nothing was.
    """

    killed_after_s: float
    pictures: int
    edits: int
    unclaimed: int
    problems: tuple[str, ...]


def measure(bench: Bench) -> Result:
    """Run the trials and count those after which all was there."""
    program, window = (_measure_one(bench, window=window) for window in (False, True))
    return Result((*program.tables, *window.tables), (*program.figures, *window.figures))


def _measure_one(bench: Bench, *, window: bool) -> Result:
    count = _QUICK_TRIALS if bench.quick else _TRIALS
    what = "window" if window else "program"
    outcomes = []
    for number in range(count):
        folder = bench.folder / f"{what}-{number}"
        folder.mkdir()
        outcomes.append(trial(folder, seed=number, window=window))
        bench.say(f"{what}, {number + 1} of {count}: {outcomes[-1]}")
        shutil.rmtree(folder, ignore_errors=True)
    kept = sum(not outcome.problems for outcome in outcomes)
    rows = tuple(
        (
            number + 1,
            round(outcome.killed_after_s, 2),
            outcome.pictures,
            outcome.edits,
            outcome.unclaimed,
            "; ".join(outcome.problems) or "nothing lost",
        )
        for number, outcome in enumerate(outcomes)
    )
    columns = ("trial", "killed after, s", "pictures accepted", "edits accepted", "files set aside", "outcome")
    table = Table(f"SIGKILL of the {what} while importing and editing", columns, rows)
    note = f"of {count} kills, everything accepted was there"
    name = "kill-window-kept" if window else "kill-documents-kept"
    return Result((table,), (Figure(name, float(kept), float(count), float(count), note=note),))


def trial(folder: Path, *, seed: int, window: bool = False) -> Outcome:
    """Kill one victim, the bare program or the window, at a moment drawn from `seed` and look at what it left; `folder` must be empty."""
    from projects import edits, importing, queries
    from projects.project import Project

    source, root = folder.absolute() / "source", folder.absolute() / "project"
    _make_pictures(source)
    with Project.create(root, "Victim") as project:
        edited = edits.add_concept(project, "Edited").ids[0]
        arriving = edits.add_concept(project, "Arriving").ids[0]
        names = sorted(source.glob("*.png"))[:_EDITED]
        importing.import_paths(project, names, edited)
    wait_s = random.Random(seed).uniform(0.0, _LATEST_KILL_S)
    # Half of the kills count from the first picture, so that they fall into the import and not before it.
    victim = ["gui.probe", "victim"] if window else [__name__]
    command = [sys.executable, "-m", *victim, str(root), str(source), arriving]
    accepted = _run_and_kill(command, folder / "home", wait_s=wait_s, wait_for="picture" if seed % 2 else "caption")
    with Project.open(root) as project:
        problems, unclaimed = _examine(project, source, arriving, accepted)
        rest = importing.import_paths(project, [source], arriving)
        if rest.lines and rest.lines[0].level == "error":
            problems.append(f"the import could not be taken up again: {rest.lines[0].title}")
        found = sorted(image.original_name for image in queries.images(project, arriving))
        if found != sorted(path.name for path in source.glob("*.png")):
            problems.append(f"after importing again, {len(found)} of {_PICTURES} pictures are there")
    return Outcome(
        killed_after_s=wait_s,
        pictures=sum("picture" in item for item in accepted),
        edits=sum("caption" in item for item in accepted),
        unclaimed=unclaimed,
        problems=tuple(problems),
    )


def _make_pictures(source: Path) -> None:
    import numpy as np
    from PIL import Image

    source.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(_PICTURES):
        pixels = rng.integers(0, 256, (160, 160, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(source / f"{number:03}.png", compress_level=1)


def _run_and_kill(command: list[str], home: Path, *, wait_s: float, wait_for: str) -> list[dict[str, str]]:
    """Start a victim, kill it `wait_s` after it accepted what is waited for, and return all it accepted once nothing of it is left."""
    import psutil

    code = Path(__file__).resolve().parents[2]
    helpers: list[psutil.Process] = []
    with subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
        command, stdout=subprocess.PIPE, text=True, encoding="utf-8", cwd=code, env=environment(home)
    ) as victim:
        if victim.stdout is None:
            msg = "the victim has no output"
            raise RuntimeError(msg)
        patience = threading.Timer(_START_LIMIT_S, victim.kill)
        patience.start()
        lines = [victim.stdout.readline()]
        while lines[-1] and wait_for not in lines[-1]:
            lines.append(victim.stdout.readline())
        patience.cancel()
        # Its output is read on while we wait, else a full pipe would hold it up.

        def execute() -> None:
            helpers.extend(psutil.Process(victim.pid).children(recursive=True))
            victim.kill()

        executioner = threading.Timer(wait_s, execute)
        executioner.start()
        lines += victim.stdout.readlines()
        executioner.cancel()
    psutil.wait_procs(helpers, timeout=_START_LIMIT_S)  # the window's import ends by itself, after the file under way
    accepted = [json.loads(line) for line in lines if line.endswith("\n")]
    if not accepted:
        msg = "the victim accepted nothing before it ended"
        raise RuntimeError(msg)
    return accepted


def _examine(project: Project, source: Path, concept_id: str, accepted: list[dict[str, str]]) -> tuple[list[str], int]:
    """Return what is wrong with the project after the kill, and how many files nobody claims."""
    from projects import queries
    from projects.errors import ImportFailure
    from projects.pixels import load_rgb
    from projects.upkeep import tidy

    problems: list[str] = []
    tidied = tidy(project, older_than_s=-3600.0)
    problems += [f"{name} is listed but its file is gone" for name in tidied.missing]
    images = queries.images(project)
    stored = {f"images/{path.name}" for path in (project.root / "images").iterdir()}
    problems += [f"{name} is neither listed nor cleared away" for name in stored - {image.file for image in images}]
    for image in images:
        data = project.path(image.file).read_bytes() if image.file in stored else b""
        if data != (source / image.original_name).read_bytes() or hashlib.sha256(data).hexdigest() != image.sha256:
            problems.append(f"{image.original_name} is not the file that was taken in")
        try:
            load_rgb(project.path(image.file))
        except ImportFailure as failure:
            problems.append(f"{image.original_name}: {failure}")
    arrived = {image.original_name for image in images if image.concept_id == concept_id}
    told = [item["picture"] for item in accepted if "picture" in item]
    problems += [f"{name} was accepted and is lost" for name in told if name not in arrived]
    captions = {image.id: image.caption for image in images}
    problems += _lost_edits(captions, accepted)
    return problems, len(tidied.unclaimed)


def _lost_edits(captions: dict[str, str], accepted: list[dict[str, str]]) -> list[str]:
    newest: dict[str, int] = {}
    taking_back = ""
    for item in accepted:
        if "caption" in item:
            newest[item["image"]] = _number(item["caption"])
        taking_back = item.get("taking_back", "" if "again" in item else taking_back)
    return [
        f"edit {number} was accepted and is lost"
        for image_id, number in newest.items()
        # Between an undo and its redo the older words are the right ones.
        if image_id != taking_back and _number(captions.get(image_id, "")) < number
    ]


def _number(caption: str) -> int:
    return int(caption.rpartition(" ")[2] or -1)


def _live(root: Path, source: Path, concept_id: str) -> None:
    """Be the victim: import in one thread, edit in another, and say what was accepted, until killed or done."""
    from projects import importing, queries
    from projects.project import Project

    lock = threading.Lock()

    def say(what: dict[str, str]) -> None:
        with lock:
            sys.stdout.write(json.dumps(what) + "\n")
            sys.stdout.flush()

    def told(_done: int, _total: int, name: str) -> bool:
        say({"picture": name})
        return True

    with Project.open(root) as project:
        ids = [image.id for image in queries.images(project)]
        editor = threading.Thread(target=_edit, args=(project, ids, say), daemon=True)
        editor.start()
        importing.import_paths(project, [source], concept_id, progress=told)
        # The import may be done before its killer comes: edits go on until then.
        time.sleep(_LATEST_KILL_S * 2)


def _edit(project: Project, ids: list[str], say: Callable[[dict[str, str]], None]) -> None:
    from projects import edits

    number = 0
    while True:
        image_id = ids[number % len(ids)]
        change = edits.set_caption(project, [image_id], f"edit {number}")
        say({"image": image_id, "caption": f"edit {number}"})
        if number % 5 == 4:
            # Taking an edit back and doing it again is an edit as well.
            say({"taking_back": image_id})
            change.inverse(project).inverse(project)
            say({"again": image_id})
        number += 1
        time.sleep(0.001)


if __name__ == "__main__":
    _live(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
