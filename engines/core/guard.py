"""The worker's top: turns everything that can go wrong into words or a crash report, for runs and for the interactive worker alike.

This is the one place in the engines that catches every exception. Expected failures (`UserError`, no memory, a full disk, a file that may
not be touched) become a sentence and a remedy; anything else is a bug and leaves a report.
"""

from __future__ import annotations

import errno
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from engines.api.errors import MemoryShortage, UserError

T = TypeVar("T")

_DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), 112}  # 112: Windows' own number for a full disk
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")
_DISK_WORDS = ("no space left on device", "os error 28", "not enough space on the disk")


@dataclass(frozen=True)
class Failure:
    """What went wrong, ready to be shown. `report` is the crash report's path; empty for expected failures."""

    title: str
    what: str
    hint: str
    expected: bool
    report: str = ""


def guarded(
    work: Callable[[], T],
    *,
    reports: Sequence[Path],
    about: Mapping[str, str],
    remedy: Callable[[], str] = lambda: "",
) -> T | Failure:
    """Do `work`; whatever it raises is handed back as a `Failure`.

    Args:
        work: the job.
        reports: folders that get a crash report each; the first that can be written is named in the failure.
        about: what was being done, for the report.
        remedy: asked for a sentence when memory ran out.

    Returns:
        What `work` returned, or the failure. KeyboardInterrupt and SystemExit pass through.
    """
    try:
        return work()
    except UserError as error:
        return Failure(error.title, error.what, error.hint, expected=True)
    except Exception as error:  # noqa: BLE001 - the worker's top
        known = in_words(error, remedy=remedy)
        if known is not None:
            traceback.print_exc()  # for the log: the words are for people, the trace for whoever helps them
            return Failure(known.title, known.what, known.hint, expected=True)
        return _crashed(error, reports, about)


def in_words(error: BaseException, *, remedy: Callable[[], str] = lambda: "") -> UserError | None:
    """The plain words for failures that are nobody's bug; None for a bug."""
    if is_memory_shortage(error):
        return MemoryShortage(
            "There was not enough memory",
            "The model and the pictures did not fit into the device's memory.",
            remedy() or "Close other programs that use it, or choose smaller pictures.",
        )
    text = str(error).lower()
    number = error.errno if isinstance(error, OSError) else None
    if number in _DISK_FULL or getattr(error, "winerror", None) in _DISK_FULL or any(w in text for w in _DISK_WORDS):
        return UserError(
            "The disk is full",
            "A file could not be written. The last checkpoint is whole.",
            "Free some space, then resume.",
        )
    if number in _NOT_ALLOWED and isinstance(error, OSError):
        return UserError(
            "A file may not be read or written",
            f"{error.filename or 'A file'}: {error.strerror}.",
            "Check the permissions of the project's folder, and whether another program holds the file.",
        )
    return None


def is_memory_shortage(error: BaseException) -> bool:
    """Whether this is memory running out, on whichever device."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY_WORDS)


def _crashed(error: Exception, reports: Sequence[Path], about: Mapping[str, str]) -> Failure:
    text = crash_text(error, about)
    print(text, file=sys.stderr, flush=True)
    written = ""
    for folder in reports:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6:06d}.txt"
            path.write_text(text, encoding="utf-8")
            written = written or str(path)
    return Failure(
        "Something went wrong inside Lorikeet",
        f"{type(error).__name__}: {error}"[:2000],
        "This is a mistake in the program, not yours." + (" A report was written." if written else ""),
        expected=False,
        report=written,
    )


def crash_text(error: BaseException, about: Mapping[str, str]) -> str:
    """The report: what was being done, where, and the trace."""
    versions = {"python": platform.python_version(), "system": platform.platform()}
    torch = sys.modules.get("torch")
    if torch is not None:
        versions["torch"] = str(torch.__version__)
    facts = "\n".join(f"{name}: {value}" for name, value in {**about, **versions}.items())
    trace = "".join(traceback.format_exception(error))
    return f"Lorikeet crash report, {time.strftime('%Y-%m-%d %H:%M:%S')}\n\n{facts}\n\n{trace}"
