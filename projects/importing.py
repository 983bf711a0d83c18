"""Taking pictures into a project: many files, some of them broken, in one report.

Files are copied, checked and measured by a few threads while the rows are written by the calling thread in small batches, in the order
in which they were found. A picture counts once its row is committed, and a row is committed only after its file lies on the disk: a
power cut or a kill at any moment loses no picture that was counted and leaves no row without its file.
"""

from __future__ import annotations

import errno
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from projects import queries
from projects.change import Change, Part
from projects.edit_parts import counted
from projects.errors import ProjectError, ReadOnlyError
from projects.files import flush_folder, readable_text
from projects.health import FLAG_WORDS, TO_SEGMENT, Limits, Twins
from projects.intake import ALREADY_THERE, Arrival, Gate, Known, PixelBudget, ProjectUnwritable, already_there, discard
from projects.project import Project
from projects.report import ImportReport, ReportLine, in_order, line_of
from projects.rows import RowChange, Table, arrived
from projects.scanning import Candidate, scan

__all__ = [
    "ImportReport",
    "Progress",
    "ReportLine",
    "import_image_bytes",
    "import_paths",
    "import_work",
    "scan",
    "threads_here",
]

STOPPED = "The import was stopped"
Progress = Callable[[int, int, str], bool]
Work = tuple[Candidate, bytes | None]
_BATCH = 16
_BATCH_S = 0.25
_MOST_THREADS = 8
_MOST_REPEATED_LINES = 10


def import_paths(
    project: Project,
    paths: Sequence[Path],
    concept_id: str | None,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
    limits: Limits | None = None,
) -> ImportReport:
    """Take the pictures in files and folders into a concept, or as pictures to segment. Sources are only ever read.

    Args:
        project: open for writing.
        paths: files and folders; folders with all that is in them.
        concept_id: where the pictures go; None for pictures to segment, which belong to no concept.
        progress: told (files settled, files in all, name of the last one) after each file was committed or refused; returning False
            stops the import, and what is in stays. Called on the calling thread.
        threads: how many files are read at once; None suits the machine.
        limits: where the flags for small, long and blurred pictures begin; None suits where they go.

    Returns:
        One report over everything. A file that cannot be taken is a line in it, never an exception; so is a full disk or a project
        that is read-only.

    Raises:
        ProjectError: there is no such concept, or the database fails.
    """
    started = time.perf_counter()
    _check_goal(project, concept_id)
    if project.read_only:
        return _refused(project, started)
    found = scan([Path(path) for path in paths], project_root=project.root)
    work = [(candidate, None) for candidate in found.pictures]
    lines = list(found.lines)
    if not work and not lines:
        lines.append(ReportLine("warning", "", "No pictures were found", "Drop pictures, or folders that hold some."))
    return _Import(project, concept_id, lines, progress, limits or _limits(concept_id)).run(
        work, threads=threads, started=started
    )


def import_image_bytes(
    project: Project, data: bytes, name: str, concept_id: str | None, *, limits: Limits | None = None
) -> ImportReport:
    """Take one picture from the clipboard or a drag into a concept; otherwise as `import_paths`."""
    work = [(Candidate(Path(), readable_text(name)[:300]), data)]
    return import_work(project, work, concept_id, threads=1, limits=limits)


def import_work(
    project: Project,
    work: Sequence[Work],
    concept_id: str | None,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
    limits: Limits | None = None,
) -> ImportReport:
    """Take in pictures that were found already, each a file or the bytes that stand for one; otherwise as `import_paths`."""
    started = time.perf_counter()
    _check_goal(project, concept_id)
    if project.read_only:
        return _refused(project, started)
    importing = _Import(project, concept_id, [], progress, limits or _limits(concept_id))
    return importing.run(work, threads=threads, started=started)


def _limits(concept_id: str | None) -> Limits:
    return TO_SEGMENT if concept_id is None else Limits()


def _check_goal(project: Project, concept_id: str | None) -> None:
    if concept_id is not None:
        queries.concept(project, concept_id)


