"""An export that was edited elsewhere changes the marks it came from; and pictures that hold nothing stay known as such."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from projects import edits_regions, import_process, importing, queries, splitting
from projects.project import Project
from projects.regions.exchange.formats import FORMATS
from projects.regions.exchange.sheet import EMPTY, Request
from projects.regions.exporting import export_masks
from projects.regions.importing import import_masks
from projects.regions.mask import Mask
from tests.projects.marks import block, region
from tests.projects.pictures import photo
from tests.projects.rows import snapshot

SIZE = (60, 40)


@pytest.fixture
def marked(project: Project, source: Path) -> Project:
    """Two pictures: two cells and an accepted proposal's leaf in the first, nothing in the second, which was looked through."""
    for number in range(2):
        photo(number, SIZE).save(source / f"{number}.png")
    first, second = importing.import_paths(project, [source / "0.png", source / "1.png"], None).added
    cell, leaf = (edits_regions.add_label(project, name).ids[0] for name in ("Cell", "Leaf"))
    masks = [(cell, block(SIZE, 2, 2, 12, 10)), (cell, block(SIZE, 30, 5, 12, 10)), (leaf, block(SIZE, 2, 2, 12, 10))]
    edits_regions.add_regions(project, [region(first, label, mask) for label, mask in masks])
    edits_regions.set_checked_empty(project, [second])
    return project


def first_of(project: Project) -> list[tuple[str, Mask]]:
    """Labels and masks of the first picture, the lowest first."""
    image = queries.images_to_segment(project)[0]
    return [
        (queries.label(project, one.label_id).name, queries.mask_of(image, one))
        for one in queries.regions(project, image.id)
    ]


def exported(project: Project, tmp_path: Path, kind: str = "single") -> Path:
    export_masks(project, tmp_path / "out", kind)
    return tmp_path / "out"


def repaint(file: Path, change: tuple[int, int, int, int]) -> None:
    """Draw another rectangle instead of what a mask file holds."""
    left, top, width, height = change
    inside = np.zeros(SIZE[::-1], np.uint8)
    inside[top : top + height, left : left + width] = 255
    Image.fromarray(inside).save(file)


def test_an_edited_mask_takes_the_place_of_the_earlier_one_and_one_undo_brings_it_back(
    marked: Project, tmp_path: Path
) -> None:
    out = exported(marked, tmp_path)
    repaint(out / "masks" / "0" / "Cell" / "0000.png", (3, 2, 12, 10))
    before = snapshot(marked)
    report = import_masks(marked, Request(out))
    assert (len(report.regions), len(report.replaced), report.added) == (1, 1, ())
    assert any(line.title == "Masks took the place of earlier ones" for line in report.lines)
    found = first_of(marked)
    assert [name for name, _mask in found] == ["Cell", "Cell", "Leaf"], "it lies where the earlier one lay"
    assert found[0][1].same(block(SIZE, 3, 2, 12, 10))
    assert found[2][1].same(block(SIZE, 2, 2, 12, 10)), "another label is another thing"
    after = snapshot(marked)
    assert report.change is not None
    undone = report.change.inverse(marked)
    assert snapshot(marked) == before
    undone.inverse(marked)
    assert snapshot(marked) == after


def test_what_is_mostly_elsewhere_is_another_thing(marked: Project, tmp_path: Path) -> None:
    out = exported(marked, tmp_path)
    repaint(out / "masks" / "0" / "Cell" / "0000.png", (9, 2, 12, 10))
    report = import_masks(marked, Request(out))
    assert (len(report.regions), report.replaced) == (1, ())
    assert len(first_of(marked)) == 4


def test_each_mask_takes_the_place_of_at_most_one(marked: Project, tmp_path: Path) -> None:
    out = exported(marked, tmp_path)
    cells = out / "masks" / "0" / "Cell"
    repaint(cells / "0000.png", (3, 2, 12, 10))
    repaint(cells / "0007.png", (2, 3, 12, 10))
    report = import_masks(marked, Request(out))
    assert (len(report.regions), len(report.replaced)) == (2, 1)
    image = queries.images_to_segment(marked)[0]
    assert not set(report.replaced) & {one.id for one in queries.regions(marked, image.id)}


