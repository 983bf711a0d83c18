"""YOLO segmentation: a text file for each picture, a line for each object: its class and the outline's points from 0 to 1
(docs.ultralytics.com, "Instance Segmentation Datasets Overview").

A line is one outline. An object of several parts is joined by lines of no width there and back, and its holes are cut open likewise;
readers that fill by crossings see parts and holes as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from projects.errors import ImportFailure
from projects.files import readable_text
from projects.records import Split
from projects.regions.exchange.files import Shelf, files_in, load_lines, load_text, split_of, unknown_class, whole
from projects.regions.exchange.sheet import Drawn, Frame, Reading, Request, Sheet, cut_off, each, says_empty
from projects.regions.exchange.target import Page, Target
from projects.regions.outline import join
from projects.report import ReportLine, line_of

_NAMES = ("classes.txt", "obj.names", "names.txt", "labels.txt")
_OTHERS = frozenset({*_NAMES, "train.txt", "val.txt", "test.txt", "readme.txt", "requirements.txt"})
_FOLDERS: dict[Split | None, str] = {"train": "train", "validation": "val", "test": "test", None: "train"}
_ITEM = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^,"'])+""")


def read(request: Request) -> Reading:
    """Read the label files of a folder.

    Raises:
        ImportFailure: there are none.
    """
    if not request.path.is_dir():
        raise ImportFailure("That is no folder", f"{request.path.name} should be a folder of label files.")
    shelf = Shelf(request.pictures or request.path)
    names = _names(request.path)
    sheets, lines, marked = [], [], set()
    for path in files_in(request.path):
        if path.suffix.lower() != ".txt" or path.name.casefold() in _OTHERS:
            continue
        try:
            picture = _picture(path, shelf)
        except ImportFailure as failure:
            lines.append(line_of(failure, path.name))
            continue
        marked.add(picture)
        draw = partial(_draw, path=path, names=names)
        sheets.append(
            Sheet(
                picture.name if picture else path.stem,
                path.name,
                draw,
                picture,
                split=split_of(path.relative_to(request.path)),
            )
        )
    if not sheets:
        raise ImportFailure("There are no label files here", f"{request.path.name} holds no .txt beside data.yaml.")
    bare = tuple(path for path in shelf.pictures if path not in marked)
    return Reading(tuple(sheets), bare, tuple(names.values()), tuple(lines))


def _picture(path: Path, shelf: Shelf) -> Path | None:
    """`images/train/a.jpg` for `labels/train/a.txt`; else the picture of that name."""
    parts = list(path.parts)
    if "labels" in parts:
        parts[len(parts) - 1 - parts[::-1].index("labels")] = "images"
    return shelf.at(Path(*parts)) or shelf.find(path.with_suffix("").name)


def _names(folder: Path) -> dict[int, str]:
    files = files_in(folder)
    for path in files:
        if path.suffix.lower() in {".yaml", ".yml"} and (names := names_in(load_text(path))):
            return names
    lists = [path for path in files if path.name.casefold() in _NAMES]
    return dict(enumerate(load_lines(lists[0]))) if lists else {}


def names_in(text: str) -> dict[int, str]:
    """The classes under `names:` of a `data.yaml`: a list in brackets, lines with a dash, or numbers with names. No more of YAML is read."""
    found = re.search(r"^names[ \t]*:[ \t]*", text, re.MULTILINE)
    if found is None:
        return {}
    rest = text[found.end() :]
    if rest.startswith(("[", "{")):
        items = [
            item for item in re.findall(_ITEM, rest[1 : rest.find("]" if rest[0] == "[" else "}")]) if item.strip()
        ]
    else:
        items = []
        for line in rest.splitlines():
            entry = re.fullmatch(r"\s*(?:-\s+(.*)|(\d+\s*:.*))", line)
            if entry is not None:
                items.append(entry[1] or entry[2] or "")
            elif line.strip() and not line.lstrip().startswith("#"):
                break
    names: dict[int, str] = {}
    for place, item in enumerate(items):
        numbered = re.fullmatch(r"\s*(\d{1,9})\s*:\s*(.*)", item, re.DOTALL)
        number, name = (int(numbered[1]), numbered[2]) if numbered else (place, item)
        names[number] = _scalar(name)
    return names


def _scalar(text: str) -> str:
    text = text.strip()
    quoted = re.match(r"""'((?:[^']|'')*)'|"((?:[^"\\]|\\.)*)\"""", text)
    if quoted is None:
        return readable_text(text.split(" #")[0].strip())
    if quoted[1] is not None:
        return readable_text(quoted[1].replace("''", "'"))
    try:
        return readable_text(str(json.loads(f'"{quoted[2]}"')))
    except ValueError:
        # YAML knows escapes that JSON does not.
        return readable_text(quoted[2])


def _draw(frame: Frame, path: Path, names: Mapping[int, str]) -> Iterator[Drawn | ReportLine]:
    lines = [line.split() for line in load_lines(path)]
    if not lines:
        yield says_empty(path.name, "The file holds no line.")
    boxes = sum(len(words) == 5 for words in lines)
    if boxes:
        hint = "Boxes are no masks; they were left out."
        yield ReportLine("warning", path.name, f"{boxes} line{' is' if boxes == 1 else 's are'} only a box", hint)
    called = dict(names)
    for number in dict.fromkeys(whole(words[0].removesuffix(".0")) for words in lines):
        if number is not None and number not in called:
            called[number], line = unknown_class(number, path.name)
            yield line

    def one(words: list[str]) -> Iterator[Drawn | ReportLine]:
        number = whole(words[0].removesuffix(".0"))
        try:
            flat = np.array(words[1:], dtype=np.float64)
        except ValueError:
            flat = np.zeros(0)
        if number is None or flat.size < 6 or flat.size % 2:
            raise ImportFailure(
                "A line makes no sense", "It is no class with at least three points.", "It was left out."
            )
        mask, beyond = frame.outlined([flat.reshape(-1, 2) * frame.size])
        if beyond:
            yield cut_off(path.name)
        yield Drawn(called[number], mask)

    yield from each(path.name, (words for words in lines if len(words) != 5), one)


def write(target: Target, pages: Iterable[Page]) -> None:
    """Write `images/`, `labels/` (each with a folder for each part of the split) and `data.yaml`.

    Raises:
        OSError: a file cannot be written.
    """
    numbers = {name: number for number, name in enumerate(target.labels)}
    used: set[str] = set()
    joined = 0
    for page in pages:
        folder = _FOLDERS[page.image.split]
        used.add(folder)
        target.put_picture(page, f"images/{folder}/{page.name}")
        rows = []
        for drawn in page.marks():
            outlines = target.outlines(drawn.mask)
            joined += len(outlines) > 1
            points = join(outlines) / (page.image.width, page.image.height)
            rows.append(" ".join([str(numbers[drawn.label]), *(f"{value:.7g}" for value in points.ravel())]))
        target.put_text(f"labels/{folder}/{page.stem}.txt", "\n".join(rows) + "\n")
    # Readers insist on pictures to validate on, be they those to learn from.
    val = "val" if "val" in used else "train"
    places = ["train: images/train", f"val: images/{val}", *(["test: images/test"] if "test" in used else [])]
    names = [f"  {number}: {json.dumps(name, ensure_ascii=False)}" for name, number in numbers.items()]
    target.put_text("data.yaml", "\n".join(["path: .", *places, "names:", *names]) + "\n")
    if joined:
        words = f"{joined} mask{' has' if joined == 1 else 's have'} several parts"
        target.say("info", "", words, "They were joined to one outline by lines of no width, which some tools draw.")
