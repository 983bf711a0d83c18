"""What was exported comes back: pixel by pixel, with labels, splits and pictures, in every format."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from projects import edits_regions, importing, queries
from projects.edits_regions import NewRegion
from projects.errors import ProjectError
from projects.pixels import load_rgb
from projects.project import Project
from projects.regions.exchange.formats import FORMATS
from projects.regions.exchange.sheet import Request
from projects.regions.exchange.target import Options, Target
from projects.regions.exporting import export_masks
from projects.regions.importing import import_masks
from projects.regions.mask import Mask, union
from tests.projects.marks import blob, block
from tests.projects.pictures import photo

SIZES = {"first.png": (61, 47), "zweites Bild ü.jpg": (80, 33), "third.webp": (40, 40)}
LABELS = ("Zelle", "a: b, 'c' \"d\" #e", "bg-like")
Truth = dict[str, set[tuple[str, str]]]


def _layers(seed: int, size: tuple[int, int]) -> list[Mask]:
    """Three masks with holes and several parts that do not overlap, one of them a single pixel."""
    width, _height = size
    whole = blob(seed, size)
    left = whole.copy()
    left[:, width // 2 :] = False
    right = whole & ~left
    right[0, :] = False
    spot = np.zeros_like(whole)
    spot[0, width - 1] = True
    left[0, width - 1] = False
    return [Mask.of(inside) for inside in (left, right, spot)]


@pytest.fixture
def filled(project: Project, source: Path) -> Project:
    """A project with three pictures, three labels and nine regions."""
    for seed, (name, size) in enumerate(SIZES.items()):
        photo(seed, size).save(source / name, **({"lossless": True} if name.endswith("webp") else {}))
    importing.import_paths(project, [source / name for name in SIZES], None)
    labels = [edits_regions.add_label(project, name).ids[0] for name in LABELS]
    images = queries.images_to_segment(project)
    new = [
        NewRegion(image.id, label, mask, "click")
        for seed, image in enumerate(images)
        for label, mask in zip(labels, _layers(seed, (image.width, image.height)), strict=True)
    ]
    edits_regions.add_regions(project, new)
    edits_regions.set_split(project, [images[1].id], "validation")
    edits_regions.set_split(project, [images[0].id, images[2].id], "train")
    return project


def _truth(project: Project) -> Truth:
    """Picture's stem -> its (label, mask)."""
    names = {label.id: label.name for label in queries.labels(project)}
    return {
        Path(image.original_name).stem: {
            (names[region.label_id], region.counts) for region in queries.regions(project, image.id)
        }
        for image in queries.images_to_segment(project)
    }


def _back(project: Project, folder: Path, tmp_path: Path, **options: object) -> tuple[Project, list[str]]:
    """Import `folder` into a new project; that, and the titles of the report's lines that are not just remarks."""
    opened = Project.create(tmp_path / "back", "Back")
    report = import_masks(opened, Request(folder, **options))
    return opened, [f"{line.file}: {line.title}" for line in report.lines if line.level != "info"]


@pytest.mark.parametrize(
    ("kind", "polygons"),
    [
        ("coco", False),
        ("coco", True),
        ("labelme", False),
        ("labelme", True),
        ("yolo", True),
        ("single", False),
        ("indexed", False),
    ],
)
def test_nothing_is_lost(filled: Project, tmp_path: Path, kind: str, polygons: bool) -> None:
    report = export_masks(filled, tmp_path / "out", kind, options=Options(polygons=polygons))
    assert (report.pictures, report.regions) == (3, 9)
    back, complaints = _back(filled, tmp_path / "out", tmp_path)
    with back:
        assert complaints == []
        expected = _truth(filled)
        if kind == "single":
            # Folders cannot be called just anything; the report of the export says so.
            assert any("folder of" in line.title for line in report.lines)
            renamed = "a_ b, 'c' _d_ #e"
            expected = {
                stem: {(name.replace(LABELS[1], renamed), counts) for name, counts in marks}
                for stem, marks in expected.items()
            }
        assert _truth(back) == expected
        mine, theirs = ({image.sha256 for image in queries.images(opened)} for opened in (filled, back))
        assert mine == theirs
        if kind in {"coco", "yolo"}:
            assert Counter(image.split for image in queries.images_to_segment(back)) == {"train": 2, "validation": 1}
            assert all(image.split_by_hand for image in queries.images_to_segment(back))


