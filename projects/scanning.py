"""Finding the pictures in what a person dropped, with the captions, masks and repeats that lie beside them.

Understands the layouts people have: flat folders with `name.txt` or `name.caption` beside `name.jpg`, masks as `name-masklabel.png`,
and folders named `10_dog` (ten repeats, the words "dog"), pointed at directly or through their parent. Nothing here opens a picture.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from projects.files import readable_text
from projects.report import Level, ReportLine

EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".bmp", ".gif", ".tif", ".tiff"}
)
CAPTION_EXTENSIONS = (".txt", ".caption")
MASK_ENDING = "-masklabel.png"
MOST_PICTURES = 100_000
_CONDITION_ENDING = "-condlabel.png"
_CAMERA_ONLY = frozenset(
    {".heic", ".heif", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2", ".psd", ".jxl"}
)
# A leading zero or a large number is a session or a year, not a count of repeats.
_REPEATS_FOLDER = re.compile(r"([1-9]\d{0,2})_(\S.*)")
_MOST_REPEATS = 500
_PROJECT_FILE = "project.db"
_PROJECT_PICTURES = "images"
_REGULARISATION = frozenset({"reg", "regularization", "regularisation", "reg_images"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be a picture, and what lies beside it.

    Attributes:
        path: where it lies now.
        name: its name as the person knows it.
        caption: the text file with its words, if any.
        mask: its mask, if any.
        repeats: from its folder's name, else 1.
        words: from its folder's name, used when it has no caption.
    """

    path: Path
    name: str
    caption: Path | None = None
    mask: Path | None = None
    repeats: int = 1
    words: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a scan found: the pictures in order, and what the person should know."""

    pictures: tuple[Candidate, ...]
    lines: tuple[ReportLine, ...]


def scan(paths: Sequence[Path], *, project_root: Path | None = None) -> Found:
    """Find the pictures in files and folders, folders with all that is in them.

    Args:
        paths: what was dropped.
        project_root: a folder never to descend into, because it is the project that is being imported to.
    """
    search = _Search(project_root)
    for path in paths:
        search.take(Path(path).absolute())
    return Found(tuple(search.pictures.values()), tuple(search.closing_lines()))


def repeats_and_words(folder: str) -> tuple[int, str] | None:
    """Read a folder's name such as `10_sks dog`; None when it is an ordinary name."""
    match = _REPEATS_FOLDER.fullmatch(folder)
    if match is None or int(match[1]) > _MOST_REPEATS:
        return None
    return int(match[1]), match[2].strip()


