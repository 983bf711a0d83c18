"""Mask pictures whose numbers are classes, in the folders of Pascal VOC (Everingham et al., 2010; "Development Kit", section 4).

0 is background and 255 is to be ignored. `SegmentationObject/` tells the objects of a picture apart, `SegmentationClass/` says what they
are; where there is only the latter, everything of one class is one region.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from projects.errors import ImportFailure
from projects.pixels import Values, read_values
from projects.regions.exchange.pairing import class_names, read_pairs
from projects.regions.exchange.sheet import Drawn, Frame, Reading, Request, says_empty
from projects.regions.exchange.target import Page, Target
from projects.regions.mask import by_value
from projects.report import ReportLine

IGNORED = 255
_MOST_CLASSES = 254
# A picture of shades, not numbers, has about all of them.
_SHADES = 200
_CLASSES, _OBJECTS, _PICTURES = "SegmentationClass", "SegmentationObject", "JPEGImages"
_NAMES = "classes.txt"


def read(request: Request) -> Reading:
    """Pair the masks of a folder with their pictures; each class in a mask, or each object where they are told apart, is one region.

    Raises:
        ImportFailure: there are no masks.
    """
    names = class_names(request.path)
    return read_pairs(request, lambda frame, path: _draw(frame, path, names, request.label), list(names.values()))


def _draw(frame: Frame, path: Path, names: Mapping[int, str], label: str) -> Iterator[Drawn | ReportLine]:
    values = read_values(path)
    yield from frame.remarks((values.numbers.shape[1], values.numbers.shape[0]), path.name)
    classes = frame.fit(_checked(values))
    if values.white == IGNORED and (values.palette or len(values.levels) > 2):
        ignored = int((classes == IGNORED).sum())
        classes = np.where(classes == IGNORED, 0, classes)
        if ignored:
            hint = "Their number is 255, which means that they are to be ignored."
            yield ReportLine("info", path.name, "Some pixels were left unmarked", hint)
    objects = path.parent.parent / _OBJECTS / path.name
    if path.parent.name == _CLASSES and objects.is_file():
        numbers = frame.fit(read_values(objects).numbers)
        regions = [(_most_frequent(classes, mask.array()), mask) for value, mask in by_value(numbers).items()]
        regions = [(number, mask) for number, mask in regions if number]
    else:
        regions = list(by_value(classes).items())
    if not regions:
        yield says_empty(path.name, "Its numbers are 0 everywhere.")
    lone = not names and len({number for number, _mask in regions}) == 1
    for number, mask in regions:
        yield Drawn(names.get(number) or (label if lone else f"class {number}"), mask)


def _checked(values: Values) -> NDArray[np.integer[Any]]:
    if values.colours:
        raise ImportFailure(
            "The mask's classes are colours, not numbers",
            "It is stored as red, green and blue.",
            "Save it as an indexed or grey PNG whose numbers are the classes.",
        )
    if not values.palette and values.white == IGNORED and len(values.levels) > _SHADES:
        raise ImportFailure("The mask holds shades, not classes", "It has about all of them.", "Import it as pairs.")
    return values.numbers


def _most_frequent(classes: NDArray[np.integer[Any]], inside: NDArray[np.bool_]) -> int:
    """The class of most of an object's pixels, background aside; 0 when there is none."""
    found = classes[inside]
    counted = np.bincount(found[found > 0])
    return int(counted.argmax()) if counted.size else 0


def write(target: Target, pages: Iterable[Page]) -> None:
    """Write `JPEGImages/`, `SegmentationClass/`, `SegmentationObject/`, and the names of the classes, background first.

    Raises:
        ImportFailure: there are more classes than fit.
        OSError: a file cannot be written.
    """
    if len(target.labels) > _MOST_CLASSES:
        raise ImportFailure("There are too many labels", f"A mask of 8 bits tells {_MOST_CLASSES} apart.")
    numbers = {name: number for number, name in enumerate(target.labels, start=1)}
    target.put_text(_NAMES, "\n".join(["background", *target.labels]) + "\n")
    covered = 0
    for page in pages:
        target.put_picture(page, f"{_PICTURES}/{page.name}")
        marks = list(page.marks())
        classes, hidden = layered(page, marks, [numbers[drawn.label] for drawn in marks])
        objects, _hidden = layered(page, marks, list(range(1, len(marks) + 1)))
        covered += hidden
        target.put_bytes(f"{_CLASSES}/{page.stem}.png", _palette_png(classes))
        # 255 would mean that the object is to be ignored.
        object_png = _palette_png(objects) if len(marks) < IGNORED else deep_png(objects)
        target.put_bytes(f"{_OBJECTS}/{page.stem}.png", object_png)
    say_covered(target, covered)


def layered(page: Page, marks: list[Drawn], numbers: list[int]) -> tuple[NDArray[np.int32], int]:
    """The picture of numbers in which later objects lie above earlier ones, (h, w), and how many objects are partly covered."""
    canvas = np.zeros((page.image.height, page.image.width), dtype=np.int32)
    above = np.zeros_like(canvas, dtype=np.bool_)
    covered = 0
    for drawn, number in zip(reversed(marks), reversed(numbers), strict=True):
        left, top, width, height = drawn.mask.box
        here = (slice(top, top + height), slice(left, left + width))
        inside = drawn.mask.crop()
        covered += bool((above[here] & inside).any())
        canvas[here][inside & ~above[here]] = number
        above[here] |= inside
    return canvas, covered


def say_covered(target: Target, covered: int) -> None:
    """Say that a picture of numbers holds one number a pixel, where that matters."""
    if covered:
        words = "1 mask is partly covered" if covered == 1 else f"{covered} masks are partly covered"
        target.say("warning", "", f"{words} by others", "A picture of numbers holds only what lies above.")


def deep_png(numbers: NDArray[np.int32]) -> bytes:
    """Numbers up to 65535 as a grey PNG of 16 bits."""
    data = io.BytesIO()
    Image.fromarray(numbers.astype(np.uint16)).save(data, "PNG")
    return data.getvalue()


def _palette_png(numbers: NDArray[np.int32]) -> bytes:
    picture = Image.fromarray(numbers.astype(np.uint8)).convert("P")
    picture.putpalette(voc_palette())
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def voc_palette() -> list[int]:
    """The 256 colours of Pascal VOC as 768 numbers: the bits of a class's number, dealt out to red, green and blue by turns."""
    number = np.arange(256)
    colours = np.zeros((256, 3), dtype=np.int64)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((number >> (3 * bit + channel)) & 1) << (7 - bit)
    flat: list[int] = colours.ravel().tolist()
    return flat