def test_objects_come_back_from_pictures_of_numbers(filled: Project, tmp_path: Path) -> None:
    report = export_masks(filled, tmp_path / "out", "instances")
    assert [line.title for line in report.lines] == ["The labels were left out"]
    back, complaints = _back(filled, tmp_path / "out", tmp_path, label="thing")
    with back:
        assert complaints == []
        expected = {stem: {("thing", counts) for _name, counts in marks} for stem, marks in _truth(filled).items()}
        assert _truth(back) == expected


def test_black_and_white_puts_objects_together_and_says_so(filled: Project, tmp_path: Path) -> None:
    report = export_masks(filled, tmp_path / "out", "pairs")
    assert [line.title for line in report.lines] == ["Objects and classes were put together"]
    back, complaints = _back(filled, tmp_path / "out", tmp_path, label="thing")
    with back:
        assert complaints == []
        sizes = {Path(image.original_name).stem: (image.width, image.height) for image in queries.images(filled)}
        expected = {
            stem: {("thing", union([Mask.from_text(counts, *sizes[stem]) for _name, counts in marks]).text)}
            for stem, marks in _truth(filled).items()
        }
        assert _truth(back) == expected


@pytest.mark.parametrize("kind", ["coco", "labelme", "yolo"])
def test_simpler_outlines_stay_close(filled: Project, tmp_path: Path, kind: str) -> None:
    options = Options(polygons=True, tolerance=0.75)
    exact = export_masks(filled, tmp_path / "exact", kind, options=Options(polygons=True))
    export_masks(filled, tmp_path / "out", kind, options=options)
    size = {name: sum(p.stat().st_size for p in (tmp_path / name).rglob("*.[jt][sx]*")) for name in ("exact", "out")}
    assert exact.regions == 9
    assert size["out"] < size["exact"]
    back, _complaints = _back(filled, tmp_path / "out", tmp_path)
    with back:
        truth, found = _truth(filled), _truth(back)
        for image in queries.images_to_segment(back):
            stem = Path(image.original_name).stem
            ours, theirs = (dict(marks[stem]) for marks in (truth, found))
            assert ours.keys() == theirs.keys()
            for label, counts in ours.items():
                mine, other = (
                    Mask.from_text(text, image.width, image.height).array() for text in (counts, theirs[label])
                )
                assert (mine & other).sum() / (mine | other).sum() > 0.97


def test_overlaps_are_kept_where_they_can_be_and_told_where_not(project: Project, source: Path, tmp_path: Path) -> None:
    photo(1, (40, 30)).save(source / "a.png")
    (image_id,) = importing.import_paths(project, [source], None).added
    labels = [edits_regions.add_label(project, name).ids[0] for name in ("lower", "upper")]
    masks = [block((40, 30), 2, 2, 20, 20), block((40, 30), 10, 10, 25, 15)]
    new = [NewRegion(image_id, label, mask, "box") for label, mask in zip(labels, masks, strict=True)]
    edits_regions.add_regions(project, new)
    export_masks(project, tmp_path / "coco", "coco")
    report = export_masks(project, tmp_path / "indexed", "indexed")
    assert [line.title for line in report.lines] == ["1 mask is partly covered by others"]
    with _back(project, tmp_path / "coco", tmp_path)[0] as back:
        assert _truth(back) == _truth(project)
    (tmp_path / "back").rename(tmp_path / "back of coco")
    with _back(project, tmp_path / "indexed", tmp_path)[0] as back:
        found = dict(_truth(back)["a"])
        assert found["upper"] == masks[1].text
        assert Mask.from_text(found["lower"], 40, 30).same(Mask.of(masks[0].array() & ~masks[1].array()))