@dataclass
class _Import:
    """One import under way."""

    project: Project
    concept_id: str | None
    lines: list[ReportLine]
    progress: Progress | None
    limits: Limits
    added: list[str] = field(default_factory=list)
    cancelled: bool = False
    _batch: list[Arrival] = field(default_factory=list)
    _settled: list[str] = field(default_factory=list)
    _done: int = 0
    _twins: Twins = field(default_factory=Twins)
    _contents: set[tuple[str, str]] = field(default_factory=set)

    def run(self, work: Sequence[Work], *, threads: int | None, started: float) -> ImportReport:
        known = self._look_around()
        gate = Gate(self.project, known, self.limits, PixelBudget())
        last_commit = time.perf_counter()
        try:
            with closing(self._outcomes(gate, work, threads or threads_here())) as outcomes:
                for outcome, name in outcomes:
                    self._receive(outcome, name)
                    if len(self._batch) >= _BATCH or time.perf_counter() - last_commit > _BATCH_S:
                        self._commit(len(work))
                        last_commit = time.perf_counter()
                    if self.cancelled:
                        break
            self._commit(len(work))
        except (ProjectUnwritable, ProjectError) as error:
            self._give_up(error, len(work))
        return self._report(started)

    def _look_around(self) -> Known:
        """Learn what the project holds, for finding copies."""
        sizes, contents = set(), set()
        for row in self.project.rows(
            "SELECT id, concept_id, original_name, size_bytes, sha256, look, colours FROM images WHERE removed IS NULL"
            " AND (concept_id IS NULL OR concept_id IN (SELECT id FROM concepts WHERE removed IS NULL))"
            " ORDER BY added, position"
        ):
            self._twins.add(
                row["id"],
                concept_id=row["concept_id"],
                sha256=row["sha256"],
                look=row["look"],
                colours=row["colours"],
            )
            if row["concept_id"] == self.concept_id:
                sizes.add(int(row["size_bytes"]))
                contents.add((str(row["sha256"]), str(row["original_name"])))
        self._contents = contents
        return Known(frozenset(sizes), frozenset(contents))

    def _outcomes(
        self, gate: Gate, work: Sequence[Work], threads: int
    ) -> Generator[tuple[Arrival | ReportLine, str], None, None]:
        """Yield what became of each file, in order, with only a few files under way at any time."""
        pending: deque[tuple[Future[Arrival | ReportLine], str]] = deque()
        with ThreadPoolExecutor(threads, thread_name_prefix="import") as pool:
            try:
                for candidate, data in work:
                    pending.append((pool.submit(gate.admit, candidate, data), candidate.name))
                    while len(pending) >= 2 * threads:
                        future, name = pending.popleft()
                        yield future.result(), name
                while pending:
                    future, name = pending.popleft()
                    yield future.result(), name
            finally:
                # Also when the import was stopped: what was under way must leave nothing behind.
                for future, _name in pending:
                    future.cancel()
                for future, _name in pending:
                    with suppress(ProjectUnwritable):
                        outcome = None if future.cancelled() else future.result()
                        if isinstance(outcome, Arrival):
                            discard(self.project, [outcome])

    def _receive(self, outcome: Arrival | ReportLine, name: str) -> None:
        self._settled.append(name)
        if isinstance(outcome, ReportLine):
            self.lines.append(outcome)
            return
        content = (outcome.sha256, outcome.candidate.name)
        if content in self._contents:
            # The same file twice in one import.
            discard(self.project, [outcome])
            self.lines.append(already_there(name))
            return
        self._contents.add(content)
        self._batch.append(outcome)

    def _commit(self, total: int) -> None:
        if self._batch:
            self.lines.extend(self._write(self._batch))
            self.added.extend(arrival.id for arrival in self._batch)
            self._batch = []
        settled, self._settled = self._settled, []
        for name in settled:
            self._done += 1
            if self.progress is not None and not self.cancelled and not self.progress(self._done, total, name):
                self.cancelled = True

    def _write(self, batch: Sequence[Arrival]) -> list[ReportLine]:
        """Commit the rows of files whose names are on the disk already."""
        for folder in ("images", "masks"):
            flush_folder(self.project.root / folder)
        lines: list[ReportLine] = []
        with self.project.transaction() as connection:
            _check_goal(self.project, self.concept_id)
            position = int(
                connection.execute(
                    "SELECT coalesce(max(position) + 1, 0) FROM images WHERE concept_id IS ?", (self.concept_id,)
                ).fetchone()[0]
            )
            for place, arrival in enumerate(batch):
                twin = self._twin_of(arrival)
                flags = arrival.flags | ({twin[0]} if twin else frozenset())
                connection.execute(_INSERT, self._row(arrival, flags, twin, position + place))
                lines.extend(arrival.lines)
                if flags:
                    words = "; ".join(FLAG_WORDS[flag] for flag in FLAG_WORDS if flag in flags)
                    lines.append(ReportLine("warning", arrival.candidate.name, words, "It was taken in and flagged."))
        return lines

    def _twin_of(self, arrival: Arrival) -> tuple[str, str] | None:
        about = {"sha256": arrival.sha256, "look": arrival.looks.look, "colours": arrival.looks.colours}
        twin = self._twins.find(concept_id=self.concept_id, **about)
        self._twins.add(arrival.id, concept_id=self.concept_id, **about)
        return twin

    def _row(
        self, arrival: Arrival, flags: frozenset[str], twin: tuple[str, str] | None, position: int
    ) -> dict[str, str | int | float | None]:
        return {
            "id": arrival.id,
            "concept_id": self.concept_id,
            "file": arrival.file,
            "original_name": arrival.candidate.name,
            "size_bytes": arrival.size_bytes,
            "width": arrival.width,
            "height": arrival.height,
            "sha256": arrival.sha256,
            "look": arrival.looks.look,
            "colours": arrival.looks.colours,
            "caption": arrival.caption,
            "mask": arrival.mask,
            "repeats": arrival.candidate.repeats,
            "flags": " ".join(sorted(flags)),
            "twin": twin[1] if twin else None,
            "position": position,
            "added": time.time(),
        }

    def _give_up(self, error: ProjectUnwritable | ProjectError, total: int) -> None:
        """Say why the import ended early; what was committed stays."""
        if isinstance(error, ProjectError):
            self.lines.append(line_of(error, ""))
        elif error.error.errno in {errno.ENOSPC, errno.EDQUOT}:
            hint = "Nothing was half-written. Free some space on the disk of the project and import again."
            self.lines.append(ReportLine("error", "", "The disk is full", hint))
        else:
            hint = f"{error.error.strerror or error}. Check the project folder's permissions and its disk."
            self.lines.append(ReportLine("error", "", "The project cannot be written to", hint))
        # Only here, where nothing of the batch can have been committed; a kill leaves its files to the next opening.
        discard(self.project, self._batch)
        refused = len(self._settled) - len(self._batch)
        left = total - self._done - refused
        if left:
            title = "1 file was not taken in" if left == 1 else f"{left} files were not taken in"
            self.lines.append(ReportLine("error", "", title, "Import them again; those already there are skipped."))

    def _report(self, started: float) -> ImportReport:
        if self.cancelled:
            self.lines.append(ReportLine("info", "", STOPPED, "What was taken in before stays."))
        change = change_of(self.added) if self.added else None
        seconds = time.perf_counter() - started
        return ImportReport(tuple(self.added), in_order(_gathered(self.lines)), change, seconds, self.cancelled)


