"""Which pictures a segmenter learns from, which are watched meanwhile, and which are kept for the figures.

Pictures that show nearly the same must play the same part, else the figures are those of pictures that were learned by heart. So whole
groups are dealt out: copies and near duplicates, and the slices of one volume or frames of one recording, which are known by their
numbered names together with neighbours that look alike. The outcome depends on the pictures and their marks only, not on ids or order.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import get_args

import numpy as np

from projects import queries
from projects.health import Gallery
from projects.project import Project
from projects.records import Image, Split
from projects.scanning import natural

PARTS: tuple[Split, ...] = get_args(Split)
# One group that holds more than this share of all leaves too little for the other parts.
_TOO_LARGE = 0.85
# Words that say of a numbered name that it is one of a stack or of a recording.
_STACKED = re.compile(r"(?<![a-z])(slice|sl|frame|fr|layer|plane|section|stack|z|t)[\W_]*#")
# Neighbours of a volume differ by a few of the 64 bits of `health.Looks.look`; different scenes by about half of them.
_ALIKE_BITS = 16
_CLOSER = 0.7


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of the pictures each part gets; only their proportions count."""

    train: float = 0.65
    validation: float = 0.2
    test: float = 0.15


SHARES = Shares()


@dataclass(frozen=True, slots=True)
class Plan:
    """A split that was thought out but not yet written down.

    Attributes:
        chosen: picture's id -> its part, for the pictures whose part this plan chooses.
        remarks: what the person should know, one sentence each.
    """

    chosen: Mapping[str, Split]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Group:
    """Pictures that stay together: all of them marked, in the natural order of their names."""

    images: tuple[Image, ...]
    labels: frozenset[str]

    @property
    def key(self) -> str:
        """The same for the same pictures, wherever and whenever they were imported."""
        contents = sorted(f"{image.sha256} {image.original_name}" for image in self.images)
        return hashlib.sha256("\n".join(contents).encode()).hexdigest()


def plan(project: Project, *, shares: Shares = SHARES, again: bool = False) -> Plan:
    """Think out a part for every picture with accepted regions that has none yet.

    Parts that are there count: a new picture joins those that it resembles, and the others go where most is missing. Every label
    is learned from at least one picture, as far as that can be.

    Args:
        project: to be read.
        shares: how much each part shall get.
        again: also choose anew for the pictures that have a part, unless the person chose it.

    Raises:
        ProjectError: the database fails.
    """
    groups = _marked_groups(project)
    free = {
        image.id
        for group in groups
        for image in group.images
        if image.split is None or (again and not image.split_by_hand)
    }
    return _deal(groups, free, shares)


def leaks(project: Project) -> tuple[tuple[str, ...], ...]:
    """Ids of pictures that resemble each other, or belong to one series, and yet play different parts; one tuple a group."""
    return tuple(
        tuple(image.id for image in group.images)
        for group in _marked_groups(project)
        if len({image.split for image in group.images if image.split is not None}) > 1
    )


def _marked_groups(project: Project) -> list[_Group]:
    marks = queries.region_counts(project, accepted=True)
    # Slices without marks are looked at too: they may be the link between others.
    images = [image for image in queries.images(project) if image.concept_id is None or image.id in marks]
    groups = []
    for together in _together(project, sorted(images, key=lambda image: (natural(image.original_name), image.sha256))):
        marked = tuple(image for image in together if image.id in marks)
        if marked:
            groups.append(_Group(marked, frozenset(label for image in marked for label in marks[image.id])))
    return sorted(groups, key=lambda group: (-len(group.images), group.key))


def _deal(groups: Sequence[_Group], free: set[str], shares: Shares) -> Plan:
    remarks = []
    total = sum(len(group.images) for group in groups)
    wanted = _targets(total, shares)
    have: Counter[Split] = Counter(
        image.split for group in groups for image in group.images if image.id not in free and image.split is not None
    )
    chosen: dict[str, Split] = {}
    dealt: list[tuple[_Group, Split]] = []
    for group in groups:
        ids = [image.id for image in group.images if image.id in free]
        there = {image.split for image in group.images if image.id not in free and image.split is not None}
        if not ids:
            continue
        if not there and total > 2 and len(ids) > _TOO_LARGE * total:
            pieces = _cut(ids, wanted)
            remarks.append(
                f"{len(ids)} of the {total} pictures resemble each other or belong to one series; they were cut into runs, "
                "and where a run ends its neighbours look alike"
            )
        else:
            # A group that was torn apart by hand learns on: its figures are spoilt already.
            part = min(there, key=PARTS.index) if there else _neediest(wanted, have)[0]
            pieces = dict.fromkeys(ids, part)
            if not there:
                dealt.append((group, part))
        chosen |= pieces
        have.update(pieces.values())
    chosen |= _teach_every_label(groups, chosen, dealt)
    missing = [part for part in PARTS if wanted[part] and part not in {*chosen.values(), *have}]
    remarks += [f"no picture was left for {part}" for part in missing]
    return Plan(chosen, tuple(remarks))


