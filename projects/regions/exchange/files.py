"""Finding pictures and marks in folders that anybody may have put together, and reading JSON that anybody may have written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import cast

from projects.errors import ImportFailure
from projects.files import readable_text
from projects.records import Split
from projects.report import ReportLine
from projects.scanning import EXTENSIONS, natural

MOST_BYTES = 512 << 20
MOST_TEXT_BYTES = 64 << 20
MOST_FILES = 200_000
DEEPEST = 64
_SPLITS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


def pictures_in(folder: Path) -> list[Path]:
    """The files in a folder and all below it that are pictures by their names, in natural order; hidden ones and links to folders
    are left alone.

    Raises:
        ImportFailure: it cannot be opened, or holds more than `MOST_FILES`.
    """
    return [path for path in files_in(folder) if path.suffix.lower() in EXTENSIONS]


def files_in(folder: Path) -> list[Path]:
    """As `pictures_in`, of any kind."""
    found: list[Path] = []
    try:
        for place, folders, names in os.walk(folder, onerror=_raise):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [Path(place, name) for name in names if not name.startswith(".")]
            if len(found) > MOST_FILES:
                raise ImportFailure("The folder holds too many files", f"Up to {MOST_FILES} are looked at.")
    except OSError as error:
        raise ImportFailure("The folder cannot be opened", f"{folder.name}: {error.strerror or error}.") from error
    return sorted(found, key=lambda path: [natural(part) for part in path.relative_to(folder).parts])


class Shelf:
    """The pictures that a set of marks may speak of, found by the names it gives them.

    Names come from files of strangers: only what lies in the folder is ever found by them, whatever they say.

    Attributes:
        pictures: all of them, in natural order.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder = _real(folder)
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        self._by_place: dict[tuple[Path, str], Path] = {}
        self.pictures = [path for path in pictures_in(folder) if _real(path).is_relative_to(folder)]
        for path in self.pictures:
            self._by_name.setdefault(path.name.casefold(), []).append(path)
            self._by_stem.setdefault(path.stem.casefold(), []).append(path)
            self._by_place[path.parent, path.stem.casefold()] = path

    def within(self, picture: Path) -> Path:
        """The path of one of its pictures from its folder on."""
        return picture.relative_to(self._folder)

    def at(self, place: Path) -> Path | None:
        """The picture at this place, whatever its extension."""
        return self._by_place.get((_real(place.parent), place.stem.casefold()))

    def find(self, name: str, *, beside: Path | None = None) -> Path | None:
        """The picture that `name` means: as a path from the folder, or from that of the file `beside`; else by the name alone.

        Raises:
            ImportFailure: several are called so.
        """
        pure = plain_path(name)
        for base in (self._folder, *([beside.parent] if beside else [])):
            path = _real(base / pure)
            # A name may be longer than any file's can be.
            with suppress(OSError):
                if path.is_relative_to(self._folder) and path.suffix.lower() in EXTENSIONS and path.is_file():
                    return path
        for known, key in ((self._by_name, pure.name), (self._by_stem, PurePosixPath(pure.name).stem)):
            paths = known.get(key.casefold(), [])
            if len(paths) > 1:
                paths = [path for path in paths if path.parent.name.casefold() == pure.parent.name.casefold()] or paths
            if len(paths) > 1:
                raise ImportFailure(
                    "Several pictures have that name",
                    f"{len(paths)} files in the folder are called {pure.name}.",
                    "Give each a name of its own, or import the folders one by one.",
                )
            if paths:
                return paths[0]
        return None


def plain_path(name: str) -> PurePosixPath:
    """A path that a file names, whichever system wrote it, without drive, root and steps upwards at its beginning."""
    parts = [part for part in readable_text(name).replace("\\", "/").split("/") if part not in {"", ".", ".."}]
    if parts and re.fullmatch(r"[A-Za-z]:", parts[0]):
        parts = parts[1:]
    return PurePosixPath(*parts) if parts else PurePosixPath("unnamed")


