"""How soon the window is seen, and how long its thread is ever stuck while a worker trains and while photos come in.

The window runs as a program of its own (`gui.app`, `gui.probe`), as it does for a person; this file only starts it and reads what it says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from engines.bench._window import environment
from engines.bench.table import Bench, Figure, Result, Table

SENTENCE = "Window to first paint in a cold process, and the longest stall of its thread during training and import."
_STARTS, _QUICK_STARTS = 7, 2
_STEPS, _QUICK_STEPS = 200, 6
_PHOTOS, _QUICK_PHOTOS = 200, 12
_START_LIMIT_S = 120
_PROBE_LIMIT_S = 900


def measure(bench: Bench) -> Result:
    """Start windows and watch them.

    Raises:
        RuntimeError: a window did not come up, loaded torch, or its probe did not come to its end.
    """
    around = environment(bench.folder / "home")
    starts = _first_paints(bench, around)
    training = _training(bench, around)
    importing = _importing(bench, around)
    rows = tuple(
        (what, seen["beats"], seen["longest_ms"], seen["late_99_ms"], seen["over_a_frame"])
        for what, seen in (("training and sampling, pages turned", training), ("import of photos", importing))
    )
    visits = training["first_visit_ms"]
    return Result(
        tables=(
            Table("Start to first paint", ("start", "seconds"), tuple(enumerate(starts, start=1))),
            Table(
                "Heartbeat of 10 ms on the window's thread",
                ("while", "beats", "longest late, ms", "99 % within, ms", "beats over 16 ms late"),
                rows,
            ),
            Table("First visit of a page", ("page", "ms"), tuple(visits.items())),
        ),
        figures=(
            Figure(
                "window-first-paint", median(starts), floor=1.5, aim=0.7, better="lower", unit="s", note=_spread(starts)
            ),
            _stall("window-stall-training", training, f"{training['steps']} steps, {training['samples']} samples"),
            _stall("window-stall-import", importing, f"{importing['added']} photos in {importing['seconds']} s"),
        ),
        conditions={
            "screen": around.get("QT_QPA_PLATFORM", "the system's"),
            "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
            "files": "in the cache from the second start on",
        },
    )


def _first_paints(bench: Bench, around: dict[str, str]) -> list[float]:
    count = _QUICK_STARTS if bench.quick else _STARTS
    seconds = []
    for number in range(count):
        bench.say(f"Starting the window, {number + 1} of {count} ...")
        words = _run(["gui.app", "--fresh", "--first-paint-exit"], around, _START_LIMIT_S).split()
        if words[-1] != "False":
            msg = "the window loaded torch before its first paint"
            raise RuntimeError(msg)
        seconds.append(float(words[-2]))
    return seconds


def _training(bench: Bench, around: dict[str, str]) -> dict[str, Any]:
    from engines.api import places
    from projects.samples import create_sample

    bench.say("Watching the window while a worker trains ...")
    root = bench.folder / "project"
    create_sample(root, "Probe", places.samples()).close()
    steps = _QUICK_STEPS if bench.quick else _STEPS
    seen = _probe(["train", str(root), "starter", str(steps)], around)
    if seen.get("phase") != "finished":
        msg = f"the training did not finish: {seen}"
        raise RuntimeError(msg)
    return seen


def _importing(bench: Bench, around: dict[str, str]) -> dict[str, Any]:
    from engines.bench.import_ import make_photos

    count = _QUICK_PHOTOS if bench.quick else _PHOTOS
    bench.say(f"Making {count} photos of twelve megapixels ...")
    folder = bench.folder / "photos"
    folder.mkdir()
    make_photos(folder, count)
    bench.say("Watching the window while they come in ...")
    seen = _probe(["import", str(folder)], around)
    if seen.get("added") != count:
        msg = f"not all photos came in: {seen}"
        raise RuntimeError(msg)
    return seen


def _probe(arguments: list[str], around: dict[str, str]) -> dict[str, Any]:
    seen: dict[str, Any] = json.loads(_run(["gui.probe", *arguments], around, _PROBE_LIMIT_S).splitlines()[-1])
    if seen.get("torch_loaded") is not False:
        msg = "the window loaded torch"
        raise RuntimeError(msg)
    return seen


def _run(arguments: list[str], around: dict[str, str], limit_s: int) -> str:
    done = subprocess.run(  # noqa: S603 - our own module in our own interpreter
        [sys.executable, "-m", *arguments],
        cwd=Path(__file__).resolve().parents[2],
        env=around,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    if done.returncode != 0 or not done.stdout.strip():
        msg = f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout[-600:]} {done.stderr[-1500:]}"
        raise RuntimeError(msg)
    return done.stdout.strip()


def _stall(name: str, seen: dict[str, Any], note: str) -> Figure:
    longest = seen["longest_ms"]
    value = float(longest) if isinstance(longest, int | float) else float("nan")
    return Figure(name, value, floor=100.0, aim=30.0, better="lower", unit="ms", note=note)


def _spread(seconds: list[float]) -> str:
    return f"{min(seconds):.2f} to {max(seconds):.2f} s over {len(seconds)} starts"
