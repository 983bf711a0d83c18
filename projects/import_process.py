"""An import as a program of its own, so that decoding hundreds of photos neither slows down nor can bring down the window.

    python -m projects.import_process PROJECT CONCEPT

An empty CONCEPT stands for pictures to segment, which belong to none. The first line of its input is a JSON list of paths; or an object, for
masks: `path`, `kind`, and where they matter `pictures`, `label` and `threshold` (see `projects.regions.importing`). It prints JSON lines: `{"done", "total", "name"}` as it goes, and one `{"report"}` or `{"error"}` at the end. When its input ends (the window closed it,
or died) it stops after the file under way; what came in stays.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from projects.errors import ProjectError, UserError
from projects.importing import Progress, change_of, import_paths
from projects.project import Project
from projects.regions.exchange.formats import AUTOMATIC
from projects.regions.exchange.sheet import Request
from projects.regions.importing import import_masks
from projects.report import ImportReport, ReportLine

_TELL_EVERY_S = 0.08
_IDS = ("labels", "regions", "replaced", "checked")


def main(argv: Sequence[str]) -> int:
    """Import what the first line of the input names; 0 when there is a report, 3 for an expected failure, 2 for wrong arguments."""
    if len(argv) != 2:
        sys.stderr.write((__doc__ or "") + "\n")
        return 2
    asked = json.loads(sys.stdin.readline())
    stopped = threading.Event()
    threading.Thread(target=_wait_for_end, args=(sys.stdin, stopped), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(5)  # the window comes first
    try:
        with Project.open(Path(argv[0])) as project:
            report = _import(project, asked, argv[1] or None, _teller(stopped))
    except UserError as error:
        _print({"error": {"title": error.title, "what": error.what, "hint": error.hint}})
        return 3
    lines = [asdict(line) for line in report.lines]
    facts = {"added": report.added, "lines": lines, "seconds": report.seconds, "cancelled": report.cancelled}
    ids = {kind: getattr(report, kind) for kind in _IDS}
    _print({"report": {**facts, **ids}})
    return 0


def _import(
    project: Project, asked: list[str] | dict[str, Any], concept_id: str | None, progress: Progress
) -> ImportReport:
    if isinstance(asked, list):
        return import_paths(project, [Path(path) for path in asked], concept_id, progress=progress)
    request = Request(
        path=Path(asked["path"]),
        pictures=Path(asked["pictures"]) if asked.get("pictures") else None,
        label=asked.get("label") or Request.label,
        threshold=float(asked.get("threshold", Request.threshold)),
    )
    return import_masks(project, request, kind=asked.get("kind", AUTOMATIC), progress=progress)


def report_of(line: dict[str, Any]) -> ImportReport:
    """The report in the last line, with a change that can be undone in the process that reads it.

    Raises:
        ProjectError: the line holds an expected failure.
        KeyError: the line is neither a report nor a failure.
    """
    if "error" in line:
        error = line["error"]
        raise ProjectError(str(error["title"]), str(error["what"]), str(error["hint"]))
    found = line["report"]
    added = tuple(str(key) for key in found["added"])
    ids = {kind: tuple(str(key) for key in found[kind]) for kind in _IDS}
    change = change_of(added, **ids) if added or any(ids.values()) else None
    lines = tuple(ReportLine(**entry) for entry in found["lines"])
    return ImportReport(added, lines, change, float(found["seconds"]), bool(found["cancelled"]), **ids)


def _teller(stopped: threading.Event) -> Progress:
    last = 0.0

    def tell(done: int, total: int, name: str) -> bool:
        nonlocal last
        now = time.monotonic()
        if now - last > _TELL_EVERY_S or done == total:
            last = now
            _print({"done": done, "total": total, "name": name})
        return not stopped.is_set()

    return tell


def _wait_for_end(stream: IO[str], stopped: threading.Event) -> None:
    while stream.readline():
        pass
    stopped.set()


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