def split_of(path: PurePosixPath | Path) -> Split | None:
    """The part that a picture plays by the names of its folders or its file (`train2017/`, `images/val/`, `instances_test.json`)."""
    for part in reversed([*path.parts[:-1], path.stem]):
        for word in re.findall(r"[a-z]+", part.casefold()):
            if word in _SPLITS:
                return _SPLITS[word]
    return None


def load_json(path: Path) -> object:
    """Read a JSON file.

    Raises:
        ImportFailure: it cannot be read, is too large, no JSON, or nested deeper than `DEEPEST`.
    """
    data = load_bytes(path, MOST_BYTES)
    if _deep(data):
        raise ImportFailure("The file is nested too deeply", f"{path.name} is no list of marks.")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError) as error:
        raise ImportFailure(
            "The file is damaged", f"{path.name} is not whole JSON.", "Export it again from the program that made it."
        ) from error


def load_lines(path: Path) -> list[str]:
    """Read the lines of a text file, stripped, without empty ones.

    Raises:
        ImportFailure: it cannot be read or is too large.
    """
    return [line.strip() for line in load_text(path).splitlines() if line.strip()]


def load_text(path: Path) -> str:
    """Read a text file; bytes that are not UTF-8 become replacement signs.

    Raises:
        ImportFailure: it cannot be read or is too large.
    """
    return load_bytes(path, MOST_TEXT_BYTES).decode("utf-8-sig", "replace")


def load_bytes(path: Path, most: int) -> bytes:
    """Read a whole file of at most `most` bytes.

    Raises:
        ImportFailure: it cannot be read or is larger.
    """
    try:
        if not path.is_file():
            raise ImportFailure("The file cannot be found", f"{path.name} is not there, or is no ordinary file.")
        with path.open("rb") as handle:
            data = handle.read(most + 1)
    except OSError as error:
        raise ImportFailure("The file cannot be read", f"{path.name}: {error.strerror or error}.") from error
    if len(data) > most:
        raise ImportFailure("The file is too large", f"{path.name} has more than {most >> 20} MB.")
    return data


def entries(value: object) -> list[dict[str, object]]:
    """The objects in a JSON list; nothing when it is none."""
    if not isinstance(value, list):
        return []
    return [cast("dict[str, object]", item) for item in value if isinstance(item, dict)]


def whole(value: object) -> int | None:
    """A whole number in JSON, also written with a point or as text; None when it is none."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        return None
    return int(value) if value == int(value) else None


def size_of(about: dict[str, object], width: str, height: str) -> tuple[int, int] | None:
    """(width, height) under these keys, where both are there and make sense."""
    found = whole(about.get(width)), whole(about.get(height))
    return (found[0], found[1]) if found[0] and found[1] and found[0] > 0 and found[1] > 0 else None


def unknown_class(number: object, file: str) -> tuple[str, ReportLine]:
    """The name for a class that the file numbers but does not name, and the line about it."""
    name = readable_text(f"class {number}")[:100]
    hint = f"Its marks were taken in under the name “{name}”; rename it as you like."
    return name, ReportLine("warning", file, "A class has no name", hint)


def _deep(data: bytes) -> bool:
    """Whether brackets open more than `DEEPEST` times within each other, strings aside."""
    deepest = depth = 0
    for piece in _brackets(data):
        depth += 1 if piece in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > DEEPEST:
            return True
    return False


def _brackets(data: bytes) -> Iterator[bytes]:
    # A string that never ends reaches to the end: tried again from each of its signs, it would take for ever.
    for match in re.finditer(rb'(?s)"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', data):
        if match[0][:1] != b'"':
            yield match[0]


def _real(path: Path) -> Path:
    """The path with links followed; links that lead in circles stay as they are."""
    return Path(os.path.realpath(path))


def _raise(error: OSError) -> None:
    raise error
