"""Tells which masks that come in mark what is marked already, so that an edited export that comes back changes marks instead of doubling them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from projects.edits_regions import NewRegion
from projects.queries import mask_of
from projects.records import Image, Region

_SAME_THING = 0.5
"""From this IoU on two masks of one label are of one thing; of things that do not overlap, no two can claim the same one then."""


def same_things(image: Image, old: Sequence[Region], new: Sequence[NewRegion]) -> Mapping[int, Region]:
    """The earlier region that each new one takes the place of: number in `new` -> region of the same label, the best pairs first.

    Args:
        image: the picture that all of them lie in.
        old: regions that are there and not among the new ones.
        new: regions that are not there yet.

    Raises:
        ProjectError: a stored mask is damaged.
    """
    masks = {region.id: mask_of(image, region) for region in old} if new else {}
    found = sorted(
        (
            (one.mask.overlap(masks[region.id]), number, place)
            for number, one in enumerate(new)
            for place, region in enumerate(old)
            if region.label_id == one.label_id and _alike(region.area, one.mask.area)
        ),
        key=lambda pair: (-pair[0], pair[1:]),
    )
    pairs: dict[int, Region] = {}
    taken: set[int] = set()
    for overlap, number, place in found:
        if overlap <= _SAME_THING:
            break
        if number not in pairs and place not in taken:
            pairs[number] = old[place]
            taken.add(place)
    return pairs


def _alike(first: int, second: int) -> bool:
    """Whether the areas allow for such an overlap."""
    return min(first, second) > _SAME_THING * max(first, second)
