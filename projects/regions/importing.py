"""Taking masks into a project, with their pictures where they come along: one report over everything, and one step back.

First the pictures come in that the project does not have, as pictures to segment. Then each sheet is drawn in the size of its picture and its
regions are listed, all of a sheet or none, a few sheets at a time. What cannot be taken is a line in the report; the rest comes in.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from projects import edits_regions, queries
from projects.edit_parts import LONGEST_NAME, counted
from projects.edits_regions import NewRegion
from projects.errors import ImportFailure, ReadOnlyError
from projects.files import readable_text
from projects.importing import STOPPED, Progress, Work, change_of, import_work
from projects.intake import ALREADY_THERE
from projects.pixels import turned_by
from projects.project import Project
from projects.records import Image
from projects.regions.exchange.formats import AUTOMATIC, FORMATS, detect
from projects.regions.exchange.sheet import EMPTY, Drawn, Frame, Reading, Request, Sheet
from projects.regions.renewing import same_things
from projects.report import ImportReport, ReportLine, in_order, line_of
from projects.scanning import Candidate

_BATCH = 16
_BATCH_S = 0.25
_MOST_LIKE_LINES = 5
_BLOCK = 1 << 20


def import_masks(
    project: Project, request: Request, *, kind: str = AUTOMATIC, progress: Progress | None = None
) -> ImportReport:
    """Take in the masks of a file or folder. Sources are only ever read.

    Args:
        project: open for writing.
        request: what to read.
        kind: a key of `FORMATS`, or `AUTOMATIC` to look which it is.
        progress: told (steps done, steps in all, name) after each picture and each sheet; returning False stops the import, and what is in
            stays. Called on the calling thread.

    Returns:
        One report. Whatever is wrong with a file is a line in it, never an exception.

    Raises:
        ProjectError: the database fails.
    """
    started = time.perf_counter()
    try:
        _check(project, request)
        kind = detect(request) if kind == AUTOMATIC else kind
        reading = FORMATS[kind].read(request)
    except (ImportFailure, ReadOnlyError) as failure:
        return ImportReport((), (line_of(failure, request.path.name),), None, time.perf_counter() - started)
    read_as = ReportLine("info", request.path.name, f"Read as {FORMATS[kind].title}", FORMATS[kind].what)
    return _Import(project, [read_as, *reading.lines], progress).run(reading, started)


def _check(project: Project, request: Request) -> None:
    if project.read_only:
        raise ReadOnlyError("The project cannot be changed", project.read_only_reason)
    if not 0 < request.threshold <= 1:
        raise ImportFailure("That is no threshold", "It is a share of white, above 0 and up to 1.")


@dataclass
class _Import:
    """One import under way."""

    project: Project
    lines: list[ReportLine]
    progress: Progress | None
    added: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    regions: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    cancelled: bool = False
    _done: int = 0
    _total: int = 0
    _batch: list[tuple[Sheet, Image, list[Drawn], bool]] = field(default_factory=list)

    def run(self, reading: Reading, started: float) -> ImportReport:
        last_commit = time.perf_counter()
        for sheet, image in zip(reading.sheets, self._bring_pictures(reading), strict=True):
            if self.cancelled:
                break
            if image is not None:
                self._draw(sheet, image)
            if len(self._batch) >= _BATCH or time.perf_counter() - last_commit > _BATCH_S:
                self._commit()
                last_commit = time.perf_counter()
            self._step(sheet.file)
        self._commit()
        self._order_labels(reading.labels)
        return self._report(started)

    def _bring_pictures(self, reading: Reading) -> list[Image | None]:
        """Import the pictures that are not there yet, and return the project's picture for each sheet."""
        for path in reading.bare:
            self.lines.append(ReportLine("warning", path.name, "A picture has no mask", "It came in unmarked."))
        paths = dict.fromkeys([*(sheet.picture for sheet in reading.sheets if sheet.picture), *reading.bare])
        work: list[Work] = [(Candidate(path, readable_text(path.name)), None) for path in paths]
        embedded = [sheet for sheet in reading.sheets if sheet.picture is None and sheet.embedded is not None]
        self._total = len(work) + len(embedded) + len(reading.sheets)
        contents = {sheet: _digest_of(sheet.picture) for sheet in reading.sheets if sheet.picture is not None}
        self._take_in(work)
        # One by one: all pictures at once may be more than the memory holds.
        for sheet in embedded:
            if not self.cancelled:
                self._take_embedded(sheet, contents)
        known = _Known(queries.images(self.project))
        return [self._image_of(sheet, contents, known) for sheet in reading.sheets]

    def _take_embedded(self, sheet: Sheet, contents: dict[Sheet, tuple[str, str]]) -> None:
        try:
            data = sheet.embedded() if sheet.embedded is not None else b""
        except ImportFailure as failure:
            self.lines.append(line_of(failure, sheet.file))
            return
        contents[sheet] = (hashlib.sha256(data).hexdigest(), sheet.name)
        self._take_in([(Candidate(Path(), sheet.name), data)])

    def _take_in(self, work: Sequence[Work]) -> None:
        before = self._done

        def tell(done: int, _total: int, name: str) -> bool:
            self._done = before + done
            return self.progress is None or self.progress(self._done, self._total, name)

        report = import_work(self.project, work, None, progress=tell)
        self.added += report.added
        self.cancelled |= report.cancelled
        self.lines += [line for line in report.lines if line.title not in {ALREADY_THERE, STOPPED}]

    def _image_of(self, sheet: Sheet, contents: Mapping[Sheet, tuple[str, str]], known: _Known) -> Image | None:
        if sheet in contents:
            # Where the picture could not be taken in, its own line says why.
            return known.by_content(*contents[sheet])
        try:
            return known.by_name(sheet.name)
        except ImportFailure as failure:
            self.lines.append(line_of(failure, sheet.file))
            return None

    def _draw(self, sheet: Sheet, image: Image) -> None:
        drawn: list[Drawn] = []
        lines: list[ReportLine] = []
        try:
            frame = Frame(image.width, image.height, turned_by(self.project.path(image.file)))
            for found in sheet.draw(frame):
                if isinstance(found, Drawn):
                    drawn.append(found)
                else:
                    lines.append(found)
        except ImportFailure as failure:
            self.lines.append(line_of(failure, sheet.file))
            return
        except MemoryError:
            self.lines.append(
                ReportLine("error", sheet.file, "The marks need too much memory", "Close other programs.")
            )
            return
        self.lines += lines
        empty = not drawn and any(line.title == EMPTY for line in lines)
        self._batch.append((sheet, image, drawn, empty))

    def _commit(self) -> None:
        batch, self._batch = self._batch, []
        if not batch:
            return
        with self.project.transaction():
            known = {label.name.casefold(): label.id for label in queries.labels(self.project)}
            added = set(self.added)
            for sheet, image, drawn, empty in batch:
                fresh = [NewRegion(image.id, self._label(known, one.label), one.mask, "import") for one in drawn]
                self._renew(sheet, image, {(one.label_id, one.mask.text): one for one in fresh})
                if empty:
                    self._check_empty(sheet, image)
                if sheet.split is not None and image.id in added:
                    edits_regions.set_split(self.project, [image.id], sheet.split)

    def _renew(self, sheet: Sheet, image: Image, new: dict[tuple[str, str], NewRegion]) -> None:
        """List the regions of one picture; those that mark what is marked already take the place of the earlier ones."""
        there = {(item.label_id, item.counts): item for item in queries.regions(self.project, image.id)}
        if there.keys() & new.keys():
            self.lines.append(ReportLine("info", sheet.file, "Some masks were already there"))
        fresh = [one for key, one in new.items() if key not in there]
        earlier = [item for key, item in there.items() if key not in new]
        pairs = same_things(image, earlier, fresh)
        places = [pairs[number].position if number in pairs else None for number in range(len(fresh))]
        self.regions += edits_regions.add_regions(self.project, fresh, places=places).ids
        if pairs:
            gone = [old.id for old in pairs.values()]
            edits_regions.remove_regions(self.project, gone)
            self.replaced += gone
            hint = f"{counted(gone, 'mask')} of the same things. Undo brings the earlier ones back."
            self.lines.append(ReportLine("info", sheet.file, "Masks took the place of earlier ones", hint))

    def _check_empty(self, sheet: Sheet, image: Image) -> None:
        """Write down that nothing is in a picture, unless something is marked in it."""
        if any(region.accepted for region in queries.regions(self.project, image.id)):
            hint = "What is marked in the picture stays. Remove it if nothing is there."
            self.lines.append(ReportLine("warning", sheet.file, "The mask is empty, the picture is not", hint))
        elif not image.checked_empty:
            edits_regions.set_checked_empty(self.project, [image.id])
            self.checked.append(image.id)

    def _label(self, known: dict[str, str], name: str) -> str:
        """The id of the label of that name, which is made where there is none."""
        wanted = " ".join(readable_text(name).split())[:LONGEST_NAME] or "object"
        if wanted.casefold() not in known:
            known[wanted.casefold()] = edits_regions.add_label(self.project, wanted).ids[0]
            self.labels[wanted] = known[wanted.casefold()]
        return known[wanted.casefold()]

    def _order_labels(self, listed: Sequence[str]) -> None:
        """Put the new labels into the order in which the file lists them."""
        places = {name: place for place, name in enumerate(listed)}
        order = sorted(self.labels, key=lambda name: places.get(name, len(places)))
        if order != list(self.labels):
            edits_regions.reorder_labels(self.project, [self.labels[name] for name in order])

    def _step(self, name: str) -> None:
        self._done += 1
        if self.progress is not None and not self.progress(self._done, self._total, name):
            self.cancelled = True

    def _report(self, started: float) -> ImportReport:
        if self.cancelled:
            self.lines.append(ReportLine("info", "", STOPPED, "What was taken in before stays."))
        labels, regions = tuple(self.labels.values()), tuple(self.regions)
        replaced, checked = tuple(self.replaced), tuple(self.checked)
        change = None
        if self.added or regions or checked:
            change = change_of(self.added, labels=labels, regions=regions, replaced=replaced, checked=checked)
        lines = in_order(gathered(self.lines))
        seconds = time.perf_counter() - started
        return ImportReport(
            tuple(self.added), lines, change, seconds, self.cancelled, labels, regions, replaced, checked
        )


