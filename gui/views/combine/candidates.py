"""What can be put into a picture: the project's taught subjects and the adapters brought in from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.api.catalog import Catalog
from engines.launch.adapter_info import AdapterInfo, describe
from gui.views.combine.draft import Part
from gui.views.compare.listing import find
from gui.views.compare.subject import Subject
from gui.views.train.words import method_title
from gui.workers.runs import RunView
from projects.errors import UserError

_LANE = re.compile(r"(\d{1,6})-(\d{1,6})")


@dataclass(frozen=True)
class Candidate:
    """An adapter of a subject.

    Attributes:
        id: the run's folder name, or `file:` and the name of a file brought in.
        file: from the project's folder on, with forward slashes.
        how: how it was taught, in a few words; `label` tells it from others of one subject.
        picture: what the subject looks like: a photo, else what the adapter made; None when there is neither.
        photos: of the real thing, as far as they are known (absolute paths).
        run: the run that taught it; empty for a file brought in.
    """

    id: str
    title: str
    file: str
    how: str = ""
    label: str = ""
    base: str = "starter"
    trigger: str = ""
    class_noun: str = ""
    picture: Path | None = None
    photos: tuple[Path, ...] = ()
    run: str = ""

    def part(self) -> Part:
        """As it is put into a picture."""
        return Part(
            source=self.id[:300],
            name=self.title.strip()[:200] or "Subject",
            file=self.file,
            trigger=self.trigger.strip()[:200],
            class_noun=self.class_noun.strip()[:200],
        )


def look(views: Sequence[RunView], root: Path, ways: Mapping[str, str]) -> tuple[Candidate, ...]:
    """Everything there is, the newest first. Reads files: call it on another thread.

    Args:
        views: the project's trainings.
        root: the project's folder.
        ways: what people call a way to teach, by its registered name (see `titles`).
    """
    found = (_candidate(subject, root, ways) for subject in find(list(views), root))
    return tuple(one for one in found if one is not None)


def titles(catalog: Catalog | None) -> dict[str, str]:
    """What people call a way to teach: the preset that stands for it, by the method's registered name."""
    presets = catalog.presets if catalog is not None else ()
    counts = [preset.method_name for preset in presets]
    return {preset.method_name: preset.title for preset in presets if counts.count(preset.method_name) == 1}


def _candidate(subject: Subject, root: Path, ways: Mapping[str, str]) -> Candidate | None:
    stage = subject.default_stage()
    if stage is None or not stage.file.is_relative_to(root):
        return None
    try:
        info = describe(stage.file)
    except UserError:
        return None
    imported = subject.id.startswith("file:")
    return Candidate(
        id=subject.id,
        title=subject.title,
        file=stage.file.relative_to(root).as_posix(),
        how=_how(info, ways),
        label=subject.label,
        base=subject.base,
        trigger=info.trigger or subject.trigger,
        class_noun=info.class_noun or subject.class_noun,
        picture=_picture(subject),
        photos=subject.photos,
        run="" if imported else subject.id,
    )


def _picture(subject: Subject) -> Path | None:
    if subject.photos:
        return subject.photos[0]
    made = [sample for sample in subject.samples if sample.step > 0]
    return subject.sample_folder / made[-1].file if made else None


def _how(info: AdapterInfo, ways: Mapping[str, str]) -> str:
    """`Mergeable, slot 2`."""
    method = ways.get(info.method) or (method_title(info.method) if info.method else "LoRA")
    lane = _LANE.fullmatch(info.directions)
    count = int(lane[2]) - int(lane[1]) + 1 if lane is not None else 0
    return f"{method}, slot {int(lane[1]) // count + 1}" if lane is not None and count > 0 else method
