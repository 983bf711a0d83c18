"""One worker a folder: an operating system lock held for the life of a process, so that even SIGKILL leaves none behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


class FolderLock:
    """An exclusive lock on one file.

    The system gives it back when the process ends in whatever way. The file itself stays: removing it would let two processes hold
    "the" lock on two different files.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def take(self, *, wait_s: float = 0.0) -> bool:
        """Try to take the lock for up to `wait_s` seconds; tells whether it is ours. Raises OSError on an unwritable folder."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        until = time.monotonic() + wait_s
        while not _lock(descriptor):
            if time.monotonic() >= until:
                os.close(descriptor)
                return False
            time.sleep(0.02)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_held(path: Path) -> bool:
    """Whether some living process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _is_free(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        # Far behind the end of the file, so that the file can still be copied or backed up while it is held.
        os.lseek(descriptor, 2**30, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _is_free(descriptor: int) -> bool:
        # Asking takes the lock for a moment, so somebody else's question looks like a holder: ask twice.
        if _lock(descriptor):
            return True
        time.sleep(0.005)
        return _lock(descriptor)
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _is_free(descriptor: int) -> bool:
        # A shared lock: any number may ask at the same time without looking like a holder to each other.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
