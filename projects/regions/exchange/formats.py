"""The formats that masks come and go in, and telling which one lies in a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from projects.errors import ImportFailure
from projects.pixels import Values, read_values
from projects.regions.exchange import coco, indexed, instances, labelme, pairs, single, yolo
from projects.regions.exchange.files import MOST_BYTES, files_in, load_bytes, load_lines, pictures_in
from projects.regions.exchange.pairing import MOST_CLASSES, pair_up, scopes
from projects.regions.exchange.sheet import Reading, Request
from projects.regions.exchange.target import Page, Target

AUTOMATIC = "auto"
# A line of YOLO: a class and at least three points.
_OUTLINE = re.compile(r"\d+(\.0)?(\s+-?[\d.]+(e-?\d+)?){6,}", re.IGNORECASE)
# How many files of a kind are looked at to tell the format.
_LOOKED_AT = 8


@dataclass(frozen=True, slots=True)
class Format:
    """A format that masks come and go in.

    Attributes:
        title: what people call it.
        what: what it is, for those who do not know it, in a sentence.
        read: gives the sheets that lie in a file or folder.
        write: writes pages into an empty folder.
    """

    title: str
    what: str
    read: Callable[[Request], Reading]
    write: Callable[[Target, Iterable[Page]], None]


FORMATS: dict[str, Format] = {
    "coco": Format("COCO", "One JSON file with run lengths or outlines.", coco.read, coco.write),
    "labelme": Format("labelme", "A JSON file beside each picture.", labelme.read, labelme.write),
    "indexed": Format("Indexed PNG", "Mask pictures whose numbers are classes (VOC).", indexed.read, indexed.write),
    "instances": Format("Instance PNG", "Mask pictures whose numbers are objects.", instances.read, instances.write),
    "yolo": Format("YOLO", "A text file of outlines for each picture.", yolo.read, yolo.write),
    "single": Format("Single PNGs", "A black and white PNG for each mask.", single.read, single.write),
    "pairs": Format("Pairs", "A black and white mask for each picture.", pairs.read, pairs.write),
}


def detect(request: Request) -> str:
    """Which format lies in a file or folder, as a key of `FORMATS`.

    Raises:
        ImportFailure: it cannot be told, or nothing is there.
    """
    path = request.path
    if not path.exists():
        raise ImportFailure("The file or folder cannot be found", f"There is no {path.name}.")
    files = [path] if path.is_file() else files_in(path)
    for file in [file for file in files if file.suffix.lower() == ".json"][:_LOOKED_AT]:
        data = load_bytes(file, MOST_BYTES)
        if b'"shapes"' in data and b'"imagePath"' in data:
            return "labelme"
        if b'"annotations"' in data and b'"images"' in data:
            return "coco"
    if path.is_dir():
        texts = [file for file in files if file.suffix.lower() == ".txt"][:_LOOKED_AT]
        outlines = any(_OUTLINE.fullmatch(line) for file in texts for line in load_lines(file))
        return "yolo" if outlines else _of_pictures(request)
    raise ImportFailure(
        "The format cannot be told", f"{path.name} is neither COCO nor labelme.", "Say which format it is in."
    )


def _of_pictures(request: Request) -> str:
    for scope in scopes(request):
        if scope.pictures is not None:
            pictures, masks = pictures_in(scope.pictures), pictures_in(scope.masks)
            folders = {
                mask.relative_to(scope.masks).parts[0].casefold() for mask in masks if mask.parent != scope.masks
            }
            if folders & {picture.stem.casefold() for picture in pictures} or len(pictures) == 1 < len(masks):
                return "single"
    masks = [pair.mask for pair in pair_up(request).pairs]
    kinds = {_kind_of(read_values(mask)) for mask in masks[:: max(1, len(masks) // _LOOKED_AT)][:_LOOKED_AT]}
    return next(kind for kind in ("instances", "indexed", "pairs") if kind in kinds)


def _kind_of(values: Values) -> str:
    levels = values.levels
    if values.palette:
        return "indexed"
    if len(levels) <= 2:
        return "pairs"
    if values.white > 255:
        return "instances"
    return "indexed" if levels[levels != indexed.IGNORED][-1] < MOST_CLASSES else "pairs"
