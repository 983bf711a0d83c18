"""The adapters of a project as the library shows them: finished trainings and files brought in from elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engines.launch.adapter_info import AdapterInfo
from engines.launch.segment_file import SegmentInfo, describe_any
from gui.views.compare.report import read_report
from gui.views.erase.results.measured import read_report as read_erased
from gui.views.train.words import method_title, size, when
from gui.workers.runs import RunView
from projects.errors import UserError
from projects.files import atomic_path, safe_name, unique_path

AnyInfo = AdapterInfo | SegmentInfo
_HOME = "adapters"
_ANSWERS = {"clicks": "clicks and boxes", "automatic": "by itself"}
MARKS = "library."
"""Settings that begin so belong to the Library's items."""


@dataclass(frozen=True)
class Item:
    """One adapter.

    Attributes:
        id: the run's folder name, or `file:` and the name of an imported file.
        info: what its header says; None when it cannot be read, and `problem` says why.
        picture: what it makes; None when nothing was ever made.
        measured: folder of its measured before and after; None when there is none.
        base: the model it was made on, as in a job; None when nobody knows.
        way: how it was taught, as its card calls that; empty when nobody knows.
    """

    id: str
    title: str
    file: Path
    info: AnyInfo | None
    problem: str = ""
    picture: Path | None = None
    created: float = 0.0
    note: str = ""
    favourite: bool = False
    measured: Path | None = None
    base: str | None = None
    way: str = ""

    @property
    def segments(self) -> bool:
        """Whether it adapts a segmentation model."""
        return isinstance(self.info, SegmentInfo)

    @property
    def erases(self) -> tuple[str, ...]:
        """The concepts that it takes away; none for what teaches."""
        return self.info.erases if isinstance(self.info, AdapterInfo) else ()

    @property
    def page(self) -> str:
        """Key of the page where such a one is made and looked at; empty for what teaches a subject, which has two."""
        return "segment" if self.segments else "erase" if self.erases else ""

    @property
    def trigger(self) -> str:
        """The word that calls it up in prompts; empty for none."""
        return self.info.trigger if isinstance(self.info, AdapterInfo) else ""

    @property
    def imported(self) -> bool:
        """Whether it was brought in from elsewhere."""
        return self.id.startswith("file:")

    @property
    def method(self) -> str:
        """How it was taught, in a word."""
        if self.info is None:
            return "Unreadable"
        if isinstance(self.info, SegmentInfo):
            return self.way or method_title(self.info.tuner)
        return method_title(self.info.method) if self.info.method else "LoRA"

    def facts(self) -> str:
        """`LoRA, 3.1 MB, yesterday`."""
        weight = size(self.info.bytes) if self.info is not None else ""
        return ", ".join(part for part in (self.method, weight, when(self.created)) if part)

    def matches(self, words: str) -> bool:
        """Whether it is found by these words, all of them, in any order."""
        info = self.info
        texts = [self.title, self.note, self.method, self.file.name]
        if isinstance(info, SegmentInfo):
            texts += [*info.classes, info.base, info.title, "segment"]
        elif info is not None:
            texts += [info.trigger, info.class_noun, info.base, info.title, *info.erases]
            texts += ["eraser"] if info.erases else []
        whole = " ".join(texts).casefold()
        return all(word in whole for word in words.casefold().split())


def recipe_lines(info: AnyInfo) -> tuple[tuple[str, str], ...]:
    """The recipe in words: (name, value) pairs."""
    lines = _segment_lines(info) if isinstance(info, SegmentInfo) else _teaching_lines(info)
    return tuple((name, value) for name, value in lines if value)


def _segment_lines(info: SegmentInfo) -> list[tuple[str, str]]:
    return [
        ("Finds", ", ".join(info.classes)),
        ("Answers", _ANSWERS.get(info.prompts, "clicks, and by itself")),
        ("Base model", info.base or "not told by the file"),
        ("Pictures", info.about.get("pictures", "")),
        ("Steps", info.about.get("steps", "")),
        ("File size", size(info.bytes)),
        *_settings(info.settings),
    ]


