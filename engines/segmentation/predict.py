"""Masks for many pictures at once, written as other tools read them: an adapter's classes, or proposals for all objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engines.api.errors import UserError
from engines.segmentation.clicks import Asked, Clicks, Found
from projects.files import atomic_folder
from projects.pixels import turned_by
from projects.records import Image
from projects.regions.exchange.formats import FORMATS
from projects.regions.exchange.sheet import Drawn
from projects.regions.exchange.target import Options, Page, Target
from projects.regions.exporting import free_name
from projects.report import ReportLine, in_order, line_of

ANY = "object"
Progress = Callable[[int, int, str], None]
"""Told (pictures done, pictures in all, name)."""


@dataclass(frozen=True)
class Wish:
    """What is to be found, and how it is written.

    Attributes:
        pictures: files; those of one name get names of their own.
        folder: where the result goes; missing or empty.
        kind: a key of `FORMATS`.
        per_side: 0 for the adapter's classes; else proposals, from a grid of so many clicks along each side.
        options: see `projects.regions.exchange.target`.
    """

    pictures: Sequence[Path]
    folder: Path
    kind: str = "coco"
    per_side: int = 0
    options: Options = field(default_factory=Options)


@dataclass(frozen=True)
class Told:
    """One mask, for a report: the picture's name in the export, the class, the IoU the model expects, pixels, and left, top, width, height."""

    picture: str
    label: str
    score: float
    area: int
    box: tuple[int, int, int, int]


@dataclass
class Prediction:
    """What was written: names of the pictures, their masks, and what the person should know, errors first."""

    pictures: list[str] = field(default_factory=list)
    masks: list[Told] = field(default_factory=list)
    lines: Sequence[ReportLine] = ()


def predict(clicks: Clicks, wish: Wish, progress: Progress) -> Prediction:
    """Find masks in pictures and write both. A picture that cannot be read is left out and told of.

    Raises:
        UserError: the folder holds something already, no picture could be read, or the model answers none of them.
    """
    title = "The folder is not empty"
    if wish.folder.exists() and (not wish.folder.is_dir() or any(wish.folder.iterdir())):
        raise UserError(title, f"{wish.folder.name} holds something already.", "Choose a new name.")
    found, lines = Prediction(), list[ReportLine]()
    labels = (ANY,) if wish.per_side else clicks.names
    with atomic_folder(wish.folder) as folder:
        target = Target(folder, labels, wish.options)
        FORMATS[wish.kind].write(target, _pages(clicks, wish, found, lines, progress))
        if not found.pictures:
            title = "No picture could be read"
            raise UserError(title, f"{lines[0].file}: {lines[0].title}. {lines[0].hint}" if lines else "")
    found.lines = in_order([*lines, *target.lines])
    return found


def _pages(
    clicks: Clicks, wish: Wish, found: Prediction, lines: list[ReportLine], progress: Progress
) -> Iterator[Page]:
    taken: set[str] = set()
    for number, file in enumerate(wish.pictures):

        def between(_done: int, _total: int, number: int = number, name: str = file.name) -> None:
            progress(number, len(wish.pictures), name)

        between(0, 0)
        try:
            upright = turned_by(file) is None
            frame, _ = clicks.open(Asked(file), between)
            masks = (
                clicks.everything(Asked(file), wish.per_side, between)
                if wish.per_side
                else clicks.classes(Asked(file), between)
            )
        except UserError as error:
            lines.append(line_of(error, file.name))
            continue
        name = free_name(file.name, taken, file.suffix if upright else ".png")
        names = [ANY if one.label < 0 else clicks.names[one.label] for one in masks]
        found.pictures.append(name)
        found.masks += [_told(name, label, one) for label, one in zip(names, masks, strict=True)]
        drawn = [Drawn(label, one.mask) for label, one in zip(names, masks, strict=True)]
        # The likeliest lies above the others, where a format holds one number a pixel.
        drawn.reverse()
        yield Page(name, _record(name, frame.width, frame.height, number), file, upright, drawn.copy)
    progress(len(wish.pictures), len(wish.pictures), "")


def _told(name: str, label: str, one: Found) -> Told:
    return Told(name, label, one.score, one.mask.area, one.mask.box)


def _record(name: str, width: int, height: int, position: int) -> Image:
    """The picture as formats know pictures; it belongs to no project."""
    return Image(
        id=name,
        concept_id=None,
        file=name,
        original_name=name,
        width=width,
        height=height,
        sha256="",
        caption="",
        mask=None,
        repeats=1,
        flags=frozenset(),
        position=position,
        added=0.0,
    )
