"""What stands against what: an adapter against its base, or two adapters of the same subject against each other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.api.job import JobConcept
from engines.api.requests import Compare
from engines.launch.evaluation import question
from gui.views.compare.store import Wanted
from gui.views.compare.subject import Asked, Stage, Subject
from gui.views.train.words import when


@dataclass(frozen=True)
class Column:
    """A column of the grid: a stage of a subject, or its base when there is no stage."""

    title: str
    subject: Subject
    stage: Stage | None = None


@dataclass(frozen=True)
class Pairing:
    """The stage of a subject on the right, and on the left its base or, with a rival, that one's adapter."""

    subject: Subject
    stage: Stage
    rival: Subject | None = None

    @property
    def sides(self) -> tuple[Column, Column]:
        """Left and right."""
        stage = self.rival.default_stage() if self.rival is not None else None
        if self.rival is None or stage is None:
            return Column("Before", self.subject), Column(self.stage.words, self.subject, self.stage)
        left, right = told_apart(self.rival, self.subject)
        return Column(left, self.rival, stage), Column(right, self.subject, self.stage)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Of the grid: the base, then every stage, or the two adapters."""
        before = Column("before", self.subject)
        if self.rival is not None:
            return (before, *self.sides)
        return (before, *(Column(stage.title, self.subject, stage) for stage in self.subject.stages))

    @property
    def report_folder(self) -> Path:
        """Where its measured comparison is kept."""
        return self._home(self.subject.report_folder(self.stage))

    @property
    def grid_folder(self) -> Path:
        """Where its grid is kept."""
        return self._home(self.subject.folder / "grid")

    def wanted(self, asked: Asked) -> tuple[Wanted, Wanted]:
        """The pictures of both sides."""
        left, right = (side.subject.wanted(side.stage, asked) for side in self.sides)
        return left, right

    def pictures(self, asked: Asked) -> tuple[Path | None, Path | None]:
        """The same, as far as they were ever made."""
        left, right = (side.subject.picture(side.stage, asked) for side in self.sides)
        return left, right

    def question(self) -> Compare:
        """What is asked to measure it."""
        adapters = [(side.title, side.stage.file) for side in self.sides if side.stage is not None]
        subject = self.subject
        return question(
            adapters,
            JobConcept(name=subject.title[:200], trigger=subject.trigger, class_noun=subject.class_noun),
            base=subject.base,
            own_prompts=subject.own_prompts,
            seed=subject.seed,
            photos=subject.photos,
            folder=self.report_folder,
        )

    def renewed(self, subject: Subject, subjects: Sequence[Subject]) -> Pairing | None:
        """The same of a subject that may have grown, and of a rival that may have gone; None when there is no adapter any more."""
        stage = subject.stage_of(self.stage.step) or subject.default_stage()
        rival = next((one for one in subjects if self.rival is not None and one.id == self.rival.id), None)
        return Pairing(subject, stage, rival) if stage is not None else None

    def _home(self, own: Path) -> Path:
        """Beside the subject's own figures lie those against each rival."""
        stage = self.rival.default_stage() if self.rival is not None else None
        if self.rival is None or stage is None:
            return own
        stamp = hashlib.sha256(f"{self.rival.id} {stage.step}".encode()).hexdigest()[:12]
        return own.with_name(f"{own.name}-with-{stamp}")


def still_chosen(subjects: Sequence[Subject], shown: str, current: str) -> Subject | None:
    """Which to show: the run that the pages are about (`current`), unless the one `shown` is there on purpose, being a file from elsewhere."""
    known = {subject.id: subject for subject in subjects}
    first, second = (shown, current) if shown.startswith("file:") else (current, shown)
    return known.get(first) or known.get(second) or (subjects[0] if subjects else None)


def rivals(subjects: Sequence[Subject], chosen: Subject) -> list[Subject]:
    """Those that can stand against a subject: taught the same word on the same base."""
    word = chosen.trigger.strip().casefold()
    return [
        other
        for other in subjects
        if word
        and other.id != chosen.id
        and (other.trigger.strip().casefold(), other.base) == (word, chosen.base)
        and other.default_stage() is not None
    ]


def told_apart(first: Subject, second: Subject) -> tuple[str, str]:
    """Short names of two subjects by what is different about them."""
    pairs = [(first.title, second.title), (first.method, second.method)]
    changed = [name for name in first.settings if first.settings[name] != second.settings.get(name)]
    if len(changed) == 1:
        (name,) = changed
        pairs.append((f"{name} {first.settings[name]}", f"{name} {second.settings.get(name, '')}".strip()))
    pairs += [(when(first.created), when(second.created)), (first.id, second.id)]
    return next(pair for pair in pairs if pair[0] != pair[1] and all(pair))