class _Search:
    """One scan: what was found so far, and the folders already visited (links may lead in circles)."""

    def __init__(self, project_root: Path | None) -> None:
        self.pictures: dict[str, Candidate] = {}
        self._lines: list[ReportLine] = []
        self._project = _own_folders(project_root)
        self._visited: set[tuple[int, int]] = set()
        self._other_files = 0

    def take(self, path: Path) -> None:
        try:
            kind = path.stat().st_mode
        except (OSError, ValueError) as error:
            self._say("error", path.name, "The file cannot be found", _reason(error))
            return
        if stat.S_ISDIR(kind):
            self._take_folder(path)
        elif not stat.S_ISREG(kind):
            self._say("error", path.name, "Not an ordinary file", "Devices, pipes and sockets are not read.")
        elif path.suffix.lower() in CAPTION_EXTENSIONS or path.name.lower().endswith((MASK_ENDING, _CONDITION_ENDING)):
            self._take_companion(path)
        else:
            repeats = repeats_and_words(path.parent.name) or (1, "")
            beside = {name.lower(): name for name in _companion_names(path.name) if path.with_name(name).is_file()}
            self._add(path, beside, repeats)

    def closing_lines(self) -> Iterator[ReportLine]:
        yield from self._lines
        if self._other_files:
            count = "1 other file was" if self._other_files == 1 else f"{self._other_files} other files were"
            yield ReportLine("info", "", f"{count} left alone", "They are not pictures, captions or masks.")

    def _take_folder(self, top: Path) -> None:
        waiting: list[tuple[Path, tuple[int, str]]] = [(top, (1, ""))]
        while waiting:
            folder, inherited = waiting.pop()
            if not self._first_visit(folder):
                continue
            own = repeats_and_words(folder.name)
            if own is not None:
                what = "1 repeat" if own[0] == 1 else f"{own[0]} repeats"
                self._say("info", folder.name, f"Taken as {what} of “{own[1]}”")
            subfolders = self._take_files(folder, own or inherited)
            waiting.extend((subfolder, own or inherited) for subfolder in reversed(subfolders))

    def _first_visit(self, folder: Path) -> bool:
        try:
            identity = _identity(folder)
        except OSError as error:
            self._say("error", folder.name, "The folder cannot be opened", _reason(error))
            return False
        if identity in self._project:
            self._say("warning", folder.name, "This is the project's own folder", "It was not imported into itself.")
            return False
        if identity in self._visited:
            return False
        self._visited.add(identity)
        return True

    def _take_files(self, folder: Path, repeats: tuple[int, str]) -> list[Path]:
        """Take the pictures directly in `folder` and return its subfolders, both in natural order."""
        try:
            with os.scandir(folder) as listing:
                entries = sorted(
                    ((entry.name, _is_folder(entry)) for entry in listing if not entry.name.startswith(".")),
                    key=lambda pair: natural(pair[0]),
                )
        except OSError as error:
            self._say("error", folder.name, "The folder cannot be opened", _reason(error))
            return []
        beside = {name.lower(): name for name, is_folder in entries if not is_folder}
        for name in (name for name, is_folder in entries if not is_folder):
            lower = name.lower()
            if len(self.pictures) >= MOST_PICTURES:
                self._say("warning", folder.name, f"Only the first {MOST_PICTURES} pictures were taken")
                return []
            suffix = Path(lower).suffix
            if lower.endswith(MASK_ENDING):
                self._check_companion(name, lower.removesuffix(MASK_ENDING), beside)
            elif lower.endswith(_CONDITION_ENDING):
                continue
            elif suffix in EXTENSIONS:
                self._add(folder / name, beside, repeats)
            elif suffix in _CAMERA_ONLY:
                title = f"{suffix[1:].upper()} pictures cannot be read"
                self._say("error", name, title, "Export it as JPEG or PNG and import that.")
            elif suffix not in CAPTION_EXTENSIONS:
                self._other_files += 1
        subfolders = [name for name, is_folder in entries if is_folder]
        if _PROJECT_FILE in beside and _PROJECT_PICTURES in subfolders:
            self._say(
                "info", folder.name, "This is another project", "Its pictures were taken, not its masks or trainings."
            )
            subfolders = [_PROJECT_PICTURES]
        return self._subfolders(folder, subfolders)

    def _subfolders(self, folder: Path, names: Sequence[str]) -> list[Path]:
        kept = []
        for name in names:
            regular = name.lower() in _REGULARISATION and any(repeats_and_words(n) for n in _names(folder / name))
            if regular:
                hint = "They show the class, not the subject; Lorikeet makes pictures of the class itself."
                self._say("info", name, "Regularisation pictures were left out", hint)
            else:
                kept.append(folder / name)
        return kept

    def _add(self, path: Path, beside: dict[str, str], repeats: tuple[int, str]) -> None:
        stem = path.stem.lower()
        captions = [beside[stem + ending] for ending in CAPTION_EXTENSIONS if stem + ending in beside]
        mask = beside.get(stem + MASK_ENDING)
        candidate = Candidate(
            path=path,
            name=readable_text(path.name),
            caption=path.with_name(captions[0]) if captions else None,
            mask=path.with_name(mask) if mask else None,
            repeats=repeats[0],
            words=repeats[1],
        )
        self.pictures.setdefault(os.path.normcase(path), candidate)

    def _take_companion(self, path: Path) -> None:
        """A caption or mask that was dropped by itself belongs to the picture beside it."""
        lower = path.name.lower()
        ending = next((e for e in (MASK_ENDING, _CONDITION_ENDING) if lower.endswith(e)), path.suffix)
        stem = path.name[: -len(ending)]
        possible = [stem + form for extension in EXTENSIONS for form in (extension, extension.upper())]
        beside = {name.lower(): name for name in possible if path.with_name(name).is_file()}
        self._check_companion(path.name, stem.lower(), beside)

    def _check_companion(self, name: str, stem: str, beside: dict[str, str]) -> None:
        if not any(stem + extension in beside for extension in EXTENSIONS):
            self._say("warning", name, "There is no picture that this belongs to", f"Expected {stem}.jpg or the like.")

    def _say(self, level: Level, file: str, title: str, hint: str = "") -> None:
        self._lines.append(ReportLine(level, readable_text(file), title, hint))


def _companion_names(name: str) -> list[str]:
    stem = Path(name).stem
    return [stem + ending for ending in (*CAPTION_EXTENSIONS, MASK_ENDING)]


def _own_folders(project_root: Path | None) -> set[tuple[int, int]]:
    if project_root is None:
        return set()
    return {_identity(folder) for folder in (project_root, project_root / _PROJECT_PICTURES) if folder.is_dir()}


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads in a circle; taking it as a file gives it a line of its own.
        return False


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def natural(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """A key that sorts "2.jpg" before "10.jpg"."""
    pieces = re.split(r"(\d+)", name.casefold())
    return [(piece.isdecimal(), int(piece) if piece.isdecimal() else 0, piece) for piece in pieces], name


def _reason(error: Exception) -> str:
    return f"{error.strerror}." if isinstance(error, OSError) and error.strerror else f"{error}."
