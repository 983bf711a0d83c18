"""The window's end of the interactive worker's pipes: the command to start it, requests as lines, answers from lines."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from engines.api.requests import ANSWERS, Answer, Request
from engines.launch.local import checkout, child_environment

_LINE_BYTES = 8 * 2**20


@dataclass(frozen=True)
class ServeCommand:
    """How to start the interactive worker as a child with pipes; it ends by itself when its input is closed."""

    program: str
    arguments: tuple[str, ...]
    folder: Path
    environment: dict[str, str]


def serve_command() -> ServeCommand:
    """The command for `QProcess` or `subprocess`."""
    return ServeCommand(sys.executable, ("-m", "engines", "serve"), checkout(), child_environment())


def encode(request: Request) -> bytes:
    """One request as a line, its newline included."""
    return request.model_dump_json().encode() + b"\n"


def decode(line: bytes | str) -> Answer | None:
    """One answer from a line; None when it is none (a library printed something)."""
    try:
        return ANSWERS.validate_json(line)
    except ValidationError:
        return None


class Lines:
    """Cuts what arrives over a pipe into lines; keeps an unfinished one until the rest comes."""

    def __init__(self) -> None:
        self._half = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take in what arrived and return the lines that are whole now, without newlines; empty ones are left out."""
        *lines, self._half = (self._half + data).split(b"\n")
        if len(self._half) > _LINE_BYTES:
            self._half = b""
        return [line for line in lines if line.strip()]