def test_a_proposal_that_comes_back_is_vouched_for(marked: Project, tmp_path: Path) -> None:
    out = exported(marked, tmp_path)
    image = queries.images_to_segment(marked)[0]
    cell = queries.regions(marked, image.id)[0]
    edits_regions.accept_regions(marked, [cell.id], accepted=False)
    repaint(out / "masks" / "0" / "Cell" / "0000.png", (2, 2, 13, 10))
    report = import_masks(marked, Request(out))
    assert report.replaced == (cell.id,)
    assert all(one.accepted for one in queries.regions(marked, image.id))


def test_the_window_can_take_a_returning_export_back(marked: Project, tmp_path: Path) -> None:
    out = exported(marked, tmp_path)
    repaint(out / "masks" / "0" / "Cell" / "0000.png", (3, 2, 12, 10))
    before = snapshot(marked)
    report = import_masks(marked, Request(out))
    ids = {kind: list(getattr(report, kind)) for kind in import_process._IDS}
    line = {"report": {"added": [], "lines": [], "seconds": 0.1, "cancelled": False, **ids}}
    told = import_process.report_of(line)
    assert told.replaced == report.replaced
    assert told.change is not None
    told.change.inverse(marked)
    assert snapshot(marked) == before


@pytest.mark.parametrize("kind", FORMATS)
def test_that_nothing_is_in_a_picture_goes_out_and_comes_back(marked: Project, tmp_path: Path, kind: str) -> None:
    out = exported(marked, tmp_path, kind)
    with Project.create(tmp_path / "other", "Other") as other:
        report = import_masks(other, Request(out), kind=kind)
        assert any(line.title == EMPTY for line in report.lines)
        images = {image.original_name: image for image in queries.images_to_segment(other)}
        assert {name: image.checked_empty for name, image in images.items()} == {"0.png": False, "1.png": True}
        assert report.checked == (images["1.png"].id,)
        assert queries.region_counts(other, accepted=True)[images["1.png"].id] == {}
        assert report.change is not None
        report.change.inverse(other)
        assert queries.images_to_segment(other) == ()


def test_an_empty_mask_never_takes_marks_away(marked: Project, tmp_path: Path) -> None:
    out = exported(marked, tmp_path, "pairs")
    repaint(out / "masks" / "0.png", (0, 0, 0, 0))
    report = import_masks(marked, Request(out), kind="pairs")
    assert (report.regions, report.checked) == ((), ())
    assert any(line.title == "The mask is empty, the picture is not" for line in report.lines)
    assert len(first_of(marked)) == 3


def test_a_picture_without_any_mask_is_not_taken_for_an_empty_one(marked: Project, tmp_path: Path) -> None:
    out = exported(marked, tmp_path, "coco")
    text = (out / "annotations.json").read_text()
    (out / "annotations.json").write_text(text.replace(',"checked_empty":true', ""))
    shutil.rmtree(marked.root / "cache", ignore_errors=True)
    with Project.create(tmp_path / "other", "Other") as other:
        import_masks(other, Request(out))
        assert not any(image.checked_empty for image in queries.images_to_segment(other))


def test_marks_count_for_more_and_the_check_for_parts(marked: Project) -> None:
    first, second = queries.images_to_segment(marked)
    assert set(splitting.plan(marked).chosen) == {first.id, second.id}
    cell = queries.labels(marked)[0].id
    change = edits_regions.add_regions(marked, [region(second.id, cell, block(SIZE, 0, 0, 5, 5))])
    assert queries.region_counts(marked, accepted=True)[second.id] == {cell: 1}
    change.inverse(marked)
    assert queries.region_counts(marked, accepted=True)[second.id] == {}
    undo = edits_regions.set_checked_empty(marked, [second.id], empty=False)
    assert second.id not in queries.region_counts(marked, accepted=True)
    undo.inverse(marked)
    assert queries.image(marked, second.id).checked_empty
