"""What a format's writer is given: a folder of its own, pages with the marks of one picture each, and what the person asked for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from projects.files import atomic_write_bytes
from projects.pixels import load_rgb
from projects.records import Image
from projects.regions.exchange.sheet import Drawn
from projects.regions.mask import Mask
from projects.regions.outline import Points, fill, simplify, trace
from projects.report import Level, ReportLine

# A simplified outline that agrees less than this with its mask is not used: small objects keep their exact one.
_LEAST_OVERLAP = 0.98


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for.

    Attributes:
        polygons: outlines in place of masks, in formats that know both.
        tolerance: how many pixels an outline may differ from its mask, to have fewer points; 0 keeps it exact.
    """

    polygons: bool = False
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Page:
    """One picture and its marks.

    Attributes:
        name: its file name in the export; no other page's differs from it in the extension only.
        image: the picture's record.
        source: the picture's file in the project.
        upright: whether that file stands upright as it is stored.
        marks: gives its objects, the lowest first.
    """

    name: str
    image: Image
    source: Path
    upright: bool
    marks: Callable[[], Sequence[Drawn]]

    def nothing(self) -> Mask:
        """A mask of its size in which no pixel is marked."""
        width, height = self.image.width, self.image.height
        return Mask.from_counts([width * height], width, height)

    @property
    def stem(self) -> str:
        """`name` without its extension."""
        return Path(self.name).stem


@dataclass(slots=True)
class Target:
    """Where an export is written.

    Attributes:
        folder: empty at the beginning; the person sees it only when all is written.
        labels: names of all classes, in their order.
        options: what the person asked for.
        lines: what the person should know.
        cut: how many masks had holes that their outlines reach by a cut.
    """

    folder: Path
    labels: tuple[str, ...]
    options: Options
    lines: list[ReportLine] = field(default_factory=list)
    cut: int = 0

    def put_picture(self, page: Page, relative: str) -> None:
        """Write the picture under `relative`, byte for byte where it stands upright; else its upright pixels without loss.

        Raises:
            ImportFailure: it must be decoded and cannot be.
            OSError: it cannot be read or written.
        """
        path = self._place(relative)
        if page.upright:
            shutil.copyfile(page.source, path)
        else:
            load_rgb(page.source).save(path, "PNG")

    def put_bytes(self, relative: str, data: bytes) -> None:
        """Write a file.

        Raises:
            OSError: it cannot be written.
        """
        atomic_write_bytes(self._place(relative), data, durable=False)

    def put_text(self, relative: str, text: str) -> None:
        """Write a text file in UTF-8; else as `put_bytes`."""
        self.put_bytes(relative, text.encode("utf-8"))

    def put_json(self, relative: str, document: object) -> None:
        """Write a JSON file, without spaces: lists of points are long; else as `put_bytes`."""
        self.put_text(relative, json.dumps(document, ensure_ascii=False, separators=(",", ":")))

    def say(self, level: Level, file: str, title: str, hint: str = "") -> None:
        """Add a line to the report."""
        self.lines.append(ReportLine(level, file, title, hint))

    def outlines(self, mask: Mask) -> list[Points]:
        """The outlines of a mask, one for each of its parts, with as few points as the tolerance allows."""
        exact = trace(mask)
        self.cut += any(len(np.unique(outline, axis=0)) < len(outline) for outline in exact)
        if self.options.tolerance <= 0:
            return exact
        simple = [simplify(outline, self.options.tolerance) for outline in exact]
        found, box = fill(simple, mask.width, mask.height), mask.box
        both, inside = int((found.crop(box) & mask.crop(box)).sum()), mask.area
        return simple if both >= _LEAST_OVERLAP * (found.area + inside - both) else exact

    def _place(self, relative: str) -> Path:
        path = self.folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
