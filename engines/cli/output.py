"""How the verbs speak: results on standard output (words or JSON), progress and remarks on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Voice:
    """Speaks for one verb.

    Attributes:
        as_json: results are JSON, and nothing else reaches standard output.
    """

    as_json: bool = False

    def say(self, text: str) -> None:
        """A remark along the way."""
        print(text, file=sys.stderr, flush=True)

    def result(self, document: Mapping[str, object], text: str) -> None:
        """The outcome: `document` as one JSON line, or `text`."""
        print(json.dumps(document, ensure_ascii=False, default=str) if self.as_json else text, flush=True)

    def line(self, text: str) -> None:
        """One JSON line of a long job; silent without `--json`."""
        if self.as_json:
            print(text, flush=True)


class Bar:
    """Progress of one long step: a bar on a terminal, elsewhere a line every `every_s` seconds (now and then). Use it in a `with` block."""

    EVERY_S = 10.0

    def __init__(self, label: str, total: int = 0, *, every_s: float | None = None) -> None:
        self._label = label
        self._every_s = self.EVERY_S if every_s is None else every_s
        self._total = total
        self._live = sys.stderr.isatty()
        self._said = time.monotonic()
        self._bar = None
        if self._live:
            from tqdm import tqdm

            self._bar = tqdm(
                total=total or None,
                desc=label,
                file=sys.stderr,
                leave=True,
                dynamic_ncols=True,
                miniters=1,
                smoothing=0.1,
            )

    def __enter__(self) -> Self:
        """Give the bar itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it stands."""
        self.close()

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()

    def update(self, done: int, total: int = 0, text: str = "") -> None:
        """Show that `done` of `total` is reached; an unknown total is 0."""
        if self._bar is not None:
            if total and self._bar.total != total:
                self._bar.total = total
            self._bar.n = done
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.refresh()
            return
        total = total or self._total
        if time.monotonic() - self._said >= self._every_s:
            self._said = time.monotonic()
            of = f" of {total}" if total else ""
            print(f"{self._label}: {done}{of} {text}".rstrip(), file=sys.stderr, flush=True)
