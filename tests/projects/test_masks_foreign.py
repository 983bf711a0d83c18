"""Masks as other tools write them."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from projects import importing, queries
from projects.project import Project
from projects.regions.exchange.formats import FORMATS, detect
from projects.regions.exchange.indexed import voc_palette
from projects.regions.exchange.sheet import Request
from projects.regions.exchange.yolo import names_in
from projects.regions.mask import Mask
from tests.projects.foreign import (
    SIZE,
    A,
    B,
    bring,
    coco,
    corners,
    labelme,
    marks,
    png,
    same,
    save_json,
    save_picture,
    save_values,
    shape,
    square,
    told,
)


def _runs(inside: np.ndarray) -> dict[str, object]:
    return {"size": [SIZE[1], SIZE[0]], "counts": Mask.of(inside).counts.tolist()}


# --- COCO


def test_coco_in_all_its_forms(project: Project, source: Path) -> None:
    save_picture(source / "images" / "a.png")
    ring = A & ~square(8, 10, 12, 20)
    annotations = [
        {"segmentation": [corners(4, 6, 20, 30)], "bbox": [4, 6, 16, 24], "area": 384.0},
        # Two outlines are one object; they are united, not filled by turns.
        {"segmentation": [corners(30, 2, 36, 12), corners(34, 2, 40, 12)], "category_id": 90},
        {"segmentation": _runs(ring), "iscrowd": 1},
        {"segmentation": {"size": [SIZE[1], SIZE[0]], "counts": Mask.of(B).text}},
        # Some tools leave out the list around a lone outline.
        {"segmentation": corners(1, 1, 3, 3)},
        {"segmentation": [corners(4.4, 6.3, 19.6, 29.6)]},
    ]
    save_json(source / "annotations" / "instances_val2017.json", coco(annotations))
    report = bring(project, source)
    expected = [("cat", A), ("brush", B), ("cat", ring), ("cat", B), ("cat", square(1, 1, 3, 3))]
    assert same(marks(project)["a.png"], expected)
    assert told(report, "error") == told(report, "warning") == []
    (image,) = queries.images_to_segment(project)
    assert (image.split, image.split_by_hand) == ("validation", True)
    # Classes keep the file's order, whichever came first; those without marks are not taken.
    assert [label.name for label in queries.labels(project)] == ["cat", "brush"]


def test_a_coco_file_by_itself_finds_pictures_in_the_folder_beside(project: Project, source: Path) -> None:
    save_picture(source / "train2017" / "a.png")
    path = save_json(
        source / "annotations" / "instances_train2017.json", coco([{"segmentation": [corners(4, 6, 20, 30)]}])
    )
    bring(project, path)
    assert same(marks(project)["a.png"], [("cat", A)])
    assert queries.images_to_segment(project)[0].split == "train"


def test_marks_find_pictures_that_the_project_has(project: Project, concept: str, source: Path, tmp_path: Path) -> None:
    importing.import_paths(project, [save_picture(source / "a.png")], None)
    importing.import_paths(project, [save_picture(tmp_path / "other" / "a.png", 5)], concept)
    path = save_json(tmp_path / "marks" / "marks.json", coco([{"segmentation": _runs(A)}]))
    report = bring(project, path)
    assert report.added == ()
    (image,) = queries.images_to_segment(project)
    assert len(queries.regions(project, image.id)) == 1


# --- labelme


def test_labelme_shapes(project: Project, source: Path) -> None:
    save_picture(source / "a.png")
    ring = (A & ~square(8, 10, 12, 20))[6:30, 4:20]
    rows, columns = np.ogrid[: SIZE[1], : SIZE[0]]
    disc = (rows + 0.5 - 18) ** 2 + (columns + 0.5 - 24) ** 2 < 8.03**2
    shapes = [
        shape("polygon", [[4, 6], [20, 6], [20, 30], [4, 30]]),
        shape("rectangle", [[40, 12], [30, 2]], "box"),
        shape("circle", [[24, 18], [24, 26.03]], "disc"),
        shape("mask", [[4, 6], [19, 29]], "ring", mask=png(ring.astype(np.uint8))),
        shape("polygon", [[4, 6], [8, 6], [8, 9], [4, 9]], "pair", group_id=5),
        shape("polygon", [[14, 6], [18, 6], [18, 9], [14, 9]], "pair", group_id=5),
        shape("polygon", [[24, 6], [28, 6], [28, 9], [24, 9]], "pair", group_id=6),
        shape("point", [[3, 3]]),
        shape("linestrip", [[3, 3], [5, 5]]),
    ]
    save_json(source / "a.json", labelme(shapes))
    report = bring(project, source)
    expected = [
        ("cat", A),
        ("box", B),
        ("ring", A & ~square(8, 10, 12, 20)),
        ("pair", square(4, 6, 8, 9) | square(14, 6, 18, 9)),
        ("pair", square(24, 6, 28, 9)),
    ]
    found = marks(project)["a.png"]
    assert same([one for one in found if one[0] != "disc"], expected)
    (circle,) = (inside for label, inside in found if label == "disc")
    assert (circle ^ disc).sum() <= 4
    assert [line for line in told(report) if "only a" in line] == [
        "a.json: 1 shape is only a linestrip",
        "a.json: 1 shape is only a point",
    ]


def test_a_picture_within_its_labelme_file(project: Project, source: Path) -> None:
    data = save_picture(source / "elsewhere.png").read_bytes()
    (source / "elsewhere.png").unlink()
    document = labelme([shape("rectangle", [[4, 6], [20, 30]])], imageData=base64.b64encode(data).decode())
    save_json(source / "a.json", document)
    report = bring(project, source)
    assert len(report.added) == 1
    assert same(marks(project)["a.png"], [("cat", A)])
    assert project.path(queries.images(project)[0].file).read_bytes() == data


# --- pictures of numbers


def test_voc_with_objects_borders_and_names(project: Project, source: Path) -> None:
    save_picture(source / "JPEGImages" / "2007_000032.jpg", quality=95)
    border = square(3, 5, 21, 31) & ~A
    classes = np.where(A, 15, np.where(B, 1, 0)).astype(np.uint8)
    halves = np.where(square(4, 6, 12, 30), 1, np.where(square(12, 6, 20, 30), 2, np.where(B, 3, 0))).astype(np.uint8)
    for folder, numbers in (("SegmentationClass", classes), ("SegmentationObject", halves)):
        picture = Image.fromarray(np.where(border, 255, numbers).astype(np.uint8)).convert("P")
        picture.putpalette(voc_palette())
        (source / folder).mkdir()
        picture.save(source / folder / "2007_000032.png")
    names = ["background", "aeroplane", *(f"name {number}" for number in range(2, 15)), "person"]
    (source / "labels.txt").write_text("__ignore__\n" + "\n".join(names))
    report = bring(project, source)
    expected = [("person", square(4, 6, 12, 30)), ("person", square(12, 6, 20, 30)), ("aeroplane", B)]
    assert same(marks(project)["2007_000032.jpg"], expected)
    assert told(report, "warning") == []
    assert any("left unmarked" in line for line in told(report, "info"))


def test_the_colours_of_voc() -> None:
    palette = voc_palette()
    assert [palette[3 * number : 3 * number + 3] for number in (0, 1, 2, 15, 255)] == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [192, 128, 128],
        [224, 224, 192],
    ]


def test_grey_class_numbers(project: Project, source: Path) -> None:
    save_picture(source / "images" / "a.png")
    save_values(source / "labels" / "a.png", np.where(A, 1, np.where(B, 2, 0)).astype(np.uint8))
    (source / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:1,1,1::\ndog: b:2,2,2::\n"
    )
    bring(project, source)
    assert same(marks(project)["a.png"], [("cat", A), ("dog: b", B)])


def test_class_numbers_without_names(project: Project, source: Path) -> None:
    save_picture(source / "images" / "a.png")
    save_values(source / "labels" / "a.png", np.where(A, 1, np.where(B, 2, 0)).astype(np.uint8))
    bring(project, source)
    assert same(marks(project)["a.png"], [("class 1", A), ("class 2", B)])


@pytest.mark.parametrize("name", ["a.png", "a_cp_masks.png", "a.tif"])
def test_deep_pictures_of_objects(project: Project, source: Path, name: str) -> None:
    save_picture(source / "images" / "a.png")
    values = np.where(square(4, 6, 12, 30), 1, np.where(square(12, 6, 20, 30), 70, np.where(B, 60000, 0))).astype(
        np.uint16
    )
    save_values(source / "masks" / name, values)
    report = bring(project, source, label="cell")
    expected = [("cell", square(4, 6, 12, 30)), ("cell", square(12, 6, 20, 30)), ("cell", B)]
    assert same(marks(project)["a.png"], expected)
    assert told(report, "warning") == []


# --- YOLO


@pytest.mark.parametrize("listed", ["yaml", "classes.txt"])
def test_yolo(project: Project, source: Path, listed: str) -> None:
    save_picture(source / "images" / "train" / "a.jpg", 0, quality=95)
    save_picture(source / "images" / "val" / "a.jpg", 1, quality=95)
    save_picture(source / "images" / "val" / "bare.jpg", 2, quality=95)
    if listed == "yaml":
        (source / "data.yaml").write_text(
            "path: ../x\ntrain: images/train\nval: images/val\nnc: 2\nnames: ['cat', \"dog\"]\n"
        )
    else:
        (source / "classes.txt").write_text("cat\ndog\n")
    for part, number, box in (("train", 1, (4, 6, 20, 30)), ("val", 0, (30, 2, 40, 12))):
        points = np.array(corners(*box)).reshape(-1, 2) / SIZE
        line = f"{number} " + " ".join(f"{value:.6f}" for value in points.ravel())
        (source / "labels" / part).mkdir(parents=True)
        (source / "labels" / part / "a.txt").write_text(line + "\n0 0.5 0.5 0.1 0.1\n")
    report = bring(project, source)
    found = {
        image.split: [
            (region.label_id, Mask.from_text(region.counts, *SIZE).array())
            for region in queries.regions(project, image.id)
        ]
        for image in queries.images_to_segment(project)
        if image.original_name == "a.jpg"
    }
    names = {label.name: label.id for label in queries.labels(project)}
    assert same(found["train"], [(names["dog"], A)])
    assert same(found["validation"], [(names["cat"], B)])
    assert told(report, "warning") == ["bare.jpg: A picture has no mask", *["a.txt: 1 line is only a box"] * 2]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("names: [a, 'b, c', \"d\"]", {0: "a", 1: "b, c", 2: "d"}),
        ("nc: 2\nnames:\n  0: person\n  1: 'it''s'\n\n# end\nroboflow:\n  workspace: x", {0: "person", 1: "it's"}),
        ('names:\n- a b\n- "c: \\u00e9"\ntrain: x', {0: "a b", 1: "c: é"}),
        ("names: {0: a, 5: b}", {0: "a", 5: "b"}),
        ("names: [a,\n  b]", {0: "a", 1: "b"}),
        ("train: x\n  names: no", {}),
        ("names:\n", {}),
        ('names:\n  0: a # the first\n  1: "bad \\q"', {0: "a", 1: "bad \\q"}),
    ],
)
def test_names_in_yaml(text: str, names: dict[int, str]) -> None:
    assert names_in(text) == names


# --- single masks and pairs


def test_the_data_science_bowls_layout(project: Project, source: Path) -> None:
    for seed, name in enumerate(("f1a0", "b2c3")):
        save_picture(source / name / "images" / f"{name}.png", seed)
        for number, inside in enumerate((A, B)):
            save_values(source / name / "masks" / f"{number}{'9a' * 30}.png", inside.astype(np.uint8) * 255)
    report = bring(project, source, label="nucleus")
    assert told(report, "warning") == told(report, "error") == []
    for name in ("f1a0.png", "b2c3.png"):
        assert same(marks(project)[name], [("nucleus", A), ("nucleus", B)])


def test_a_folder_of_masks_for_each_picture(project: Project, source: Path, tmp_path: Path) -> None:
    save_picture(tmp_path / "photos" / "a.jpg", quality=95)
    save_values(source / "a" / "0.png", A.astype(np.uint8) * 255)
    save_values(source / "a" / "1.png", B)
    bring(project, source, pictures=tmp_path / "photos", label="thing")
    assert same(marks(project)["a.jpg"], [("thing", A), ("thing", B)])


@pytest.mark.parametrize(
    ("picture", "mask"),
    [
        ("images/a.jpg", "masks/a.jpg"),
        ("Imgs/a.jpg", "GT/a.png"),
        ("train_A/a.png", "train_B/a.png"),
        ("train/image/a.png", "train/mask/a.png"),
        ("a.jpg", "a_mask.png"),
        ("a.jpg", "a_segmentation.png"),
        ("images/x/a.png", "masks/x/a.png"),
    ],
)
def test_pairs_as_data_sets_have_them(project: Project, source: Path, picture: str, mask: str) -> None:
    save_picture(source / picture)
    save_values(source / mask, A.astype(np.uint8) * 255, **({"quality": 95} if mask.endswith("jpg") else {}))
    save_picture(source / Path(picture).with_stem("b"), 1)
    other = source / mask
    save_values(other.with_name(f"b{other.stem[1:]}.png"), B)
    report = bring(project, source, label="polyp")
    assert same(marks(project)[Path(picture).name], [("polyp", A)])
    assert same(marks(project)[Path(picture).with_stem("b").name], [("polyp", B)])
    assert told(report, "error") == []
    if "train" in picture:
        assert {image.split for image in queries.images(project)} == {"train"}


@pytest.mark.parametrize("values", [(0, 1), (0, 255), (0, 128), (False, True), (0, 65535)])
def test_black_and_white_in_any_numbers(project: Project, source: Path, values: tuple[int, int]) -> None:
    save_picture(source / "images" / "a.png")
    kind = bool if values == (False, True) else np.uint16 if values[1] > 255 else np.uint8
    save_values(source / "masks" / "a.png", np.where(A, values[1], values[0]).astype(kind))
    assert told(bring(project, source), "warning") == []
    assert same(marks(project)["a.png"], [("object", A)])


# --- telling formats apart


def test_formats_are_told_apart(tmp_path: Path) -> None:
    from projects.project import Project as Document
    from projects.regions.exporting import export_masks

    with Document.create(tmp_path / "p", "x") as project:
        save_picture(tmp_path / "in" / "images" / "a.png")
        save_picture(tmp_path / "in" / "images" / "b.png", 1)
        for name in "ab":
            save_values(tmp_path / "in" / "labels" / f"{name}.png", np.where(A, 1, np.where(B, 2, 0)).astype(np.uint8))
        bring(project, tmp_path / "in")
        for kind in FORMATS:
            export_masks(project, tmp_path / kind, kind)
            assert detect(Request(tmp_path / kind)) == kind
