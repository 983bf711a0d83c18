"""Results on disk: begun, finished, read again and exported. A result is a folder `compositions/<id>` of the project.

`recipe.json` is written before anything is made and holds the whole layout; pictures are `composed-seed-N.png` and, on the same seed, `sum-seed-N.png`.
What a stranger wrote there is read with care: pictures count by their names, and a recipe that is none only means that it cannot be made again.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from engines.api.compose import Composition
from gui.views.combine import draft as drafts
from gui.views.combine.draft import Draft
from projects import compositions
from projects.errors import ProjectError
from projects.files import atomic_path, atomic_write_json

FORMAT = 1
_PICTURE = re.compile(r"(composed|sum|preview)-seed-(\d{1,19})\.png")
_MOST_BYTES = 4_000_000
_MOST_SHOWN = 500
_MOST_SHOTS = 400


@dataclass(frozen=True)
class Shot:
    """The pictures of one seed; `plain` is the plain sum, None when it was not made. `rough` when it was stopped after the first look."""

    seed: int
    composed: Path
    plain: Path | None = None
    rough: bool = False


@dataclass(frozen=True)
class Result:
    """Pictures that were made of one layout.

    Attributes:
        id: name of its folder.
        draft: the layout; None when the recipe cannot be read.
        strategy: title of the way that was used.
        created: seconds since 1970, 0 when unknown; `seconds` it took, 0 when it was stopped.
        notes: what was noticed about the recipe.
    """

    id: str
    folder: Path
    draft: Draft | None
    shots: tuple[Shot, ...]
    strategy: str = ""
    created: float = 0.0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Begun:
    """A result whose pictures are about to be made: its folder and what the engine is told."""

    folder: Path
    composition: Composition
    draft: Draft
    strategy: str
    created: float


def begin(root: Path, draft: Draft, strategy: str, title: str) -> Begun:
    """Make the folder of a result, with its recipe and the masks of painted places.

    Args:
        root: the project's folder.
        draft: the layout.
        strategy: registered name of the way that counts, and its `title`.
        title: see `strategy`.

    Raises:
        ProjectError: there is no room for it.
    """
    created = time.time()
    folder = compositions.new_folder(root, created=created)
    begun = Begun(folder, drafts.composition(draft, root, strategy), draft, title, created)
    try:
        _write(begun, seconds=0.0, notes=())
        masks = _write_masks(folder, draft)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ProjectError(
            "The recipe could not be written", f"{folder.name}: {error.strerror or error}.", "Check the free space."
        ) from error
    told = drafts.composition(draft, root, strategy, file_of=lambda what, number: masks[what, number])
    return Begun(folder, told, draft, title, created)


def finish(begun: Begun, notes: tuple[str, ...]) -> None:
    """All pictures are there: keep how long it took, and drop the first looks."""
    with suppress(OSError):  # the pictures are there; only these figures would be missing
        _write(begun, seconds=time.time() - begun.created, notes=notes)
    for shown in begun.folder.glob("preview-seed-*.png"):
        with suppress(OSError):
            shown.unlink()


def give_up(begun: Begun) -> None:
    """It was stopped or refused: what is there is kept, and nothing leaves nothing."""
    if not _shots(begun.folder):
        shutil.rmtree(begun.folder, ignore_errors=True)


def results(root: Path) -> tuple[Result, ...]:
    """Everything that was made and not taken away, the newest first. Reads files: call it on another thread."""
    return tuple(_results(root))


def export(shot: Shot, target: Path) -> Path:
    """Copy a picture, with the recipe that lies inside it, to where the person wants it.

    Raises:
        ProjectError: it is gone, or cannot be written there.
    """
    target = target.with_suffix(".png")
    try:
        with atomic_path(target) as temporary:
            shutil.copyfile(shot.composed, temporary)
    except OSError as error:
        raise ProjectError(
            "The picture could not be exported", f"{target}: {error.strerror or error}.", "Choose another folder."
        ) from error
    return target


def _results(root: Path) -> Iterator[Result]:
    for folder in compositions.folders(root)[:_MOST_SHOWN]:
        shots = _shots(folder)
        if not shots:
            continue
        told = _read(folder / compositions.RECIPE)
        notes = told.get("notes")
        yield Result(
            id=folder.name,
            folder=folder,
            draft=drafts.read(told.get("draft")),
            shots=shots,
            strategy=str(told.get("strategy") or "")[:80],
            created=_number(told.get("created")),
            seconds=_number(told.get("seconds")),
            notes=tuple(str(note)[:500] for note in notes[:20]) if isinstance(notes, list) else (),
        )


def _shots(folder: Path) -> tuple[Shot, ...]:
    found: dict[int, dict[str, Path]] = {}
    with suppress(OSError):
        for path in sorted(folder.iterdir())[:_MOST_SHOTS]:
            match = _PICTURE.fullmatch(path.name)
            if match is not None and path.is_file() and not path.is_symlink():
                found.setdefault(int(match[2]), {})[match[1]] = path
    made = []
    for seed, files in sorted(found.items()):
        composed = files.get("composed", files.get("preview"))
        if composed is not None:
            made.append(Shot(seed, composed, files.get("sum"), rough="composed" not in files))
    return tuple(made)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(begun: Begun, *, seconds: float, notes: tuple[str, ...]) -> None:
    document = {
        "format": FORMAT,
        "created": begun.created,
        "seconds": round(seconds, 2),
        "strategy": begun.strategy,
        "notes": list(notes),
        "draft": begun.draft.model_dump(mode="json", exclude_defaults=True),
    }
    atomic_write_json(begun.folder / compositions.RECIPE, document)


def _write_masks(folder: Path, draft: Draft) -> dict[tuple[str, int], str]:
    """Painted places and cut-outs as grey pictures: their files by what they are and whose; empty for one that cannot be read."""
    files = {}
    for number, part in enumerate(draft.parts):
        for what, painted in (("place", part.painted), ("cutout", part.cutout)):
            values = drafts.grey(painted) if painted is not None else None
            path = folder / f"{what}-{number + 1}.png"
            files[what, number] = str(path) if values is not None else ""
            if values is not None:
                with atomic_path(path, durable=False) as temporary:
                    Image.fromarray(values).save(temporary, format="PNG")
    return files


def _number(value: object) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11
    return float(value) if usable and isinstance(value, int | float) else 0.0
