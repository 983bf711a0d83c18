"""Mask pictures whose numbers are objects, usually of 16 bits: 0 is background, every other number one object (Cellpose, ImageJ, ...)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from projects.errors import ImportFailure
from projects.pixels import read_values
from projects.regions.exchange.indexed import deep_png, layered, say_covered
from projects.regions.exchange.pairing import read_pairs
from projects.regions.exchange.sheet import Drawn, Frame, Reading, Request, says_empty
from projects.regions.exchange.target import Page, Target
from projects.regions.mask import by_value
from projects.report import ReportLine

_MOST_OBJECTS = 65535


def read(request: Request) -> Reading:
    """Pair the masks of a folder with their pictures; each number in a mask is one region, all of the request's label.

    Raises:
        ImportFailure: there are no masks.
    """
    return read_pairs(request, lambda frame, path: _draw(frame, path, request.label))


def _draw(frame: Frame, path: Path, label: str) -> Iterator[Drawn | ReportLine]:
    values = read_values(path)
    if values.colours:
        raise ImportFailure(
            "The mask's objects are colours, not numbers",
            "It is stored as red, green and blue.",
            "Save it as a grey PNG or TIFF of 16 bits.",
        )
    yield from frame.remarks((values.numbers.shape[1], values.numbers.shape[0]), path.name)
    masks = by_value(frame.fit(values.numbers))
    if not masks:
        yield says_empty(path.name, "Its numbers are 0 everywhere.")
    for mask in masks.values():
        yield Drawn(label, mask)


def write(target: Target, pages: Iterable[Page]) -> None:
    """Write `images/` and `labels/`, a grey PNG of 16 bits a picture.

    Raises:
        ImportFailure: a picture has more objects than fit.
        OSError: a file cannot be written.
    """
    covered = 0
    for page in pages:
        target.put_picture(page, f"images/{page.name}")
        marks = list(page.marks())
        if len(marks) > _MOST_OBJECTS:
            raise ImportFailure("A picture has too many objects", f"{page.name} has {len(marks)}.")
        numbers, hidden = layered(page, marks, list(range(1, len(marks) + 1)))
        covered += hidden
        target.put_bytes(f"labels/{page.stem}.png", deep_png(numbers))
    say_covered(target, covered)
    if len(target.labels) > 1:
        target.say("warning", "", "The labels were left out", "Pictures of objects do not say what the objects are.")