_COLUMNS = (
    "id, concept_id, file, original_name, size_bytes, width, height, sha256, look, colours, caption, mask, repeats, flags, twin,"
    " position, added"
)
_INSERT = f"INSERT INTO images ({_COLUMNS}) VALUES (:{', :'.join(_COLUMNS.split(', '))})"  # noqa: S608 - no input in it


def _gathered(lines: list[ReportLine]) -> list[ReportLine]:
    """One line in place of many that only say that a file is there already; every other line stays."""
    repeated = [line for line in lines if line.title == ALREADY_THERE]
    if len(repeated) <= _MOST_REPEATED_LINES:
        return lines
    rest = [line for line in lines if line.title != ALREADY_THERE]
    return [*rest, ReportLine("info", "", f"{len(repeated)} files were already there", repeated[0].hint)]


def change_of(
    images: Sequence[str],
    *,
    labels: Sequence[str] = (),
    regions: Sequence[str] = (),
    replaced: Sequence[str] = (),
    checked: Sequence[str] = (),
) -> Change:
    """The `Change` of an import that added these, by their ids.

    `replaced` are regions that were taken out in exchange, `checked` pictures that are known now to hold nothing to mark.
    """
    what = [counted(ids, word) for ids, word in ((images, "picture"), (regions, "region")) if ids]
    parts: frozenset[Part] = frozenset({"images", "captions", "masks", "splits"} if images else ())
    parts |= {"labels", "regions"} if regions or labels or checked else set()
    rows: dict[Table, Sequence[str]] = {"images": images, "labels": labels, "regions": regions}
    now = time.time()
    also = [RowChange("regions", key, {"removed": None}, {"removed": now}) for key in replaced]
    also += [RowChange("images", key, {"checked_empty": 0}, {"checked_empty": 1}) for key in checked]
    return arrived(rows, parts=parts, title=f"Import {' and '.join(what) or 'marks'}", also=also)


def _refused(project: Project, started: float) -> ImportReport:
    error = ReadOnlyError(
        "The project cannot be changed", project.read_only_reason, "Copy the project to another place to work on it."
    )
    return ImportReport((), (line_of(error, ""),), None, time.perf_counter() - started)


def threads_here() -> int:
    """How many files are read at once on this machine unless the caller says otherwise."""
    # One more than the cores: while one file waits for the disk, another is decoded.
    return min(_MOST_THREADS, (os.cpu_count() or 1) + 1)
