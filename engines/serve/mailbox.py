"""Requests that wait: at most one of each kind, the latest; an older one gives way and is told so.

What is done ahead of time has a mailbox of its own, so that it is answered beside the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from engines.api.requests import Answer, Cancel, Dropped, Release, Request
from engines.api.segment_requests import OpenAhead

# What a Release need not wait for: it is asked for because somebody else wants the memory now.
_GIVES_WAY_TO_RELEASE = {
    "generate",
    "compare",
    "compose",
    "together",
    "open_picture",
    "find_objects",
    "measure_erasers",
}


class Unwanted(Exception):  # noqa: N818 - not an error: somebody asked for something else
    """The request at work gave way."""


class Mailbox:
    """Shared by the thread that reads requests and the one that answers them.

    Args:
        tell: sends an answer; called from both threads.
    """

    def __init__(self, tell: Callable[[Answer], None]) -> None:
        self._tell = tell
        self._changed = threading.Condition()
        self._waiting: dict[str, Request] = {}
        self._current: Request | None = None
        self._unwanted = False
        self._closed = False

    def put(self, request: Request) -> None:
        """Take in a request; whatever gives way to it is answered with `Dropped` (the one at work as soon as it notices)."""
        with self._changed:
            if isinstance(request, Cancel):
                self._withdraw(lambda other: other.id == request.target)
                return
            if isinstance(request, Release):
                self._withdraw(lambda other: other.type in _GIVES_WAY_TO_RELEASE)
            self._withdraw(lambda other: other.type == request.type)
            self._waiting[request.type] = request
            self._changed.notify_all()

    def empty(self) -> None:
        """Drop what waits and what is at work."""
        with self._changed:
            self._withdraw(lambda _: True)

    def close(self) -> None:
        """Nothing more will come and nobody listens: what waits and what is at work is dropped."""
        with self._changed:
            self._closed = True
            self._withdraw(lambda _: True)
            self._changed.notify_all()

    def take(self) -> Request | None:
        """Wait for the next request and make it the one at work; None when the mailbox was closed."""
        with self._changed:
            self._current, self._unwanted = None, False
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            self._current = self._waiting.pop(next(iter(self._waiting)))
            return self._current

    def unwanted(self) -> bool:
        """Whether the request at work gave way to another, was cancelled, or nobody listens any more."""
        return self._unwanted

    def busy(self) -> bool:
        """Whether a request is at work or waits."""
        return self._current is not None or bool(self._waiting)

    def _withdraw(self, which: Callable[[Request], bool]) -> None:
        for kind, other in list(self._waiting.items()):
            if which(other):
                del self._waiting[kind]
                self._tell(Dropped(id=other.id))
        if self._current is not None and which(self._current):
            self._unwanted = True


class Desk:
    """Where requests come in: those to be done ahead of time go to the mailbox `ahead`, all others to `main`."""

    def __init__(self, tell: Callable[[Answer], None]) -> None:
        self.main, self.ahead = Mailbox(tell), Mailbox(tell)

    def put(self, request: Request) -> None:
        """Take in a request."""
        if isinstance(request, Cancel):
            self.ahead.put(request)
        if isinstance(request, Release):
            self.ahead.empty()
        (self.ahead if isinstance(request, OpenAhead) else self.main).put(request)

    def close(self) -> None:
        """Nothing more will come and nobody listens."""
        self.main.close()
        self.ahead.close()
