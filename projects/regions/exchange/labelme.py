"""labelme: one JSON file beside each picture (wkentaro/labelme; other annotation tools write the same form).

Shapes are polygons, rectangles (two opposite corners), circles (centre and a point on the rim) and masks (a PNG of the part within two
inclusive corners). Shapes of one label and `group_id` are one object. The picture's own bytes may lie within the file.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from projects.errors import ImportFailure
from projects.files import readable_text
from projects.pixels import read_values
from projects.regions.exchange.files import Shelf, entries, files_in, load_json, plain_path, size_of, split_of
from projects.regions.exchange.sheet import Drawn, Frame, Reading, Request, Sheet, Size, cut_off, each, says_empty
from projects.regions.exchange.target import Page, Target
from projects.regions.mask import Mask, union
from projects.regions.outline import FARTHEST, Points
from projects.report import ReportLine, line_of

_VERSION = "5.5.0"
_CIRCLE_POINTS = 128
_LINES = frozenset({"line", "linestrip", "point", "points"})
_ROUNDED = 3


def looks_like(document: object) -> bool:
    """Whether a JSON document is in this format."""
    return isinstance(document, dict) and "shapes" in document and "imagePath" in document


def read(request: Request) -> Reading:
    """Read one file, or all files of this format in a folder.

    Raises:
        ImportFailure: there is none, or the one that was named cannot be read.
    """
    path = request.path
    if path.is_file():
        shelf = Shelf(request.pictures or path.parent)
        return Reading((_sheet(path, _document(path), shelf, request),))
    shelf = Shelf(request.pictures or path)
    sheets, lines, marked = [], [], set()
    for file in files_in(path):
        if file.suffix.lower() != ".json":
            continue
        try:
            sheets.append(_sheet(file, _document(file), shelf, request))
            marked.add(sheets[-1].picture)
        except ImportFailure as failure:
            lines.append(line_of(failure, file.name))
    if not sheets:
        raise ImportFailure("There are no labelme files here", f"{path.name} holds none.")
    return Reading(tuple(sheets), bare=tuple(one for one in shelf.pictures if one not in marked), lines=tuple(lines))


def _document(path: Path) -> dict[str, object]:
    document = load_json(path)
    if not looks_like(document):
        raise ImportFailure("This is no labelme file", f"{path.name} has no shapes and no imagePath.")
    return cast("dict[str, object]", document)


def _sheet(path: Path, document: dict[str, object], shelf: Shelf, request: Request) -> Sheet:
    name = str(document.get("imagePath") or path.with_suffix(".png").name)
    picture = shelf.find(name, beside=path)
    embedded = partial(_embedded, path) if isinstance(document.get("imageData"), str) else None
    split = split_of(shelf.within(picture)) if picture is not None else None
    # The shapes are read again when they are drawn: thousands of such files, pictures included, would not fit into memory at once.
    draw = partial(_draw, path=path, label=request.label)
    return Sheet(plain_path(name).name, path.name, draw, picture, embedded if picture is None else None, split)


def _embedded(path: Path) -> bytes:
    try:
        return base64.b64decode(str(_document(path)["imageData"]), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImportFailure("The picture within the file is damaged", f"{path.name} holds no whole picture.") from error


def _draw(frame: Frame, path: Path, label: str) -> Iterator[Drawn | ReportLine]:
    document = _document(path)
    size = size_of(document, "imageWidth", "imageHeight") or frame.size
    shapes = entries(document["shapes"])
    if not shapes:
        yield says_empty(path.name, "It holds no shape.")
    kinds = Counter(_kind(shape) for shape in shapes)
    for kind in sorted(_LINES & set(kinds)):
        words = f"{kinds[kind]} shape{' is' if kinds[kind] == 1 else 's are'} only a {kind}"
        yield ReportLine("info", path.name, words, "Lines and points mark no area; they were left out.")
    areas = [shape for shape in shapes if _kind(shape) not in _LINES]
    if areas:
        yield from frame.remarks(size, path.name)
    groups: dict[tuple[str, str], list[Mask]] = {}

    def one(place_shape: tuple[int, dict[str, object]]) -> Iterator[Drawn | ReportLine]:
        place, shape = place_shape
        mask, beyond = _shape(shape, frame, size)
        if beyond:
            yield cut_off(path.name)
        group = shape.get("group_id")
        # A shape without a group is an object of its own.
        key = f"alone {place}" if group is None else f"group {group}"
        name = readable_text(str(shape.get("label") or "")) or label
        groups.setdefault((name, key), []).append(mask)

    yield from each(path.name, enumerate(areas), one)
    for (name, _key), masks in groups.items():
        yield Drawn(name, union(masks))


def _shape(shape: dict[str, object], frame: Frame, size: Size) -> tuple[Mask, bool]:
    kind = _kind(shape)
    points = _points(shape.get("points"))
    if kind == "mask":
        return _stored(shape.get("mask"), points, frame, size), False
    if kind == "rectangle" and len(points) == 2:
        (left, top), (right, bottom) = points
        points = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    elif kind == "circle" and len(points) == 2:
        around = np.linspace(0, 2 * np.pi, _CIRCLE_POINTS, endpoint=False)
        radius = float(np.hypot(*(points[1] - points[0])))
        points = points[0] + radius * np.stack([np.cos(around), np.sin(around)], axis=1)
    elif len(points) < 3:
        raise ImportFailure("A shape has too few points", f"It is a {kind[:40]} of {len(points)}.", "It was left out.")
    return frame.outlined([points], size)


def _kind(shape: dict[str, object]) -> str:
    return str(shape.get("shape_type") or "polygon")


def _points(found: object) -> Points:
    try:
        points = np.asarray(found or np.zeros((0, 2)), dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise ImportFailure("A shape makes no sense", "Its points are not numbers.", "It was left out.") from error
    if points.ndim != 2 or points.shape[1] != 2 or not (np.abs(points) <= FARTHEST).all():
        raise ImportFailure("A shape makes no sense", "Its points are not pairs of numbers.", "It was left out.")
    return points


def _stored(data: object, points: Points, frame: Frame, size: Size) -> Mask:
    """The mask whose part within two inclusive corners is a PNG."""
    try:
        stored = base64.b64decode(data if isinstance(data, str) else "?", validate=True)
        part = read_values(io.BytesIO(stored), max_pixels=size[0] * size[1])
    except (binascii.Error, ValueError) as error:
        raise ImportFailure("A stored mask is damaged", "It is no whole PNG.", "It was left out.") from error
    inside = part.numbers > 0
    corner = np.rint(points[0]) if len(points) else np.array([-1.0, -1.0])
    try:
        mask = Mask.of(inside, left=int(corner[0]), top=int(corner[1]), size=size)
    except ValueError as error:
        raise ImportFailure("A stored mask does not fit", f"Its {error}.", "It was left out.") from error
    if size != frame.size:
        mask = Mask.of(frame.fit(mask.array()))
    if not mask.area:
        raise ImportFailure("A mask is empty", "Not one pixel is marked.", "It was left out.")
    return mask


def write(target: Target, pages: Iterable[Page]) -> None:
    """Write each picture and beside it a JSON file of the same name; masks as shapes of the kind `mask`, or as polygons.

    An object of several parts becomes one polygon a part, all of one group.

    Raises:
        OSError: a file cannot be written.
    """
    for page in pages:
        target.put_picture(page, page.name)
        shapes: list[dict[str, object]] = []
        for number, drawn in enumerate(page.marks(), start=1):
            shapes += _polygons(target, drawn, number) if target.options.polygons else [_mask_shape(drawn)]
        document: dict[str, object] = {
            "version": _VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": page.name,
            "imageData": None,
            "imageHeight": page.image.height,
            "imageWidth": page.image.width,
        }
        target.put_text(f"{page.stem}.json", json.dumps(document, ensure_ascii=False, indent=1))


def _polygons(target: Target, drawn: Drawn, number: int) -> list[dict[str, object]]:
    outlines = target.outlines(drawn.mask)
    group = number if len(outlines) > 1 else None
    return [_described(drawn.label, "polygon", outline, group) for outline in outlines]


def _mask_shape(drawn: Drawn) -> dict[str, object]:
    left, top, width, height = drawn.mask.box
    data = io.BytesIO()
    Image.fromarray(drawn.mask.crop().astype(np.uint8)).save(data, "PNG")
    corners = np.array([(left, top), (left + width - 1, top + height - 1)], dtype=np.float64)
    shape = _described(drawn.label, "mask", corners, None)
    return {**shape, "mask": base64.b64encode(data.getvalue()).decode("ascii")}


def _described(label: str, kind: str, points: Points, group: int | None) -> dict[str, object]:
    listed: Sequence[Sequence[float]] = points.round(_ROUNDED).tolist()
    return {
        "label": label,
        "points": listed,
        "group_id": group,
        "description": "",
        "shape_type": kind,
        "flags": {},
    }
