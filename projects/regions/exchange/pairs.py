"""Pictures and black and white masks of the same name in two folders, as most research data sets come."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from projects.pixels import read_values
from projects.regions.exchange.pairing import binarised, read_pairs
from projects.regions.exchange.sheet import Drawn, Frame, Reading, Request, says_empty
from projects.regions.exchange.target import Page, Target
from projects.regions.mask import Mask, union
from projects.report import ReportLine


def read(request: Request) -> Reading:
    """Pair the masks of a folder with their pictures; each mask is one region.

    Raises:
        ImportFailure: there are no masks.
    """
    return read_pairs(request, lambda frame, path: black_and_white(frame, path, request.label, request.threshold))


def black_and_white(frame: Frame, path: Path, label: str, threshold: float) -> Iterator[Drawn | ReportLine]:
    """What one black and white mask file marks.

    Raises:
        ImportFailure: it cannot be read, is no mask, or has another shape than its picture.
    """
    values = read_values(path)
    inside, lines = binarised(values, threshold, path.name)
    yield from lines
    yield from frame.remarks((inside.shape[1], inside.shape[0]), path.name)
    mask = Mask.of(frame.fit(inside))
    if mask.area:
        yield Drawn(label, mask)
    else:
        yield says_empty(path.name, "It is black everywhere.")


def write(target: Target, pages: Iterable[Page]) -> None:
    """Write `images/` and `masks/`, a black and white PNG a picture in which all its objects are white.

    Raises:
        OSError: a file cannot be written.
    """
    several = 0
    for page in pages:
        target.put_picture(page, f"images/{page.name}")
        masks = [drawn.mask for drawn in page.marks()]
        several += len(masks) > 1
        target.put_bytes(f"masks/{page.stem}.png", white_on_black(union(masks) if masks else page.nothing()))
    if several or len(target.labels) > 1:
        hint = "Black and white masks hold neither objects nor classes; other formats do."
        target.say("warning", "", "Objects and classes were put together", hint)


def white_on_black(mask: Mask) -> bytes:
    """The mask as an 8-bit PNG."""
    data = io.BytesIO()
    Image.fromarray(mask.array().astype(np.uint8) * 255).save(data, "PNG")
    return data.getvalue()
