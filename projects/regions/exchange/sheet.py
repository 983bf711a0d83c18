"""What a format's reader hands over: sheets, each the marks of one picture, drawn only when the picture's size is known.

A reader opens what lists the marks; whether the pictures exist, which of them the project has already, and what becomes of the marks is
the importer's business (`projects.regions.importing`). Everything that is wrong with one mark is a line about that mark, and the others
stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from projects.errors import ImportFailure
from projects.pixels import MAX_PIXELS, SIDEWAYS, turn
from projects.records import Split
from projects.regions.mask import Mask
from projects.regions.outline import Points, fill
from projects.report import ReportLine, line_of

Size = tuple[int, int]
Shape = TypeVar("Shape")

# Sizes that differ by rounding only are the same shape.
_SAME_SHAPE = 0.01
# Outlines may touch the border's far side, or round to it.
_BEYOND = 1.5
MOST_POINTS = 200_000
EMPTY = "The mask is empty"
"""What a line is called that says that the marks of a picture mark nothing: the picture counts as looked through."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One object, drawn.

    Attributes:
        label: what it is, in the file's words.
        mask: of the upright picture's size.
    """

    label: str
    mask: Mask


@dataclass(frozen=True, slots=True)
class Frame:
    """The picture that marks are drawn on.

    Attributes:
        width: upright, in pixels.
        height: upright, in pixels.
        turned: how its stored pixels are turned or mirrored to stand upright, or None.
    """

    width: int
    height: int
    turned: Image.Transpose | None = None

    @property
    def size(self) -> Size:
        """(width, height), upright."""
        return self.width, self.height

    def placed(self, size: Size) -> Literal["same", "turned", "scaled"]:
        """How something drawn on a picture of `size` (width, height) lies on this one.

        Raises:
            ImportFailure: it is of another shape, or absurdly large.
        """
        if size == self.size:
            return "same"
        if self.turned is not None and size == self.size[::-1]:
            return "turned"
        width, height = size
        if width < 1 or height < 1 or width * height > MAX_PIXELS:
            raise ImportFailure(
                "The mask's size makes no sense", f"It says that it is {width} × {height} pixels large."
            )
        if abs(width * self.height - self.width * height) > _SAME_SHAPE * width * self.height:
            raise ImportFailure(
                "The mask has another size than its picture",
                f"It is {width} × {height}, the picture {self.width} × {self.height}.",
                "Save it in the picture's size and import again.",
            )
        return "scaled"

    def fit(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Bring (h, w) drawn on the picture as it is, as it is stored, or in another size, into this frame.

        Raises:
            ImportFailure: it has another shape than the picture.
        """
        placed = self.placed((pixels.shape[1], pixels.shape[0]))
        if placed == "turned" and self.turned is not None:
            return turn(pixels, self.turned)
        if placed == "same":
            return pixels
        rows = ((np.arange(self.height) + 0.5) * pixels.shape[0] / self.height).astype(np.int64)
        columns = ((np.arange(self.width) + 0.5) * pixels.shape[1] / self.width).astype(np.int64)
        resized: NDArray[Any] = pixels[rows[:, None], columns[None, :]]
        return resized

    def remarks(self, size: Size, file: str) -> Iterator[ReportLine]:
        """What to say about something drawn on a picture of `size`, once for each sheet."""
        placed = self.placed(size)
        if placed == "scaled":
            words = f"From {size[0]} × {size[1]} to {self.width} × {self.height}, the size of its picture."
            yield ReportLine("warning", file, "The marks were resized", words)
        elif placed == "turned":
            hint = "The picture is turned by its camera data, and the marks were drawn on the pixels as stored."
            yield ReportLine("info", file, "The marks were turned upright with their picture", hint)
        elif self.turned is not None and (self.width == self.height or self.turned not in SIDEWAYS):
            hint = "The picture is turned by its camera data; the marks were taken as drawn on it standing upright."
            yield ReportLine("warning", file, "Look whether the marks lie right", hint)

    def outlined(self, outlines: Sequence[Points], size: Size | None = None) -> tuple[Mask, bool]:
        """Fill outlines drawn on a picture of `size` (this one when None).

        Returns:
            The mask, and whether a part of it lay outside the picture and was cut off.

        Raises:
            ImportFailure: nothing of them lies in the picture, a point is no point, or they were drawn on a picture of another shape.
        """
        size = size or self.size
        placed = self.placed(size)
        if sum(len(points) for points in outlines) > MOST_POINTS:
            raise ImportFailure("The outline has too many points", f"Up to {MOST_POINTS} are taken.")
        try:
            if placed == "turned":
                mask = Mask.of(self.fit(fill(outlines, *size).array()))
            else:
                scale = np.array([self.width / size[0], self.height / size[1]])
                mask = fill([points * scale for points in outlines], *self.size)
        except ValueError as error:
            raise ImportFailure("The outline makes no sense", "One of its points is not in the plane.") from error
        every = np.concatenate([*outlines, np.zeros((0, 2))])
        beyond = bool(every.size) and bool((every < -_BEYOND).any() or (every > np.array(size) + _BEYOND).any())
        if not mask.area:
            what = "It lies outside the picture." if beyond else "It encloses no pixel."
            raise ImportFailure("The outline marks nothing", what, "It was left out.")
        return mask, beyond


Draw = Callable[[Frame], Iterable[Drawn | ReportLine]]


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """The marks of one picture.

    Attributes:
        name: the picture's file name, as the marks give it.
        file: what the report calls the marks.
        draw: draws them; what it yields besides objects are lines for the report. It may raise an `ImportFailure`: then there are none.
        picture: the picture, where it lies with the marks.
        embedded: gives the picture's bytes, where they lie within the marks.
        split: the part it plays in the data set, where its folder says so.
    """

    name: str
    file: str
    draw: Draw
    picture: Path | None = None
    embedded: Callable[[], bytes] | None = None
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found.

    Attributes:
        sheets: in order.
        bare: pictures that lie with the marks and have none.
        labels: names of classes in the order in which the file lists them; those without marks are not taken.
        lines: what the person should know already.
    """

    sheets: tuple[Sheet, ...]
    bare: tuple[Path, ...] = ()
    labels: tuple[str, ...] = ()
    lines: tuple[ReportLine, ...] = ()


@dataclass(frozen=True)
class Request:
    """What is to be read, and how.

    Attributes:
        path: a file or a folder.
        pictures: the folder with the pictures; None where they lie with the marks, or are in the project already.
        label: the name for marks that have none.
        threshold: share of white from which a pixel of a soft mask counts, above 0 and up to 1.
    """

    path: Path
    pictures: Path | None = None
    label: str = "object"
    threshold: float = 0.5


def each(
    file: str, shapes: Iterable[Shape], draw: Callable[[Shape], Iterable[Drawn | ReportLine]]
) -> Iterator[Drawn | ReportLine]:
    """Draw shapes one by one; one that cannot be drawn becomes a line about `file`, and the others stay."""
    for shape in shapes:
        try:
            yield from draw(shape)
        except ImportFailure as failure:
            yield line_of(failure, file, level="warning")


def says_empty(file: str, why: str) -> ReportLine:
    """The line for marks that say that nothing is in their picture; `why` tells by what."""
    hint = f"{why} The picture counts as checked, with nothing in it. Take the check off if that is not meant."
    return ReportLine("warning", file, EMPTY, hint)


def cut_off(file: str) -> ReportLine:
    """The line for an outline that reaches beyond its picture."""
    return ReportLine("warning", file, "An outline reaches beyond the picture", "What lies outside was cut off.")
