"""Pictures made for Compare, kept by everything that changes them, so that a look back costs nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from engines.api.places import cache_home
from engines.api.uses import AdapterUse

_KEPT = 400


@dataclass(frozen=True)
class Wanted:
    """One picture: with an adapter or, when `adapter` is None, with the base alone.

    Attributes:
        off: concepts of an eraser that are switched off.
        beside: adapters that act together with it.
    """

    base: str
    adapter: Path | None
    weight: float
    prompt: str
    seed: int
    off: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        stamp: list[object] = [self.base, self.prompt, self.seed]
        if self.adapter is not None:
            stamp += [*_stamp(self.adapter), round(self.weight, 4)]
            stamp += [[self.off, [_stamp(file) for file in self.beside]]] if self.off or self.beside else []
        digest = hashlib.sha256(json.dumps(stamp).encode()).hexdigest()[:24]
        return home() / digest

    @property
    def uses(self) -> tuple[AdapterUse, ...]:
        """As the interactive worker is asked for it."""
        if self.adapter is None:
            return ()
        own = AdapterUse(file=str(self.adapter), weight=self.weight, off=self.off)
        return (*(AdapterUse(file=str(file)) for file in self.beside), own)

    def kept(self) -> Path | None:
        """The picture, if it was made before."""
        try:
            return next(iter(sorted(self.folder.glob("*.png"))), None)
        except OSError:
            return None


def _stamp(file: Path) -> list[object]:
    status = file.stat()
    return [str(file), status.st_size, status.st_mtime_ns]


def home() -> Path:
    """Where all of them are kept."""
    return cache_home() / "compare"


def tidy() -> None:
    """Keep the newest; it is only a cache."""
    try:
        folders = sorted(home().iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return
    for folder in folders[_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