def test_holes_in_outlines_are_told(project: Project, source: Path, tmp_path: Path) -> None:
    photo(1, (40, 30)).save(source / "a.png")
    (image_id,) = importing.import_paths(project, [source], None).added
    label = edits_regions.add_label(project, "ring").ids[0]
    ring = block((40, 30), 2, 2, 20, 20).array() & ~block((40, 30), 8, 8, 5, 5).array()
    edits_regions.add_regions(project, [NewRegion(image_id, label, Mask.of(ring), "brush")])
    for kind, polygons, told in (("coco", False, 0), ("coco", True, 1), ("labelme", True, 1), ("yolo", False, 1)):
        folder = tmp_path / f"{kind} {polygons}"
        report = export_masks(project, folder, kind, options=Options(polygons=polygons))
        assert sum("hole" in line.title for line in report.lines) == told


def test_pictures_turned_by_their_camera_data_are_written_upright(
    project: Project, source: Path, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(1, (60, 40)).save(source / "a.jpg", exif=exif)
    (image_id,) = importing.import_paths(project, [source], None).added
    label = edits_regions.add_label(project, "thing").ids[0]
    mask = block((40, 60), 1, 2, 9, 30)
    edits_regions.add_regions(project, [NewRegion(image_id, label, mask, "box")])
    report = export_masks(project, tmp_path / "out", "coco")
    assert any("upright" in line.title for line in report.lines)
    with Image.open(tmp_path / "out" / "images" / "a.png") as written:
        assert written.size == (40, 60)
        shown = np.asarray(load_rgb(project.path(queries.image(project, image_id).file)))
        assert np.array_equal(np.asarray(written), shown)
    with _back(project, tmp_path / "out", tmp_path)[0] as back:
        assert _truth(back) == {"a": {("thing", mask.text)}}


def test_only_accepted_regions_leave(filled: Project, tmp_path: Path) -> None:
    image = queries.images_to_segment(filled)[0]
    region = queries.regions(filled, image.id)[0]
    edits_regions.accept_regions(filled, [region.id], accepted=False)
    report = export_masks(filled, tmp_path / "out", "single")
    assert report.regions == 8


@pytest.mark.parametrize("kind", FORMATS)
def test_pictures_of_one_name_keep_apart(project: Project, tmp_path: Path, kind: str) -> None:
    for number in range(3):
        folder = tmp_path / f"in{number}"
        folder.mkdir()
        photo(number, (50, 40)).save(folder / ("same.png" if number < 2 else "SAME.jpg"))
        importing.import_paths(project, [folder], None)
    label = edits_regions.add_label(project, "thing").ids[0]
    images = queries.images_to_segment(project)
    masks = [block((50, 40), 3 * number, 2, 10, 10) for number in range(3)]
    new = [NewRegion(image.id, label, mask, "box") for image, mask in zip(images, masks, strict=True)]
    edits_regions.add_regions(project, new)
    export_masks(project, tmp_path / "out", kind)
    with _back(project, tmp_path / "out", tmp_path, label="thing")[0] as back:
        found = [queries.regions(back, image.id)[0].counts for image in queries.images_to_segment(back)]
        assert sorted(found) == sorted(mask.text for mask in masks)


def test_an_export_is_there_whole_or_not_at_all(
    filled: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = export_masks(filled, tmp_path / "out", "coco", progress=lambda done, total, name: done < 1)
    assert (stopped.folder, stopped.pictures) == (None, 0)

    def full(*words: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Target, "put_text", full)
        with pytest.raises(ProjectError, match="No space left"):
            export_masks(filled, tmp_path / "out", "coco")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*.tmp"))
    (tmp_path / "out").mkdir()
    assert export_masks(filled, tmp_path / "out", "coco").folder == tmp_path / "out"
    with pytest.raises(ProjectError, match="not empty"):
        export_masks(filled, tmp_path / "out", "coco")


def test_nothing_to_export_is_said(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="nothing to export"):
        export_masks(project, tmp_path / "out", "coco")
    assert not (tmp_path / "out").exists()
