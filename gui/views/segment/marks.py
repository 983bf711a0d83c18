"""Edits of marks that take some working out: what a stroke, an outline or an answer of the model makes of a picture's regions.

Each is an edit as in `projects.edits_regions`, for another thread: it reads what is there, works the mask out and writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from gui.canvas.marking.stroke import Stroke, painted
from projects import edits_regions, queries
from projects.change import Change, Edit, Part
from projects.edits_regions import NewRegion
from projects.project import Project
from projects.records import Image, Origin
from projects.regions.mask import Mask
from projects.regions.outline import fill
from projects.rows import arrived, nothing

FIRST_LABEL = "Object"
"""What things are called as long as nobody said what they are."""
_BOTH: frozenset[Part] = frozenset({"labels", "regions"})
_SAME = 0.7


@dataclass(frozen=True)
class Thing:
    """A mask and what it is: a label by its id, else by its name, which is made where there is none of it."""

    mask: Mask
    label_id: str = ""
    name: str = FIRST_LABEL


def add(image: Image, things: Sequence[Thing], origin: Origin, *, accepted: bool = True) -> Edit:
    """Add things as regions, with the labels they need; those without a pixel are left out. `ids` are the regions'."""

    def edit(project: Project) -> Change:
        with project.transaction():
            known = {label.name.casefold(): label.id for label in queries.labels(project)}
            made: list[str] = []
            new = [
                NewRegion(image.id, _label(project, thing, known, made), thing.mask, origin, accepted)
                for thing in things
                if thing.mask.area
            ]
            if not new:
                return nothing("Nothing was found")
            added = edits_regions.add_regions(project, new)
        if not made:
            return added
        change = arrived({"labels": made, "regions": added.ids}, parts=_BOTH, title=added.title)
        return replace(change, ids=added.ids)

    return edit


def propose(image: Image, things: Sequence[Thing]) -> Edit:
    """Add things for somebody to look at, the surest first; what is marked already, or was found twice, is left out."""

    def edit(project: Project) -> Change:
        regions = queries.regions(project, image.id)
        known = [_Sized.of(Mask.from_text(region.counts, image.width, image.height)) for region in regions]
        new: list[Thing] = []
        for thing in things:
            sized = _Sized.of(thing.mask)
            if sized.area and not any(sized.overlap(other) > _SAME for other in known):
                known.append(sized)
                new.append(thing)
        return add(image, new, "proposal", accepted=False)(project)

    return edit


def outline(image: Image, label_id: str, points: Sequence[tuple[float, float]]) -> Edit:
    """Add what an outline encloses."""

    def edit(project: Project) -> Change:
        mask = fill([np.array(points)], image.width, image.height)
        return add(image, [Thing(mask, label_id)], "polygon")(project)

    return edit


def stroke(image: Image, label_id: str, region_id: str, made: Stroke) -> Edit:
    """Paint into a region or take away from it; without one the brush begins a new region.

    A region of which nothing is left is removed.
    """

    def edit(project: Project) -> Change:
        if not region_id:
            mask = painted(None, made, image.width, image.height)
            return add(image, [Thing(mask, label_id)], "brush")(project)
        old = Mask.from_text(queries.region(project, region_id).counts, image.width, image.height)
        new = painted(old, made, image.width, image.height)
        if new.same(old):
            return nothing("Nothing was painted")
        if not new.area:
            return edits_regions.remove_regions(project, [region_id])
        return edits_regions.replace_regions(project, {region_id: new}, origin="brush")

    return edit


def remove(region_ids: Sequence[str]) -> Edit:
    """Take regions out."""
    return partial(edits_regions.remove_regions, region_ids=tuple(region_ids))


def relabel(region_ids: Sequence[str], label_id: str) -> Edit:
    """Say that regions are something else."""
    return partial(edits_regions.relabel_regions, region_ids=tuple(region_ids), label_id=label_id)


def accept(region_ids: Sequence[str]) -> Edit:
    """Vouch for proposals."""
    return partial(edits_regions.accept_regions, region_ids=tuple(region_ids))


@dataclass(frozen=True)
class _Sized:
    """A mask whose box and area were counted once."""

    mask: Mask
    box: tuple[int, int, int, int]
    area: int

    @classmethod
    def of(cls, mask: Mask) -> _Sized:
        return cls(mask, mask.box, mask.area)

    def overlap(self, other: _Sized) -> float:
        """Pixels that both have, as a share of those that either has."""
        left, top = max(self.box[0], other.box[0]), max(self.box[1], other.box[1])
        right = min(self.box[0] + self.box[2], other.box[0] + other.box[2])
        bottom = min(self.box[1] + self.box[3], other.box[1] + other.box[3])
        if right <= left or bottom <= top:
            return 0.0
        box = (left, top, right - left, bottom - top)
        shared = int((self.mask.crop(box) & other.mask.crop(box)).sum())
        return shared / (self.area + other.area - shared)


def _label(project: Project, thing: Thing, known: dict[str, str], made: list[str]) -> str:
    """The id of the label of a thing; `known` (names to ids) and `made` grow by one that has to be made."""
    if thing.label_id in known.values():
        return thing.label_id
    name = thing.name.casefold()
    if name not in known:
        known[name] = edits_regions.add_label(project, thing.name).ids[0]
        made.append(known[name])
    return known[name]