class _Known:
    """The project's pictures by content and by name; those to segment come before those of concepts."""

    def __init__(self, images: Sequence[Image]) -> None:
        self._by_content: dict[tuple[str, str], Image] = {}
        self._by_name: dict[str, list[Image]] = {}
        for image in sorted(images, key=lambda image: image.concept_id is not None):
            for key in ((image.sha256, image.original_name), (image.sha256, "")):
                self._by_content.setdefault(key, image)
            for name in {image.original_name.casefold(), Path(image.original_name).stem.casefold()}:
                self._by_name.setdefault(name, []).append(image)

    def by_content(self, sha256: str, name: str) -> Image | None:
        return self._by_content.get((sha256, name)) or self._by_content.get((sha256, ""))

    def by_name(self, name: str) -> Image:
        """The picture of that name, or of that name without its extension.

        Raises:
            ImportFailure: there is none, or there are several.
        """
        found = self._by_name.get(name.casefold()) or self._by_name.get(Path(name).stem.casefold()) or []
        loose = [image for image in found if image.concept_id is None] or found
        if not loose:
            hint = "Put the picture beside the marks, name its folder, or import it first."
            raise ImportFailure("There is no picture for these marks", f"{name} is not there.", hint)
        if len(loose) > 1:
            raise ImportFailure("Several pictures have that name", f"The project holds {len(loose)} called {name}.")
        return loose[0]


def gathered(lines: Sequence[ReportLine]) -> list[ReportLine]:
    """One line in place of many that say the same of different files."""
    alike: dict[tuple[str, str], list[ReportLine]] = {}
    for line in lines:
        alike.setdefault((line.level, line.title), []).append(line)
    found: list[ReportLine] = []
    for same in alike.values():
        if len(same) <= _MOST_LIKE_LINES:
            found += same
            continue
        names = list(dict.fromkeys(line.file for line in same if line.file))[:3]
        where = f"For example {', '.join(names)}." if names else ""
        found.append(
            replace(
                same[0], file="", title=f"{same[0].title}: {len(same)} times", hint=f"{same[0].hint} {where}".strip()
            )
        )
    return found


def _digest_of(path: Path) -> tuple[str, str]:
    """Content and name of a file; one that cannot be read has no content, and the import of it says why."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as handle:
            while block := handle.read(_BLOCK):
                digest.update(block)
    except OSError:
        return "", path.name
    return digest.hexdigest(), readable_text(path.name)
