"""Whether enough is marked to teach a model, and if not, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gui.session import Session
from gui.views.segment.contents import Contents
from gui.views.train.words import plural
from gui.workers.reading import Question
from projects import splitting
from projects.records import Split

_FEW = 5
_WATCHED = 1


@dataclass(frozen=True)
class Readiness:
    """What stands in the way.

    Attributes:
        ready: whether teaching can start.
        sentence: what will be learned from, or what is missing.
        advice: worth a look, but no obstacle.
        undecided: pictures whose part will be chosen when teaching starts.
    """

    ready: bool = False
    sentence: str = ""
    advice: tuple[str, ...] = ()
    undecided: int = 0


@dataclass(frozen=True)
class Leaks:
    """Pictures that resemble each other and yet play different parts: picture's id -> the part that would mend it."""

    mended: Mapping[str, Split] = field(default_factory=dict)
    groups: int = 0


def look(contents: Contents, *, editable: bool) -> Readiness:
    """Look at what is marked."""
    marked = [image for image in contents.images if image.id in contents.accepted]
    if not any(contents.accepted.values()):
        return Readiness(sentence="Nothing is marked yet. Mark a few pictures first; a dozen teach well.")
    counts = Counter(image.split for image in marked)
    undecided, learned = counts[None], counts["train"] + counts[None]
    if not editable:
        return Readiness(sentence="This project can only be looked at.")
    if not learned:
        sentence = "All marked pictures are kept for watching or for the figures. Let some be learned from."
        return Readiness(sentence=sentence)
    return Readiness(True, _sentence(counts, len(marked)), _advice(contents, counts, len(marked)), undecided)


def leaks(session: Session) -> Question[Leaks]:
    """Ask which pictures play different parts though they resemble each other."""
    project = session.project

    def work() -> Leaks:
        if project is None:
            return Leaks()
        groups = splitting.leaks(project)
        return Leaks({image_id: "train" for group in groups for image_id in group}, len(groups))

    return Question(project, work)


def _sentence(counts: Counter[Split | None], marked: int) -> str:
    if counts[None] == marked:
        return f"{plural(marked, 'marked picture')}. Which are learned from, watched and kept for the figures is decided when it starts."
    parts = [f"{counts['train']} to learn from"]
    parts += [f"{counts['validation']} watched"] if counts["validation"] else []
    parts += [f"{counts['test']} for the figures"] if counts["test"] else []
    parts += [f"{counts[None]} decided when it starts"] if counts[None] else []
    return f"{plural(marked, 'marked picture')}: {', '.join(parts)}."


def _advice(contents: Contents, counts: Counter[Split | None], marked: int) -> tuple[str, ...]:
    advice = []
    if marked < _FEW:
        advice.append(f"Only {plural(marked, 'picture')}: a dozen teach better.")
    if counts[None] == 0 and counts["validation"] < _WATCHED:
        advice.append("No picture is watched, so the curve is measured on the ones that are learned from.")
    waiting = sum(image.id in contents.proposed for image in contents.images)
    if waiting:
        advice.append(f"Proposals wait in {plural(waiting, 'picture')}; only what you keep is learned.")
    return tuple(advice)
