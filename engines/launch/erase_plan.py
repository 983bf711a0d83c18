"""From words to an erasure that is ready to start: what the window and the command line share. What cannot work is refused here, in words."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from engines.api.erase_job import MOST_TARGETS, EraseJob, EraseRecipe, Erasure
from engines.api.errors import JobError, SettingsError
from engines.api.job import JobMethod, MethodSettings
from engines.api.version import VERSION
from engines.launch.folder import ADAPTER, run_id

_NAMED = 3


def plan_erasure(
    targets: Sequence[Erasure],
    *,
    keep: Sequence[str] = (),
    base: str = "starter",
    method: str = "spm",
    settings: Mapping[str, object] | None = None,
    recipe: EraseRecipe | None = None,
    title: str = "",
    after: Sequence[str] = (),
) -> EraseJob:
    """A job of erasing.

    Args:
        targets: what is to go, from `erasures`.
        keep: words that must stay.
        base: as in `Job.base`.
        method: registered name; the worker checks it and its settings.
        settings: of the method.
        recipe: everything else; the defaults when None.
        title: of the run; empty takes the targets.
        after: eraser files of the project (relative) that act while this one is made.

    Raises:
        SettingsError: nothing is to go, too much is, or a word is to go and to stay.
    """
    gone = {_plain(one.target): one for one in targets}
    if len(gone) < len(targets):
        twice = next(
            one.target for number, one in enumerate(targets) if gone[_plain(one.target)] is not targets[number]
        )
        raise SettingsError(f"“{twice}” is named twice", "Each concept is erased once.", "Leave one of them out.")
    for word in keep:
        _refuse_both(word, gone)
    for one in targets:
        if _plain(one.surrogate) in gone:
            what = f"“{one.surrogate}” shall stand in for “{one.target}”, and is to be erased itself."
            raise SettingsError("A surrogate is to be erased too", what, "Choose another surrogate.")
    named = title.strip() or "Without " + ", ".join(one.target for one in targets[:_NAMED])
    created = time.time()
    chosen: MethodSettings = {**(settings or {})}  # type: ignore[dict-item] # checked by the job
    return EraseJob(
        id=run_id(named, created=created),
        title=named[:200],
        created=created,
        base=base,
        targets=tuple(targets),
        keep=tuple(dict.fromkeys(word.strip() for word in keep if word.strip())),
        method=JobMethod(name=method, settings=chosen),
        recipe=recipe or EraseRecipe(),
        after=tuple(after),
        app_version=VERSION,
    )


def erasures(
    targets: Sequence[str], surrogates: Sequence[str] = (), synonyms: Mapping[str, Sequence[str]] | None = None
) -> tuple[Erasure, ...]:
    """Targets with what comes instead.

    Args:
        targets: words as a person typed them.
        surrogates: none, one for all, or one for each.
        synonyms: other words for a target, by target.

    Raises:
        SettingsError: nothing is named, a name is empty or far too long, there are too many, or surrogates do not match.
    """
    words = [" ".join(target.split()) for target in targets]
    if not words or any(not _plain(word) for word in words):
        title = "There is nothing to erase"
        raise SettingsError(
            title, "No word is given, or one is empty.", "Name what must not appear, such as “snowman”."
        )
    if len(words) > MOST_TARGETS:
        what = f"{len(words)} concepts are named; {MOST_TARGETS} fit into one eraser."
        raise SettingsError("Too much is to be erased at once", what, "Make several erasers; they act together.")
    if long := next((word for word in words if len(word) > 200), ""):
        raise SettingsError(f"“{long[:40]}…” is too long for a concept", hint="Name it in a few words.")
    if len(surrogates) not in {0, 1, len(words)}:
        what = f"{len(words)} concepts are to go, and {len(surrogates)} surrogates are named."
        raise SettingsError("Surrogates do not match", what, "Name none, one for all, or one for each.")
    instead = [" ".join(word.split()) for word in surrogates] or [""]
    instead = instead * len(words) if len(instead) == 1 else instead
    for word, other in zip(words, instead, strict=True):
        if _plain(word) == _plain(other):
            raise SettingsError(f"“{word}” cannot stand in for itself", hint="Choose another surrogate, or none.")
    told = synonyms or {}
    return tuple(
        Erasure(target=word, surrogate=other, synonyms=tuple(told.get(word, ())))
        for word, other in zip(words, instead, strict=True)
    )


def eraser_inside(project_root: Path, chosen: Path) -> str:
    """An eraser of the project (its file, or its run's folder) as a job names it, relative.

    Raises:
        JobError: it lies outside the project, or is not there.
    """
    file = (chosen / ADAPTER if chosen.is_dir() else chosen).resolve()
    if not file.is_file():
        raise JobError("This eraser is not here", f"There is nothing at {file}.", "Choose a finished run or a file.")
    if not file.is_relative_to(project_root.resolve()):
        raise JobError("This eraser lies outside the project", f"{file}.", "Bring it into the project first.")
    return file.relative_to(project_root.resolve()).as_posix()


def _refuse_both(word: str, gone: Mapping[str, Erasure]) -> None:
    if _plain(word) in gone:
        title = f"“{word.strip()}” is to go and to stay"
        raise SettingsError(title, "It is named among what is erased and among what is kept.", "Leave it out of one.")


def _plain(word: str) -> str:
    """Letters alone, without case, width, or marks that nobody sees."""
    shown = (one for one in unicodedata.normalize("NFKC", word) if unicodedata.category(one) not in {"Cf", "Cc"})
    return " ".join("".join(shown).casefold().split())