def _teach_every_label(
    groups: Iterable[_Group], chosen: Mapping[str, Split], dealt: Sequence[tuple[_Group, Split]]
) -> dict[str, Split]:
    """What must change for every label to be learned: the smallest group that has it goes over."""
    groups = list(groups)
    taught: set[str] = set()
    for group in groups:
        if any(chosen.get(image.id, image.split) == "train" for image in group.images):
            taught |= group.labels
    moved: dict[str, Split] = {}
    for label in sorted({label for group in groups for label in group.labels}):
        able = [group for group, part in dealt if part != "train" and label in group.labels]
        if label not in taught and able:
            smallest = able[-1]  # they come in falling order of size
            moved |= {image.id: "train" for image in smallest.images if image.id in chosen}
            taught |= smallest.labels
    return moved


def _neediest(wanted: Mapping[Split, int], have: Mapping[Split, int]) -> list[Split]:
    """The parts, those first to which most is missing."""
    return sorted(PARTS, key=lambda part: have.get(part, 0) - wanted[part])


def _targets(total: int, shares: Shares) -> dict[Split, int]:
    """How many pictures each part should get; from three on, every part with a share gets one."""
    weights: dict[Split, float] = {"train": shares.train, "validation": shares.validation, "test": shares.test}
    whole = sum(weights.values()) or 1.0
    targets: dict[Split, int] = {}
    for rank, part in enumerate(PARTS[1:], start=2):
        targets[part] = max(1, round(total * weights[part] / whole)) if weights[part] > 0 and total >= rank else 0
    targets["train"] = max(0, total - sum(targets.values())) if weights["train"] > 0 else 0
    return targets


def _cut(ids: Sequence[str], wanted: Mapping[Split, int]) -> dict[str, Split]:
    """Deal out one series in runs, in its order."""
    parts = [part for part in PARTS for _ in range(wanted[part])]
    return {image_id: parts[len(parts) * place // len(ids)] for place, image_id in enumerate(ids)}


def _together(project: Project, images: Sequence[Image]) -> list[list[Image]]:
    """The images in groups that must not be torn apart."""
    looks = {row["id"]: (row["look"], row["colours"]) for row in project.rows("SELECT id, look, colours FROM images")}
    leader = {image.id: image.id for image in images}

    def head(image_id: str) -> str:
        while leader[image_id] != image_id:
            leader[image_id] = leader[leader[image_id]]
            image_id = leader[image_id]
        return image_id

    def unite(some: Iterable[str]) -> None:
        heads = sorted({head(image_id) for image_id in some})
        leader.update(dict.fromkeys(heads, heads[0]))

    gallery = Gallery()
    for image in images:
        unite([image.id, *gallery.near(*looks[image.id])])
        gallery.add(image.id, *looks[image.id])
    for series in _series(images, {image_id: int(look, 16) for image_id, (look, _) in looks.items()}):
        unite(image.id for image in series)
    groups: dict[str, list[Image]] = {}
    for image in images:
        groups.setdefault(head(image.id), []).append(image)
    return list(groups.values())


def _series(images: Sequence[Image], looks: Mapping[str, int]) -> list[list[Image]]:
    """Pictures of one size whose names differ in one number only, and that are slices or frames by their words or by their looks."""
    members: dict[tuple[str, int, int], dict[str, Image]] = {}
    patterns = {image.id: _patterns(image.original_name) for image in images}
    common = Counter(
        (pattern, image.width, image.height) for image in images for pattern in dict.fromkeys(patterns[image.id])
    )
    for image in images:
        # The last number that differs between pictures is the one that counts them.
        keys = [(pattern, image.width, image.height) for pattern in patterns[image.id]]
        key = next((key for key in keys if common[key] > 1), None)
        if key is not None:
            members.setdefault(key, {})[image.id] = image
    found = []
    for (pattern, _width, _height), series in members.items():
        row = list(series.values())
        if len(row) > 1 and (_STACKED.search(pattern) or _looks_continuous([looks[image.id] for image in row])):
            found.append(row)
    return found


def _patterns(name: str) -> list[str]:
    """The name without its extension, in lower case, with one number replaced by #: first the last number, then the one before, ..."""
    stem = PurePath(name).stem.casefold()
    return [stem[: match.start()] + "#" + stem[match.end() :] for match in reversed(list(re.finditer(r"\d+", stem)))]


def _looks_continuous(looks: Sequence[int]) -> bool:
    """Whether neighbours in the row look alike, and more so than pictures that lie far apart in it."""
    if len(looks) < 3:
        return False
    row = np.array(looks, dtype=np.uint64)
    apart = max(2, len(row) // 2)
    near = float(np.median(np.bitwise_count(row[1:] ^ row[:-1])))
    far = float(np.median(np.bitwise_count(row[apart:] ^ row[:-apart])))
    return near <= _ALIKE_BITS and near <= _CLOSER * far
