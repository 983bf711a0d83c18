"""The edits of the Segment page: labels, regions, and the part that each picture plays in a training. As in `projects.edits`.

A label that is removed takes its regions out of sight, as a concept does its pictures, and undo brings both back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from projects import queries, splitting
from projects.change import Change, Part
from projects.edit_parts import counted, new_id, pick, reordered, words
from projects.errors import ProjectError
from projects.project import Project, SqlValue
from projects.records import Origin, Region, Split
from projects.regions.mask import Mask
from projects.rows import RowChange, Table, arrived, commit, nothing

PALETTE = (
    "#0e9f8e",
    "#e8684a",
    "#e0a526",
    "#7a5bd0",
    "#2f80c2",
    "#c2478f",
    "#5b9c3a",
    "#8c6a4f",
    "#3aa6b9",
    "#b0493a",
    "#5560c9",
    "#9aa02c",
)
"""Colours that new labels are given in turn: all are told apart on light and on dark."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_LABELS: frozenset[Part] = frozenset({"labels"})
_REGIONS: frozenset[Part] = frozenset({"regions"})
_SPLITS: frozenset[Part] = frozenset({"splits"})


@dataclass(frozen=True, slots=True)
class NewRegion:
    """A region to be added.

    Attributes:
        image_id: the picture it lies in.
        label_id: what it is.
        mask: of the upright picture's size, with at least one pixel.
        origin: how it was made.
        accepted: whether the person, or the file it came from, vouches for it.
    """

    image_id: str
    label_id: str
    mask: Mask
    origin: Origin
    accepted: bool = True


# --- labels


def add_label(project: Project, name: str, *, colour: str | None = None) -> Change:
    """Add a label at the end of the list, in the next colour of the palette unless one is given; `ids[0]` is its id.

    Raises:
        ProjectError: another label has that name, or it is no name, or the colour is none.
    """
    label_id = new_id()
    with project.transaction() as connection:
        name = _label_name(project, name)
        position = int(project.rows("SELECT coalesce(max(position) + 1, 0) FROM labels")[0][0])
        colour = PALETTE[position % len(PALETTE)] if colour is None else _colour(colour)
        connection.execute(
            "INSERT INTO labels (id, name, colour, position) VALUES (?, ?, ?, ?)", (label_id, name, colour, position)
        )
    return arrived({"labels": [label_id]}, parts=_LABELS, title="Add a label")


def rename_label(project: Project, label_id: str, name: str) -> Change:
    """Give a label another name.

    Raises:
        ProjectError: another label has it; `merge_labels` makes two into one.
    """
    with project.transaction():
        old = queries.label(project, label_id)
        change = RowChange("labels", label_id, {"name": old.name}, {"name": _label_name(project, name, but=label_id)})
        return commit(project, [change], parts=_LABELS, title="Rename a label", ids=[label_id])


def recolour_label(project: Project, label_id: str, colour: str) -> Change:
    """Give a label another colour, `#rrggbb`."""
    with project.transaction():
        old = queries.label(project, label_id)
        change = RowChange("labels", label_id, {"colour": old.colour}, {"colour": _colour(colour)})
        return commit(project, [change], parts=_LABELS, title="Change a label's colour", ids=[label_id])


def reorder_labels(project: Project, label_ids: Sequence[str]) -> Change:
    """Put the named labels into this order, in the places that they hold together."""
    with project.transaction():
        positions = {label.id: label.position for label in queries.labels(project)}
        order = reordered(list(positions), label_ids, "label")
        changes = _renumbered("labels", positions, order)
        return commit(project, changes, parts=_LABELS, title="Reorder the labels", ids=label_ids)


def remove_labels(project: Project, label_ids: Sequence[str]) -> Change:
    """Remove labels together with all their regions."""
    now = time.time()
    with project.transaction():
        ids = [queries.label(project, label_id).id for label_id in dict.fromkeys(label_ids)]
        changes = [RowChange("labels", label_id, {"removed": None}, {"removed": now}) for label_id in ids]
        return commit(project, changes, parts=_LABELS | _REGIONS, title=f"Remove {counted(ids, 'label')}", ids=ids)


