"""Writing a project's pictures and accepted regions in another tool's format, into a folder that appears only when all is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from projects import queries
from projects.errors import ProjectError, UserError
from projects.files import atomic_folder, safe_name
from projects.importing import Progress
from projects.pixels import turned_by
from projects.project import Project
from projects.records import Image
from projects.regions.exchange.formats import FORMATS
from projects.regions.exchange.sheet import Drawn
from projects.regions.exchange.target import Options, Page, Target
from projects.regions.importing import gathered
from projects.report import ReportLine, in_order, line_of


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The result of one export.

    Attributes:
        folder: where it lies; None when nothing was written.
        pictures: how many were written.
        regions: how many were written.
        lines: everything worth knowing, errors first.
        seconds: how long it took.
    """

    folder: Path | None
    pictures: int
    regions: int
    lines: tuple[ReportLine, ...]
    seconds: float


def export_masks(
    project: Project,
    folder: Path,
    kind: str,
    *,
    options: Options | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Write all pictures that have accepted regions, and these.

    Args:
        project: to be read.
        folder: missing or empty.
        kind: a key of `FORMATS`.
        options: outlines or masks, where the format knows both.
        progress: told (pictures done, pictures in all, name); returning False ends the export, and nothing is left behind.

    Raises:
        ProjectError: there is nothing to export, the folder holds something, or it cannot be written to; nothing was written.
        ImportFailure: the format cannot hold what is there, or a picture cannot be read; nothing was written.
    """
    started = time.perf_counter()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError("The folder is not empty", f"{folder.name} holds something already.", "Choose a new name.")
    work = _Export(project, progress)
    marked = work.marked()
    names = {label.id: label.name for label in queries.labels(project)}
    used = {label_id for counts in work.counts.values() for label_id in counts}
    labels = tuple(name for label_id, name in names.items() if label_id in used)
    try:
        with atomic_folder(folder) as empty:
            target = Target(empty, labels, options or Options())
            FORMATS[kind].write(target, work.pages(marked, names))
    except _Stopped:
        line = ReportLine("info", "", "The export was stopped", "Nothing was written.")
        return ExportReport(None, 0, 0, (line,), time.perf_counter() - started)
    except OSError as error:
        raise ProjectError(
            "The masks could not be written",
            f"{folder.name}: {error.strerror or error}.",
            "Check the folder's permissions and the free space.",
        ) from error
    if target.cut:
        words = f"{target.cut} outline{' has a hole' if target.cut == 1 else 's have holes'}"
        target.say(
            "info",
            "",
            words,
            "Each is cut open by a line of no width. Tools that fill by crossings see the hole; others may fill it.",
        )
    lines = in_order(gathered([*work.lines, *target.lines]))
    return ExportReport(folder, work.pictures, work.regions, lines, time.perf_counter() - started)


class _Stopped(Exception):  # noqa: N818 - the person's wish, no error
    """The person ended the export."""


@dataclass
class _Export:
    """One export under way."""

    project: Project
    progress: Progress | None
    lines: list[ReportLine] = field(default_factory=list)
    pictures: int = 0
    regions: int = 0

    def __post_init__(self) -> None:
        self.counts = queries.region_counts(self.project, accepted=True)

    def marked(self) -> list[Image]:
        images = [image for image in queries.images(self.project) if image.id in self.counts]
        if not images:
            raise ProjectError("There is nothing to export", "No picture has accepted regions.", "Mark some first.")
        return images

    def pages(self, images: Sequence[Image], labels: dict[str, str]) -> Iterator[Page]:
        taken: set[str] = set()
        for number, image in enumerate(images):
            if self.progress is not None and not self.progress(number, len(images), image.original_name):
                raise _Stopped
            source = self.project.path(image.file)
            try:
                upright = turned_by(source) is None
            except UserError as error:
                self.lines.append(line_of(error, image.original_name))
                continue
            name = free_name(image.original_name, taken, source.suffix if upright else ".png")
            if not upright:
                hint = "It is turned by its camera data, which not every tool looks at."
                self.lines.append(ReportLine("info", name, "A picture was written upright", hint))
            self.pictures += 1
            yield Page(name, image, source, upright, partial(self._marks, image, labels))

    def _marks(self, image: Image, labels: dict[str, str]) -> list[Drawn]:
        found = [region for region in queries.regions(self.project, image.id) if region.accepted]
        self.regions += len(found)
        return [Drawn(labels[region.label_id], queries.mask_of(image, region)) for region in found]


def free_name(name: str, taken: set[str], suffix: str) -> str:
    """A file name for the picture of this name whose stem no other has; `taken` grows by it."""
    stem = plain = Path(safe_name(name)).stem
    number = 1
    while stem.casefold() in taken:
        number += 1
        stem = f"{plain}_{number}"
    taken.add(stem.casefold())
    return stem + suffix
