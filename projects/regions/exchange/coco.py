"""COCO: one JSON file with pictures, classes and annotations (cocodataset.org, "Data format"; cocodataset/cocoapi).

An annotation's `segmentation` is a list of outlines, which are united, or run lengths: `{"size": [height, width], "counts": ...}`, plain or
compressed. Run lengths lose nothing and are what is written unless outlines are asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from projects.errors import ImportFailure
from projects.files import readable_text
from projects.records import Split
from projects.regions.exchange.files import (
    Shelf,
    entries,
    files_in,
    load_json,
    plain_path,
    size_of,
    split_of,
    unknown_class,
    whole,
)
from projects.regions.exchange.sheet import Drawn, Frame, Reading, Request, Sheet, Size, cut_off, each, says_empty
from projects.regions.exchange.target import Page, Target
from projects.regions.mask import Mask
from projects.regions.outline import Points
from projects.report import ReportLine, line_of

_BESIDE = frozenset({"annotations", "labels", "json"})
_PICTURES = "images"
# Ours: a picture without annotations may be one that nobody has looked at, or one with nothing in it.
_CHECKED = "checked_empty"


def looks_like(document: object) -> bool:
    """Whether a JSON document is in this format."""
    return isinstance(document, dict) and "images" in document and "annotations" in document


def read(request: Request) -> Reading:
    """Read one file, or all files of this format in a folder.

    Raises:
        ImportFailure: there is none, or it cannot be read.
    """
    documents = list(_documents(request.path))
    if not documents:
        raise ImportFailure("This is no COCO file", f"{request.path.name} has no list of images and annotations.")
    shelf = Shelf(request.pictures or _root(request.path))
    sheets: list[Sheet] = []
    lines: list[ReportLine] = []
    labels: dict[str, None] = {}
    for path, document in documents:
        names = {
            whole(item.get("id")): readable_text(str(item.get("name", ""))) for item in entries(document["categories"])
        }
        labels |= dict.fromkeys(name for name in names.values() if name)
        sheets += _sheets(path, document, names, shelf, lines)
    return Reading(tuple(sheets), labels=tuple(labels), lines=tuple(lines))


def _documents(path: Path) -> Iterator[tuple[Path, dict[str, object]]]:
    single = path.is_file()
    for file in [path] if single else [file for file in files_in(path) if file.suffix.lower() == ".json"]:
        document = load_json(file)
        if looks_like(document):
            yield file, {"categories": [], **cast("dict[str, object]", document)}


def _root(path: Path) -> Path:
    if path.is_dir():
        return path
    return path.parent.parent if path.parent.name.casefold() in _BESIDE else path.parent


def _sheets(
    path: Path, document: dict[str, object], names: dict[int | None, str], shelf: Shelf, lines: list[ReportLine]
) -> Iterator[Sheet]:
    marks: dict[int | None, list[dict[str, object]]] = {}
    for item in entries(document["annotations"]):
        marks.setdefault(whole(item.get("image_id")), []).append(item)
    for about in entries(document["images"]):
        name = str(about.get("file_name") or about.get("coco_url") or "")
        short = plain_path(name).name
        mine = marks.pop(whole(about.get("id")), [])
        try:
            picture = shelf.find(name, beside=path)
        except ImportFailure as failure:
            lines.append(line_of(failure, short))
            continue
        split: Split | None = split_of(plain_path(name)) or split_of(Path(path.name))
        size, empty = size_of(about, "width", "height"), not mine and about.get(_CHECKED) is True
        draw = partial(_draw, annotations=mine, names=names, size=size, file=short, empty=empty)
        yield Sheet(short, short, draw, picture, split=split)
    left = sum(len(items) for items in marks.values())
    if left:
        words = f"{left} annotation{' belongs' if left == 1 else 's belong'} to no picture of the file"
        lines.append(ReportLine("warning", path.name, words, "They were left out."))


def _draw(
    frame: Frame,
    annotations: Sequence[dict[str, object]],
    names: dict[int | None, str],
    size: Size | None,
    file: str,
    *,
    empty: bool,
) -> Iterator[Drawn | ReportLine]:
    if empty:
        yield says_empty(file, "The file says so.")
    if annotations and size is not None:
        yield from frame.remarks(size, file)
    unknown = Counter(whole(item.get("category_id")) for item in annotations)
    called = dict(names)
    for number in unknown:
        if not names.get(number):
            called[number], line = unknown_class(number, file)
            yield line

    def one(item: dict[str, object]) -> Iterator[Drawn | ReportLine]:
        mask, beyond = _mask(item.get("segmentation"), frame, size)
        if beyond:
            yield cut_off(file)
        yield Drawn(called[whole(item.get("category_id"))], mask)

    yield from each(file, annotations, one)


def _mask(found: object, frame: Frame, size: Size | None) -> tuple[Mask, bool]:
    if isinstance(found, dict):
        return _from_runs(found, frame), False
    if not isinstance(found, list) or not found:
        raise ImportFailure("An annotation has no mask", "It is only a box or a set of points.", "It was left out.")
    # Some tools write a single outline without the list around it.
    outlines = found if isinstance(found[0], list) else [found]
    return frame.outlined([_points(outline) for outline in outlines], size)


def _from_runs(found: dict[str, object], frame: Frame) -> Mask:
    size, counts = found.get("size"), found.get("counts")
    height, width = (whole(value) or 0 for value in size) if isinstance(size, list) and len(size) == 2 else (0, 0)
    same = frame.placed((width, height)) == "same"
    try:
        mask = (
            Mask.from_text(counts, width, height)
            if isinstance(counts, str)
            else Mask.from_counts(cast("Sequence[int]", counts if isinstance(counts, list) else []), width, height)
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise ImportFailure("The run lengths of a mask make no sense", f"{error}.", "It was left out.") from error
    mask = mask if same else Mask.of(frame.fit(mask.array()))
    if not mask.area:
        raise ImportFailure("A mask is empty", "Not one pixel is marked.", "It was left out.")
    return mask


def _points(outline: object) -> Points:
    try:
        flat = np.asarray(outline, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise ImportFailure("The outline makes no sense", "Its points are not numbers.", "It was left out.") from error
    if flat.ndim != 1 or flat.size % 2 or flat.size < 6:
        raise ImportFailure("The outline makes no sense", "It has fewer than three points.", "It was left out.")
    return flat.reshape(-1, 2)


def write(target: Target, pages: Iterable[Page]) -> None:
    """Write `images/` and `annotations.json`, or one `annotations_<part>.json` for each part of the split.

    Raises:
        OSError: a file cannot be written.
    """
    categories = [{"id": number, "name": name} for number, name in enumerate(target.labels, start=1)]
    numbers = {name: number for number, name in enumerate(target.labels, start=1)}
    documents: dict[Split | None, dict[str, list[dict[str, object]]]] = {}
    for page in pages:
        document = documents.setdefault(page.image.split, {"images": [], "annotations": []})
        image_id = len(document["images"]) + 1
        size = {"width": page.image.width, "height": page.image.height}
        marks = page.marks()
        checked = {} if marks else {_CHECKED: True}
        document["images"].append({"id": image_id, "file_name": page.name, **size, **checked})
        target.put_picture(page, f"{_PICTURES}/{page.name}")
        for drawn in marks:
            annotation = {
                "id": len(document["annotations"]) + 1,
                "image_id": image_id,
                "category_id": numbers[drawn.label],
                "segmentation": _segmentation(target, drawn.mask),
                "area": drawn.mask.area,
                "bbox": list(drawn.mask.box),
                "iscrowd": 0,
            }
            document["annotations"].append(annotation)
    for split, document in documents.items():
        name = f"annotations_{split}.json" if split else "annotations.json"
        target.put_json(name, {"info": {"description": "Lorikeet"}, **document, "categories": categories})


def _segmentation(target: Target, mask: Mask) -> object:
    if not target.options.polygons:
        return {"size": [mask.height, mask.width], "counts": mask.text}
    return [outline.ravel().tolist() for outline in target.outlines(mask)]
