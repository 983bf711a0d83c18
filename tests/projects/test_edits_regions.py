"""The edits of labels, regions and splits, and their inverses."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects import edits, edits_regions, queries
from projects.change import Change
from projects.errors import ProjectError
from projects.project import Project
from projects.regions.mask import Mask
from projects.upkeep import purge
from tests.projects.marks import block, region
from tests.projects.rows import add_rows, snapshot

SIZE = (640, 480)
_COUNTER = itertools.count()


@pytest.fixture
def cell(project: Project) -> str:
    """The id of a label."""
    return edits_regions.add_label(project, "Cell").ids[0]


@pytest.fixture
def picture(project: Project) -> str:
    """The id of a picture to segment."""
    return add_rows(project, None, 1)[0]


def _names(project: Project) -> list[str]:
    return [label.name for label in queries.labels(project)]


def test_labels(project: Project) -> None:
    first = edits_regions.add_label(project, " Big\n cell ").ids[0]
    second = edits_regions.add_label(project, "Debris", colour=" #ABCDEF").ids[0]
    assert _names(project) == ["Big cell", "Debris"]
    assert queries.label(project, second).colour == "#abcdef"
    assert queries.label(project, first).colour == edits_regions.PALETTE[0]
    edits_regions.rename_label(project, first, "big CELL")
    edits_regions.recolour_label(project, first, "#000000")
    edits_regions.reorder_labels(project, [second, first])
    assert _names(project) == ["Debris", "big CELL"]
    assert queries.label(project, first).colour == "#000000"


def test_no_two_labels_have_one_name(project: Project, cell: str) -> None:
    other = edits_regions.add_label(project, "Other").ids[0]
    for wrong in ("cell", "CELL "):
        with pytest.raises(ProjectError, match="of that name"):
            edits_regions.add_label(project, wrong)
        with pytest.raises(ProjectError, match="of that name"):
            edits_regions.rename_label(project, other, wrong)
    edits_regions.remove_labels(project, [cell])
    edits_regions.rename_label(project, other, "cell")
    assert _names(project) == ["cell"]


@pytest.mark.parametrize("colour", ["", "red", "#12345", "#12345g", "123456"])
def test_a_colour_is_six_digits(project: Project, cell: str, colour: str) -> None:
    with pytest.raises(ProjectError, match="no colour"):
        edits_regions.recolour_label(project, cell, colour)
    with pytest.raises(ProjectError, match="no colour"):
        edits_regions.add_label(project, "x", colour=colour)
    assert _names(project) == ["Cell"]


def test_new_labels_get_colours_of_their_own(project: Project) -> None:
    for number in range(len(edits_regions.PALETTE)):
        edits_regions.add_label(project, f"Label {number}")
    assert len({label.colour for label in queries.labels(project)}) == len(edits_regions.PALETTE)


def test_regions_are_stored_without_loss(project: Project, cell: str, picture: str) -> None:
    rng = np.random.default_rng(0)
    masks = [Mask.of(rng.random((480, 640)) < share) for share in (0.001, 0.5, 1.0)]
    change = edits_regions.add_regions(project, [region(picture, cell, mask) for mask in masks])
    found = queries.regions(project, picture)
    assert [item.id for item in found] == list(change.ids)
    for item, mask in zip(found, masks, strict=True):
        assert Mask.from_text(item.counts, *SIZE).same(mask)
        assert (item.area, item.box, item.origin, item.accepted) == (mask.area, mask.box, "click", True)
    assert change.parts == {"regions"}
    assert change.title == "Add 3 regions"
    assert queries.region_counts(project) == {picture: {cell: 3}}


def test_a_damaged_mask_is_said(project: Project, cell: str, picture: str) -> None:
    edits_regions.add_regions(project, [region(picture, cell, block(SIZE, 0, 0, 5, 5))])
    image = queries.image(project, picture)
    assert queries.mask_of(image, queries.regions(project, picture)[0]).area == 25
    with project.transaction() as connection:
        connection.execute("UPDATE regions SET counts = 'x'")
    with pytest.raises(ProjectError, match="damaged"):
        queries.mask_of(image, queries.regions(project, picture)[0])


def test_regions_that_cannot_be_are_refused_whole(project: Project, cell: str, picture: str) -> None:
    good = region(picture, cell, block(SIZE, 0, 0, 5, 5))
    wrong = {
        "empty": region(picture, cell, Mask.from_counts([640 * 480], *SIZE)),
        "another size": region(picture, cell, block((480, 640), 0, 0, 5, 5)),
        "label is no longer there": region(picture, "nothing", good.mask),
        "picture is no longer there": region("nothing", cell, good.mask),
    }
    for words, item in wrong.items():
        with pytest.raises(ProjectError, match=words):
            edits_regions.add_regions(project, [good, item])
    assert queries.regions(project, picture) == ()


def test_a_stroke_of_the_brush(project: Project, cell: str, picture: str) -> None:
    first, second = edits_regions.add_regions(
        project, [region(picture, cell, block(SIZE, x, 0, 5, 5)) for x in (0, 50)]
    ).ids
    before = snapshot(project)
    change = edits_regions.replace_regions(project, {first: block(SIZE, 1, 2, 3, 4)}, origin="brush")
    found = queries.region(project, first)
    assert (found.box, found.area, found.origin) == ((1, 2, 3, 4), 12, "brush")
    assert queries.region(project, second).origin == "click"
    change.inverse(project)
    assert snapshot(project) == before
    with pytest.raises(ProjectError, match="empty"):
        edits_regions.replace_regions(project, {first: Mask.from_counts([640 * 480], *SIZE)})


def test_choosing_among_proposals(project: Project, cell: str, picture: str) -> None:
    proposals = [region(picture, cell, block(SIZE, x, 0, 5, 5), accepted=False) for x in range(4)]
    ids = edits_regions.add_regions(project, proposals).ids
    edits_regions.accept_regions(project, ids[:2])
    edits_regions.remove_regions(project, ids[2:3])
    edits_regions.reorder_regions(project, [ids[3], ids[0]])
    assert [item.id for item in queries.regions(project, picture)] == [ids[3], ids[1], ids[0]]
    assert queries.region_counts(project, accepted=True) == {picture: {cell: 2}}
    assert queries.region_counts(project, accepted=False) == {picture: {cell: 1}}
    edits_regions.accept_regions(project, ids[:1], accepted=False)
    assert queries.region_counts(project, accepted=True) == {picture: {cell: 1}}


def test_removing_a_label_hides_its_regions_and_undo_brings_them_back(
    project: Project, cell: str, picture: str
) -> None:
    edits_regions.add_regions(project, [region(picture, cell, block(SIZE, 0, 0, 5, 5))])
    before = snapshot(project)
    change = edits_regions.remove_labels(project, [cell])
    assert queries.regions(project, picture) == ()
    assert queries.region_counts(project) == {}
    assert change.parts == {"labels", "regions"}
    change.inverse(project)
    assert snapshot(project) == before


def test_merging_labels_takes_removed_regions_along(project: Project, cell: str, picture: str) -> None:
    other = edits_regions.add_label(project, "Nucleus").ids[0]
    kept, removed = edits_regions.add_regions(
        project, [region(picture, other, block(SIZE, x, 0, 5, 5)) for x in (0, 9)]
    ).ids
    taken_out = edits_regions.remove_regions(project, [removed])
    before = snapshot(project)
    merged = edits_regions.merge_labels(project, [other, cell], cell)
    assert _names(project) == ["Cell"]
    assert queries.region(project, kept).label_id == cell
    taken_out.inverse(project)
    assert queries.region(project, removed).label_id == cell
    edits_regions.remove_regions(project, [removed])
    merged.inverse(project)
    assert snapshot(project) == before


def test_pictures_that_are_removed_count_no_more(project: Project, concept: str, cell: str, picture: str) -> None:
    (shown,) = add_rows(project, concept, 1)
    edits_regions.add_regions(project, [region(one, cell, block(SIZE, 0, 0, 5, 5)) for one in (picture, shown)])
    assert set(queries.region_counts(project)) == {picture, shown}
    edits.remove_images(project, [picture])
    assert set(queries.region_counts(project)) == {shown}
    edits.remove_concept(project, concept)
    assert queries.region_counts(project) == {}


def test_relabelling(project: Project, cell: str, picture: str) -> None:
    other = edits_regions.add_label(project, "Nucleus").ids[0]
    ids = edits_regions.add_regions(project, [region(picture, cell, block(SIZE, x, 0, 5, 5)) for x in (0, 9)]).ids
    assert edits_regions.relabel_regions(project, ids, other).title == "Relabel 2 regions"
    assert queries.region_counts(project) == {picture: {other: 2}}
    assert edits_regions.relabel_regions(project, ids, other).parts == frozenset()
    with pytest.raises(ProjectError, match="label is no longer there"):
        edits_regions.relabel_regions(project, ids, "nothing")


def test_a_part_chosen_by_hand_stays(project: Project, cell: str) -> None:
    ids = add_rows(project, None, 8)
    edits_regions.add_regions(project, [region(image_id, cell, block(SIZE, 0, 0, 5, 5)) for image_id in ids])
    edits_regions.set_split(project, ids[:2], "test")
    change = edits_regions.split_pictures(project, again=True)
    assert change.parts == {"splits"}
    assert [queries.image(project, image_id).split for image_id in ids[:2]] == ["test", "test"]
    assert not set(change.ids) & set(ids[:2])
    edits_regions.set_split(project, ids[:1], None)
    found = queries.image(project, ids[0])
    assert (found.split, found.split_by_hand) == (None, False)


def test_pictures_to_segment_belong_to_no_concept(project: Project, concept: str) -> None:
    loose, kept = add_rows(project, None, 3), add_rows(project, concept, 2)
    assert [image.id for image in queries.images_to_segment(project)] == loose
    assert [image.id for image in queries.images(project)] == [*kept, *loose]
    assert [image.id for image in queries.images(project, concept)] == kept
    assert queries.counts(project).images == 5
    assert queries.counts(project).images_by_concept == {concept: 2}
    edits.reorder(project, [loose[2], loose[0]])
    edits.move_images(project, kept[:1], None)
    assert [image.id for image in queries.images_to_segment(project)] == [loose[2], loose[1], loose[0], kept[0]]
    edits.move_images(project, loose[:1], concept)
    assert [image.id for image in queries.images(project, concept)] == [kept[1], loose[0]]


def test_purging_takes_marks_along(project: Project, cell: str) -> None:
    first, second = add_rows(project, None, 2)
    other = edits_regions.add_label(project, "Other").ids[0]
    new = [region(image_id, cell, block(SIZE, x, 0, 5, 5)) for image_id in (first, second) for x in (0, 9)]
    ids = edits_regions.add_regions(project, [*new, region(second, other, new[0].mask)]).ids
    edits.remove_images(project, [first])
    edits_regions.remove_regions(project, ids[2:3])
    edits_regions.remove_labels(project, [other])
    assert purge(project) == 0
    assert project.rows("SELECT count(*) FROM regions")[0][0] == 5
    assert purge(project, older_than_s=-60) == 1
    assert [row["id"] for row in project.rows("SELECT id FROM regions")] == [ids[3]]
    assert [row["id"] for row in project.rows("SELECT id FROM labels")] == [cell]


def _random_edit(project: Project, choose: random.Random) -> Change:
    """Make any one edit that is possible now."""
    label_ids = [label.id for label in queries.labels(project)]
    image_ids = [image.id for image in queries.images(project)]
    region_ids = [item.id for image_id in image_ids for item in queries.regions(project, image_id)]
    mask = block(SIZE, choose.randrange(600), choose.randrange(400), choose.randint(1, 40), choose.randint(1, 80))
    possible: list[Callable[[], Change]] = [
        lambda: edits_regions.add_label(project, f"Label {next(_COUNTER)}"),
        lambda: edits_regions.set_split(project, image_ids[:2], choose.choice(["train", "test", None])),
        lambda: edits_regions.split_pictures(project, again=choose.random() < 0.5),
        lambda: edits.remove_images(project, image_ids[:1]),
    ]
    if label_ids and image_ids:
        label, image = choose.choice(label_ids), choose.choice(image_ids)
        possible += [
            lambda: edits_regions.rename_label(project, label, f"Name {next(_COUNTER)}"),
            lambda: edits_regions.recolour_label(project, label, f"#{choose.randrange(16**6):06x}"),
            lambda: edits_regions.remove_labels(project, [label]),
            lambda: edits_regions.merge_labels(project, choose.sample(label_ids, 1), label),
            lambda: edits_regions.reorder_labels(project, choose.sample(label_ids, len(label_ids))),
            lambda: edits_regions.add_regions(project, [region(image, label, mask)] * choose.randint(1, 3)),
        ]
    if region_ids:
        some = choose.sample(region_ids, choose.randint(1, min(4, len(region_ids))))
        beside = [item.id for item in queries.regions(project, queries.region(project, some[0]).image_id)]
        possible += [
            lambda: edits_regions.replace_regions(project, dict.fromkeys(some, mask), origin="brush"),
            lambda: edits_regions.remove_regions(project, some),
            lambda: edits_regions.relabel_regions(project, some, choose.choice(label_ids)),
            lambda: edits_regions.accept_regions(project, some, accepted=choose.random() < 0.5),
            lambda: edits_regions.reorder_regions(project, choose.sample(beside, len(beside))),
        ]
    return choose.choice(possible)()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.integers(1, 16))
def test_undoing_all_is_the_start_and_redoing_all_is_the_end(choose: random.Random, count: int) -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, Project.create(Path(folder) / "p", "x") as project:
        images = add_rows(project, None, 4)
        label = edits_regions.add_label(project, "Label").ids[0]
        edits_regions.add_regions(project, [region(image, label, block(SIZE, 0, 0, 9, 9)) for image in images])
        states, undo = [snapshot(project)], []
        for _ in range(count):
            undo.append(_random_edit(project, choose).inverse)
            states.append(snapshot(project))
        redo = []
        for expected in reversed(states[:-1]):
            redo.append(undo.pop()(project).inverse)
            assert snapshot(project) == expected
        for expected in states[1:]:
            undo.append(redo.pop()(project).inverse)
            assert snapshot(project) == expected
