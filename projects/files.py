"""Writing files so that a power cut, a full disk or a strange name can do no harm.

The one implementation of atomic writing and of safe file names; every part of the application uses it. A file is written under a
temporary name in the same folder, flushed to the disk and then renamed, so that a reader sees the old file or the new one, never half.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

TEMPORARY_SUFFIX = ".tmp"
_LONGEST_NAME = 100
_LONGEST_NAME_BYTES = 180
_LONGEST_EXTENSION = 12
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')


def atomic_write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write `data` to `path`, whole or not at all.

    Args:
        path: the final name; its folder must exist.
        data: everything the file shall hold.
        durable: also survive a power cut; leave off for caches.

    Raises:
        OSError: the folder is missing, read-only or full; nothing is left behind and an older file is untouched.
    """
    with atomic_file(path, durable=durable) as handle:
        handle.write(data)


def atomic_write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write `text` as UTF-8 with line feeds; see `atomic_write_bytes`."""
    atomic_write_bytes(path, text.encode("utf-8"), durable=durable)


def atomic_write_json(path: Path, data: object, *, durable: bool = True) -> None:
    """Write `data` as readable JSON; not-a-number is refused. See `atomic_write_bytes`.

    Raises:
        TypeError: something in `data` has no JSON form.
        ValueError: a number is infinite or not a number.
        OSError: as `atomic_write_bytes`.
    """
    text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)
    atomic_write_text(path, text + "\n", durable=durable)


@contextmanager
def atomic_file(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """Give an open binary file that becomes `path` when the block ends well, and vanishes when it does not."""
    with atomic_path(path, durable=False) as temporary, temporary.open("wb") as handle:
        yield handle
        handle.flush()
        if durable:
            os.fsync(handle.fileno())
    if durable:
        flush_folder(path.parent)


@contextmanager
def atomic_path(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary name in the folder of `path`, for libraries that open files themselves; else as `atomic_file`."""
    temporary = temporary_beside(path)
    try:
        yield temporary
        if durable:
            flush_file(temporary)
        replace(temporary, path)
    except BaseException:
        # Also on Ctrl+C: a half-written file must not stay behind.
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        flush_folder(path.parent)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a new folder under a temporary name that becomes `path` when the block ends well, and vanishes when it does not.

    A folder that is already there stays until then.
    """
    temporary = temporary_beside(path)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if path.exists():
            before = temporary_beside(path)
            replace(path, before)
            shutil.rmtree(before, ignore_errors=True)
        replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def temporary_beside(path: Path) -> Path:
    """Return an unused temporary name in the folder of `path`; `is_temporary` knows it again."""
    return path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")


def leftovers_of(path: Path) -> list[Path]:
    """What an interrupted write of `path` left beside it, files and folders."""
    try:
        names = list(path.parent.iterdir())
    except OSError:
        return []
    return [one for one in names if is_temporary(one.name) and one.name.startswith(f".{path.name[:40]}.")]


def is_temporary(name: str) -> bool:
    """Whether a file of this name was left behind by a write that never ended."""
    return name.startswith(".") and name.endswith(TEMPORARY_SUFFIX)


def replace(source: Path, target: Path) -> None:
    """Rename `source` to `target`, replacing it; on Windows a scanner may hold a file for a moment, so try again."""
    for pause_s in (0.01, 0.03, 0.1, 0.3) if sys.platform == "win32" else ():
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(pause_s)
        else:
            return
    source.replace(target)


def flush_file(path: Path) -> None:
    """Ask the system to put a file's content on the disk.

    Raises:
        OSError: the disk is full or failing; the file must not be trusted.
    """
    # Windows flushes only through a handle that may write.
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_folder(folder: Path) -> None:
    """Ask the system to put a folder's names on the disk; where folders cannot be flushed this does nothing."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_writable(folder: Path) -> bool:
    """Whether files can be made in `folder`, found out by making one: permission bits do not tell the truth everywhere."""
    probe = temporary_beside(folder / "probe")
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError:
        return False
    return True


def safe_name(text: str, *, fallback: str = "unnamed") -> str:
    """Turn any text into a file name that every system accepts and that cannot leave its folder.

    The result has no path separators, control characters or trailing dots, is no reserved device name, does not start with a dot, and
    is at most 100 characters and 180 bytes long with its extension kept. Applying it twice changes nothing.
    """
    plain = _tidy(readable_text(text))
    stem, dot, extension = plain.rpartition(".")
    if not dot or not stem or len(extension) > _LONGEST_EXTENSION or not extension.isalnum():
        stem, extension = plain, ""
    tail = f".{extension}" if extension else ""
    stem = _shorten(stem, _LONGEST_NAME - len(tail), _LONGEST_NAME_BYTES - len(tail.encode()))
    name = _tidy(stem) + tail
    if name == tail:
        name = fallback + tail
    # Windows looks only at what stands before the first dot, spaces aside.
    return f"_{name}" if _RESERVED.fullmatch(name.split(".", 1)[0].strip()) else name


def unique_path(path: Path) -> Path:
    """Return `path`, or the first of "name (2).ext", "name (3).ext" ... that does not exist, differing in more than case."""
    try:
        taken = {entry.name.casefold() for entry in path.parent.iterdir()}
    except FileNotFoundError:
        taken = set()
    candidate, number = path, 1
    while candidate.name.casefold() in taken:
        number += 1
        candidate = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return candidate


def readable_text(text: str) -> str:
    """Return `text` fit for showing and storing: undecodable bytes of a file name become a replacement sign."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "")


def _tidy(text: str) -> str:
    normal = unicodedata.normalize("NFC", text)
    # "C" covers control, format (right-to-left tricks), private and unassigned characters.
    visible = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in normal)
    return " ".join(_FORBIDDEN.sub("_", visible).split()).strip(". ")


def _shorten(text: str, characters: int, size_bytes: int) -> str:
    short = text[:characters]
    while len(short.encode("utf-8")) > size_bytes:
        short = short[:-1]
    return short