def merge_labels(project: Project, label_ids: Sequence[str], into: str) -> Change:
    """Give the regions of some labels another label, `into`, and remove those labels."""
    now = time.time()
    with project.transaction():
        queries.label(project, into)
        ids = [queries.label(project, label_id).id for label_id in dict.fromkeys(label_ids) if label_id != into]
        changes = [RowChange("labels", label_id, {"removed": None}, {"removed": now}) for label_id in ids]
        for label_id in ids:
            # Removed regions go along: an undo of their removal must not bring them back without a label.
            found = project.rows("SELECT id FROM regions WHERE label_id = ?", (label_id,))
            changes += [RowChange("regions", row["id"], {"label_id": label_id}, {"label_id": into}) for row in found]
        return commit(project, changes, parts=_LABELS | _REGIONS, title="Merge labels", ids=[*ids, into])


# --- regions


def add_regions(project: Project, regions: Sequence[NewRegion], *, places: Sequence[int | None] = ()) -> Change:
    """Add regions on top of those that their pictures have, or at the `places` given for them; `ids` are theirs, in the same order.

    Raises:
        ProjectError: a picture or a label is not there, or a mask is empty or of another size than its picture; none was added.
    """
    ids = [new_id() for _ in regions]
    with project.transaction() as connection:
        known = {label.id for label in queries.labels(project)}
        sizes = {item.id: (item.width, item.height) for item in pick(project, [new.image_id for new in regions])}
        free = {image_id: _end_of(project, image_id) for image_id in sizes}
        rows: list[tuple[SqlValue, ...]] = []
        for region_id, new, place in zip(ids, regions, places or [None] * len(regions), strict=True):
            if new.label_id not in known:
                queries.label(project, new.label_id)
            about = _fields(new.mask, sizes[new.image_id]).values()
            position = free[new.image_id] if place is None else place
            rows.append((region_id, new.image_id, new.label_id, *about, new.origin, int(new.accepted), position))
            free[new.image_id] += place is None
        connection.executemany(
            "INSERT INTO regions (id, image_id, label_id, counts, box_left, box_top, box_width, box_height, area, origin, accepted,"
            " position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    return arrived({"regions": ids}, parts=_REGIONS, title=f"Add {counted(ids, 'region')}")


def replace_regions(project: Project, masks: Mapping[str, Mask], *, origin: Origin | None = None) -> Change:
    """Give regions other masks, as after a stroke of the brush.

    Args:
        project: to be changed.
        masks: region's id -> its new mask.
        origin: how the new masks were made; None leaves what is written down.

    Raises:
        ProjectError: a region is not there, or a mask is empty or of another size than the picture; none was changed.
    """
    with project.transaction():
        changes = []
        for old in _pick(project, masks):
            picture = queries.image(project, old.image_id)
            before: dict[str, SqlValue] = {"counts": old.counts, "area": old.area, "origin": old.origin}
            before |= dict(zip(_BOX, old.box, strict=True))
            after = _fields(masks[old.id], (picture.width, picture.height)) | {"origin": origin or old.origin}
            changes.append(RowChange("regions", old.id, before, after))
        return commit(project, changes, parts=_REGIONS, title=f"Change {counted(masks, 'region')}", ids=tuple(masks))


def remove_regions(project: Project, region_ids: Sequence[str]) -> Change:
    """Take regions out."""
    now = time.time()
    with project.transaction():
        ids = [old.id for old in _pick(project, region_ids)]
        changes = [RowChange("regions", region_id, {"removed": None}, {"removed": now}) for region_id in ids]
        return commit(project, changes, parts=_REGIONS, title=f"Remove {counted(ids, 'region')}", ids=ids)


def relabel_regions(project: Project, region_ids: Sequence[str], label_id: str) -> Change:
    """Say that regions are something else."""
    with project.transaction():
        queries.label(project, label_id)
        changes = [
            RowChange("regions", old.id, {"label_id": old.label_id}, {"label_id": label_id})
            for old in _pick(project, region_ids)
        ]
        title = f"Relabel {counted(changes, 'region')}"
        return commit(project, changes, parts=_REGIONS, title=title, ids=region_ids)


def accept_regions(project: Project, region_ids: Sequence[str], *, accepted: bool = True) -> Change:
    """Vouch for regions, or no longer."""
    with project.transaction():
        changes = [
            RowChange("regions", old.id, {"accepted": int(old.accepted)}, {"accepted": int(accepted)})
            for old in _pick(project, region_ids)
        ]
        title = f"{'Accept' if accepted else 'Doubt'} {counted(changes, 'region')}"
        return commit(project, changes, parts=_REGIONS, title=title, ids=region_ids)


def reorder_regions(project: Project, region_ids: Sequence[str]) -> Change:
    """Put the named regions of one picture into this order (the lowest first), in the places that they hold together."""
    with project.transaction():
        if not region_ids:
            return nothing("Reorder the regions")
        old = queries.regions(project, queries.region(project, region_ids[0]).image_id)
        positions = {item.id: item.position for item in old}
        changes = _renumbered("regions", positions, reordered(list(positions), region_ids, "region"))
        return commit(project, changes, parts=_REGIONS, title="Reorder the regions", ids=region_ids)


def set_checked_empty(project: Project, image_ids: Sequence[str], *, empty: bool = True) -> Change:
    """Write down that somebody looked through pictures and found nothing to mark, or no longer say so.

    Regions that are accepted later count for more than this, and it counts again when they are gone.
    """
    with project.transaction():
        changes = [
            RowChange("images", old.id, {"checked_empty": int(old.checked_empty)}, {"checked_empty": int(empty)})
            for old in pick(project, image_ids)
        ]
        title = "Nothing is here" if empty else "Something may be here"
        return commit(project, changes, parts=_REGIONS, title=title, ids=image_ids)


# --- splits


def set_split(project: Project, image_ids: Sequence[str], split: Split | None) -> Change:
    """Choose the part that pictures play in a training; None leaves it to `split_pictures` again."""
    with project.transaction():
        chosen = {item.id: (split, split is not None) for item in pick(project, image_ids)}
        return _set_splits(project, chosen, title=f"Set the part of {counted(chosen, 'picture')}")


def split_pictures(project: Project, *, shares: splitting.Shares = splitting.SHARES, again: bool = False) -> Change:
    """Choose the part of every marked picture that has none yet, so that nothing leaks; see `projects.splitting`.

    Args:
        project: to be changed.
        shares: how much each part shall get.
        again: also choose anew for those that have a part, unless the person chose it.
    """
    with project.transaction():
        plan = splitting.plan(project, shares=shares, again=again)
        chosen = {image_id: (split, False) for image_id, split in plan.chosen.items()}
        return _set_splits(project, chosen, title="Split the pictures")


# --- helpers

_BOX = ("box_left", "box_top", "box_width", "box_height")


def _fields(mask: Mask, size: tuple[int, int]) -> dict[str, SqlValue]:
    if (mask.width, mask.height) != size:
        raise ProjectError(
            "The mask has another size than its picture",
            f"It is {mask.width} × {mask.height}, the picture {size[0]} × {size[1]}.",
        )
    area = mask.area
    if not area:
        raise ProjectError("The mask is empty", "Not one pixel is marked.")
    return {"counts": mask.text, **dict(zip(_BOX, mask.box, strict=True)), "area": area}


def _pick(project: Project, region_ids: Iterable[str]) -> list[Region]:
    return [queries.region(project, region_id) for region_id in dict.fromkeys(region_ids)]


def _end_of(project: Project, image_id: str) -> int:
    found = project.rows("SELECT coalesce(max(position) + 1, 0) FROM regions WHERE image_id = ?", (image_id,))
    return int(found[0][0])


def _renumbered(table: Table, positions: Mapping[str, int], order: Sequence[str]) -> list[RowChange]:
    return [RowChange(table, key, {"position": positions[key]}, {"position": place}) for place, key in enumerate(order)]


def _set_splits(project: Project, chosen: Mapping[str, tuple[Split | None, bool]], *, title: str) -> Change:
    changes = [
        RowChange(
            "images",
            old.id,
            {"split": old.split, "split_by_hand": int(old.split_by_hand)},
            {"split": chosen[old.id][0], "split_by_hand": int(chosen[old.id][1])},
        )
        for old in pick(project, list(chosen))
    ]
    return commit(project, changes, parts=_SPLITS, title=title, ids=list(chosen))


def _label_name(project: Project, name: str, *, but: str = "") -> str:
    name = words(name, "The name")
    same = [label for label in queries.labels(project) if label.id != but and label.name.casefold() == name.casefold()]
    if same:
        raise ProjectError("There is a label of that name", f"“{same[0].name}” is in the list already.")
    return name


def _colour(text: str) -> str:
    colour = text.strip().lower()
    if not _COLOUR.fullmatch(colour):
        raise ProjectError("That is no colour", "Write it as # and six digits, such as #0e9f8e.")
    return colour
