"""The worker's pipes: answers go out over the real standard output, which nothing else may use; requests come in as lines."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

from pydantic import ValidationError

from engines.api.requests import REQUESTS, Answer, Refused, Request

_LINE_BYTES = 4 * 2**20
_GRACE_S = 5.0
_GONE = 1


class Speaker:
    """Writes answers, one JSON line each, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    @classmethod
    def on_standard_output(cls) -> Speaker:
        """Take standard output for answers alone; whatever a library prints goes to standard error from now on."""
        own = os.dup(1)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        return cls(own)

    def tell(self, answer: Answer) -> None:
        """Send one answer. A pipe nobody reads any more is no failure: the end of input follows."""
        rest = memoryview(answer.model_dump_json().encode() + b"\n")
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                return


def read_requests(stream: BinaryIO, *, put: Callable[[Request], None], tell: Callable[[Answer], None]) -> None:
    """Read until the end of input; a line that is no request is refused, and the next one is read."""
    for line in _lines(stream):
        try:
            put(REQUESTS.validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            tell(Refused(id=_id_in(line), title="The request is not understood", what=f"{place}: {first['msg']}"))


def end_with_the_window(close: Callable[[], None]) -> None:
    """The input has ended, so the window is gone: ask for an orderly end, and insist after a few seconds."""
    close()
    insist = threading.Timer(_GRACE_S, os._exit, args=(_GONE,))
    insist.daemon = True
    insist.start()


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(_LINE_BYTES):
        if not line.endswith(b"\n") and len(line) >= _LINE_BYTES:
            while line and not line.endswith(b"\n"):  # far longer than any request: pass over all of it
                line = stream.readline(_LINE_BYTES)
            yield b"too long"
        elif line.strip():
            yield line


def _id_in(line: bytes) -> str:
    """The id of a request that is otherwise not understood, so that its asker hears of it."""
    import json

    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    name = found.get("id") if isinstance(found, dict) else None
    return name[:80] if isinstance(name, str) else ""