def _teaching_lines(info: AdapterInfo) -> list[tuple[str, str]]:
    return [
        ("Erases", ", ".join(info.erases)),
        ("Trigger word", info.trigger),
        ("Class", info.class_noun),
        ("Base model", info.base or "not told by the file"),
        ("Rank", str(info.rank)),
        ("Alpha", "" if info.alpha is None else f"{info.alpha:g}"),
        (
            "Layers changed",
            f"{info.modules}" + (f", {info.text_modules} in the text encoder" if info.text_modules else ""),
        ),
        ("Steps", str(info.steps) if info.steps else ""),
        ("Picture size", f"{info.resolution} px" if info.resolution else ""),
        ("Weight-decomposed", "yes" if info.dora else ""),
        ("File format", info.format),
        ("File size", size(info.bytes)),
        *_settings(info.recipe),
    ]


def _settings(recipe: Mapping[str, object]) -> list[tuple[str, str]]:
    """A stored recipe flattened, with names as people read them; only plain values, none of them long."""
    found: list[tuple[str, str]] = []
    for name, value in list(recipe.items())[:60]:
        words = str(name).replace("_", " ").capitalize()[:60]
        if isinstance(value, Mapping):
            found += _settings(value)
        elif isinstance(value, bool):
            found.append((words, "yes" if value else "no"))
        elif isinstance(value, int | float | str) and str(value):
            found.append((words, str(value)[:120]))
    return found


def find(views: Sequence[RunView], root: Path, marks: Mapping[str, object], ways: Mapping[str, str]) -> list[Item]:
    """All adapters, favourites first, then the newest. Reads files: call it on another thread.

    Args:
        views: the project's trainings.
        root: the project's folder.
        marks: stored notes and favourites of imported files, by `note_key` and `favourite_key`.
        ways: titles of the ways to adapt a segmentation model, by their registered names.
    """
    found = [_of_run(view) for view in views if view.adapter is not None]
    for path in sorted((root / _HOME).glob("*.safetensors")):
        info, problem = _described(path)
        title = info.title if info is not None and info.title else path.stem
        created = info.created if isinstance(info, AdapterInfo) and info.created else path.stat().st_mtime
        note, favourite = str(marks.get(note_key(path.name)) or ""), bool(marks.get(favourite_key(path.name)))
        found.append(Item(f"file:{path.name}", title, path, info, problem, None, created, note, favourite))
    found = [
        replace(one, way=ways.get(one.info.tuner, "")) if isinstance(one.info, SegmentInfo) else one for one in found
    ]
    return sorted(found, key=lambda item: (not item.favourite, -item.created))


def take_in(source: Path, root: Path) -> Path:
    """Copy an adapter file into the project after looking at it; raises UserError when it is none."""
    describe_any(source)
    folder = root / _HOME
    try:
        folder.mkdir(exist_ok=True)
        target = unique_path(folder / safe_name(source.name, fallback="adapter.safetensors"))
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
    except OSError as error:
        raise UserError(
            "The adapter could not be copied", f"{source.name}: {error.strerror or error}.", "Check the free space."
        ) from error
    return target


def note_key(file: str) -> str:
    """Setting under which an imported file's note is kept."""
    return f"{MARKS}note.{file}"


def favourite_key(file: str) -> str:
    """Setting under which an imported file's mark is kept."""
    return f"{MARKS}favourite.{file}"


def _of_run(view: RunView) -> Item:
    file = view.adapter or view.info.folder
    info, problem = _described(file)
    samples = [sample for sample in view.state.samples if sample.step > 0]
    first = samples[0].prompt if samples else ""
    mine = [sample for sample in samples if sample.prompt == first]
    picture = view.info.folder / mine[-1].file if mine else _measured_picture(view.info.measured)
    record = view.record
    return Item(
        view.id,
        view.title,
        file,
        info,
        problem,
        picture,
        view.created,
        record.note if record is not None else "",
        record.favourite if record is not None else False,
        None if view.info.erasure is not None else view.info.measured,  # the page Erase shows what an eraser does
        view.info.any_job.base if view.info.any_job is not None else None,
    )


def _measured_picture(folder: Path | None) -> Path | None:
    """What a measured run makes, where it made no samples."""
    erased = read_erased(folder) if folder is not None else None
    if folder is not None and erased is not None:
        rows = erased.rows[:1]
        return next((folder / Path(one.erased).name for row in rows for one in row.pictures), None)
    report = read_report(folder) if folder is not None else None
    pair = report.pair() if report is not None else None
    return folder / pair[1].file if folder is not None and pair is not None else None


def _described(file: Path) -> tuple[AnyInfo | None, str]:
    try:
        return describe_any(file), ""
    except UserError as error:
        return None, str(error)
