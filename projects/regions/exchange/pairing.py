"""Pictures and mask pictures that belong together by their folders and names, and what the numbers in a mask picture mean."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from projects.errors import ImportFailure
from projects.pixels import Values
from projects.records import Split
from projects.regions.exchange.files import load_lines, pictures_in, split_of
from projects.regions.exchange.sheet import Drawn, Frame, Reading, Request, Sheet
from projects.regions.mask import Bools
from projects.report import ReportLine

# Folders as data sets name them, the likeliest first.
PICTURE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages", "pictures", "photos")
MASK_FOLDERS = (
    *("masks", "mask", "labels", "label", "segmentationclass", "gt", "gts", "gt_object", "groundtruth", "ground_truth"),
    *("annotations", "annotation", "segmentations", "seg"),
)
# ISTD keeps the masks for the pictures in one folder in another.
_TWINS = {"train_a": "train_b", "test_a": "test_b"}
# What is put behind a picture's name to name its mask; the longer first.
ENDINGS = tuple(
    sign + word
    for word in ("segmentation", "groundtruth", "cp_masks", "masks", "mask", "labels", "label", "seg", "gt")
    for sign in "_-."
)
_NAMES = ("classes.txt", "class_names.txt", "labels.txt", "labelmap.txt", "obj.names", "names.txt")
_COLOURED = re.compile(r":\d+,\d+,\d+:.*$")
_BACKGROUND = frozenset({"background", "_background_", "__background__", "bg"})
# So few and so small numbers are classes, not shades.
MOST_CLASSES = 64


@dataclass(frozen=True, slots=True)
class Scope:
    """A folder of pictures and the folder of the masks for them; the same where both lie together."""

    pictures: Path | None
    masks: Path


@dataclass(frozen=True, slots=True)
class Pair:
    """A mask file and what it belongs to.

    Attributes:
        mask: the file.
        picture: the picture's file, or None.
        name: the picture's name as far as the mask's tells it.
    """

    mask: Path
    picture: Path | None
    name: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """What lies together: pairs, and pictures without a mask."""

    pairs: tuple[Pair, ...]
    bare: tuple[Path, ...]


def scopes(request: Request) -> list[Scope]:
    """The folders of pictures and masks that are meant.

    Raises:
        ImportFailure: what was named is no folder.
    """
    if not request.path.is_dir():
        raise ImportFailure("That is no folder", f"{request.path.name} should be a folder of masks.")
    if request.pictures is not None:
        return [Scope(request.pictures, request.path)]
    found = []
    for place, folders, _names in os.walk(request.path):
        there = {name.casefold(): name for name in folders if not name.startswith(".")}
        picture = next((name for name in PICTURE_FOLDERS if name in there), None)
        mask = next((name for name in MASK_FOLDERS if name in there), None)
        twins = [(one, other) for one, other in _TWINS.items() if one in there and other in there]
        twins += [(picture, mask)] if picture and mask else []
        found += [Scope(Path(place, there[one]), Path(place, there[other])) for one, other in twins]
        folders[:] = sorted(name for key, name in there.items() if not any(key in pair for pair in twins))
    return found or [Scope(None, request.path)]


def pair_up(request: Request) -> Pairs:
    """Pair the masks that are meant with their pictures, by the same name or a name with one of `ENDINGS`.

    Raises:
        ImportFailure: there is no mask, or a folder cannot be opened.
    """
    pairs: list[Pair] = []
    bare: list[Path] = []
    for scope in scopes(request):
        if scope.pictures is None:
            files = pictures_in(scope.masks)
            masks = [path for path in files if _without_ending(path.stem) != path.stem]
            # Nothing but masks: their pictures are in the project already.
            pictures, masks = ([path for path in files if path not in set(masks)], masks) if masks else ([], files)
        else:
            pictures, masks = pictures_in(scope.pictures), pictures_in(scope.masks)
        mine = list(_paired(scope, pictures, masks))
        taken = {pair.picture for pair in mine}
        pairs += mine
        bare += [path for path in pictures if path not in taken]
    if not pairs:
        raise ImportFailure(
            "No masks were found",
            f"{request.path.name} holds no folder of masks, and no files named as masks.",
            "Point at the folder that holds images and masks, or name the folder of pictures too.",
        )
    return Pairs(tuple(pairs), tuple(bare))


def read_pairs(
    request: Request, draw: Callable[[Frame, Path], Iterable[Drawn | ReportLine]], labels: Sequence[str] = ()
) -> Reading:
    """A sheet for each mask that `pair_up` finds, drawn by `draw` from the mask's file.

    Raises:
        ImportFailure: there is no mask, or a folder cannot be opened.
    """
    found = pair_up(request)
    sheets = [
        Sheet(
            pair.name,
            pair.mask.name,
            partial(_draw_with, draw, pair.mask),
            pair.picture,
            split=split_in(request, pair.picture, pair.mask),
        )
        for pair in found.pairs
    ]
    return Reading(tuple(sheets), found.bare, tuple(labels))


def _draw_with(
    draw: Callable[[Frame, Path], Iterable[Drawn | ReportLine]], path: Path, frame: Frame
) -> Iterable[Drawn | ReportLine]:
    return draw(frame, path)


def split_in(request: Request, picture: Path | None, mask: Path) -> Split | None:
    """The part that a picture plays by the names of the folders that were named and those within them."""
    if picture is None:
        return split_of(mask.relative_to(request.path))
    return split_of(picture.relative_to(request.pictures or request.path))


def _paired(scope: Scope, pictures: list[Path], masks: list[Path]) -> Iterator[Pair]:
    by_place: dict[str, Path] = {}
    by_stem: dict[str, list[Path]] = {}
    for path in pictures:
        by_place[_place(path, scope.pictures or scope.masks)] = path
        by_stem.setdefault(path.stem.casefold(), []).append(path)
    for mask in masks:
        place, stem = _place(mask, scope.masks), mask.stem.casefold()
        picture = by_place.get(place) or by_place.get(_without_ending(place))
        if picture is None:
            same = by_stem.get(stem) or by_stem.get(_without_ending(stem)) or []
            picture = same[0] if len(same) == 1 else None
        yield Pair(mask, picture, picture.name if picture else _without_ending(mask.stem) + mask.suffix)


def _place(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix().casefold()


def _without_ending(stem: str) -> str:
    lower = stem.casefold()
    ending = next((ending for ending in ENDINGS if lower.endswith(ending) and len(lower) > len(ending)), "")
    return stem[: len(stem) - len(ending)]


def class_names(folder: Path) -> dict[int, str]:
    """The names of classes that a text file in the folder, or above it, lists: number in a mask -> name. Background is left out.

    Raises:
        ImportFailure: there is such a file and it cannot be read.
    """
    for place in (folder, folder.parent):
        for name in _NAMES:
            if (place / name).is_file():
                # CVAT writes `name:r,g,b:parts:actions`; labelme begins with a name that has the number -1.
                lines = [_COLOURED.sub("", line) for line in load_lines(place / name) if not line.startswith("#")]
                names = [line for line in lines if line != "__ignore__"]
                first = 0 if names and names[0].casefold() in _BACKGROUND else 1
                return {number: text for number, text in enumerate(names, start=first) if number}
    return {}


def binarised(values: Values, threshold: float, file: str) -> tuple[Bools, list[ReportLine]]:
    """What a black and white mask marks, and what is to be said about it.

    A mask of two values marks the higher one. Where there are more, as after JPEG or smoothing, those from `threshold` times white on.

    Raises:
        ImportFailure: it shows colours, or its numbers are classes.
    """
    numbers = values.numbers
    if values.colours and not _nearly_grey(values):
        raise ImportFailure("This is no mask", "It is a picture in colours.", "Masks are black and white.")
    levels = values.levels
    if len(levels) <= 2:
        return numbers > (0 if len(levels) < 2 else levels[0]), []
    if levels[-1] < MOST_CLASSES or values.palette or values.white == 65535:
        raise ImportFailure(
            "The mask holds numbers, not black and white",
            f"It has {len(levels)} different ones.",
            "Import it as numbers of classes (indexed) or of objects (instances).",
        )
    line = ReportLine(
        "warning",
        file,
        "A mask is not just black and white",
        f"It has {len(levels)} shades; those of at least {threshold:.0%} white were taken as marked.",
    )
    return numbers >= threshold * values.white, [line]


def _nearly_grey(values: Values) -> bool:
    """JPEG gives black and white a touch of colour; it stays nearly all black or white."""
    shades = values.numbers
    return float(((shades < 40) | (shades > 215)).mean()) > 0.9
