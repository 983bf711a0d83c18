"""Whatever is wrong with masks is a sentence, nothing is half taken in, and the rest comes in."""

from __future__ import annotations

import base64
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from projects import importing, queries
from projects.project import Project
from projects.regions.exchange import files
from projects.regions.exchange.sheet import Frame
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
from tests.projects.pictures import photo


def _good_coco(source: Path, *more: dict[str, object], **about: object) -> Path:
    save_picture(source / "a.png")
    return save_json(source / "marks.json", coco([{"segmentation": [corners(4, 6, 20, 30)]}, *more], **about))


# --- marks that make no sense: the others stay


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ({"segmentation": []}, "has no mask"),
        ({"segmentation": None}, "has no mask"),
        ({}, "has no mask"),
        ({"segmentation": [[1, 2, 3, 4]]}, "makes no sense"),
        ({"segmentation": [[1, 2, 3, 4, 5]]}, "makes no sense"),
        ({"segmentation": [["x"] * 6]}, "makes no sense"),
        ({"segmentation": [[[1, 2], [3, 4], [5, 6]]]}, "makes no sense"),
        ({"segmentation": [[1, 2, float("nan"), 4, 5, 6]]}, "makes no sense"),
        ({"segmentation": [[1, 2, 1e300, 4, 5, 6]]}, "makes no sense"),
        ({"segmentation": [corners(500, 500, 600, 600)]}, "marks nothing"),
        ({"segmentation": [corners(4, 4, 4, 9)]}, "marks nothing"),
        ({"segmentation": {"size": [36, 48], "counts": [1728]}}, "is empty"),
        ({"segmentation": {"size": [36, 48], "counts": [1, 2]}}, "run lengths"),
        ({"segmentation": {"size": [36, 48], "counts": "¡hola!"}}, "run lengths"),
        ({"segmentation": {"size": [36, 48], "counts": [-5, 1733]}}, "run lengths"),
        ({"segmentation": {"size": [36, 48], "counts": [[1], 2]}}, "run lengths"),
        ({"segmentation": {"size": [36, 48], "counts": [1e400]}}, "run lengths"),
        ({"segmentation": {"size": [36, 48]}}, "run lengths"),
        ({"segmentation": {"size": [99, 48], "counts": [99 * 48]}}, "another size"),
        ({"segmentation": {"size": [36 * 10**6, 48 * 10**6], "counts": [1]}}, "size makes no sense"),
        ({"segmentation": {"size": "big", "counts": [1]}}, "size makes no sense"),
        ({"segmentation": 7}, "has no mask"),
        ({"segmentation": [[0.5, 0.5] * 200_001]}, "too many points"),
    ],
)
def test_a_coco_mark_that_makes_no_sense(project: Project, source: Path, mark: dict[str, object], words: str) -> None:
    report = bring(project, _good_coco(source, mark))
    (line,) = told(report, "warning")
    assert words in line
    assert same(marks(project)["a.png"], [("cat", A)])


def test_marks_of_classes_and_pictures_that_are_not_listed(project: Project, source: Path) -> None:
    more = [
        {"segmentation": [corners(30, 2, 40, 12)], "category_id": 55},
        {"segmentation": [corners(30, 2, 40, 12)], "image_id": 8},
    ]
    report = bring(project, _good_coco(source, *more))
    assert same(marks(project)["a.png"], [("cat", A), ("class 55", B)])
    assert set(told(report, "warning")) == {
        "a.png: A class has no name",
        "marks.json: 1 annotation belongs to no picture of the file",
    }


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (shape("polygon", [[1, 2], [3, 4]]), "too few points"),
        (shape("polygon", []), "too few points"),
        (shape("circle", [[1, 2]]), "too few points"),
        (shape("polygon", [["a", "b"]] * 3), "makes no sense"),
        (shape("polygon", [[1, 2, 3]] * 3), "makes no sense"),
        ({**shape("polygon", []), "points": 5}, "makes no sense"),
        (shape("mask", [[4, 6], [19, 29]], mask="%%%"), "is damaged"),
        (shape("mask", [[4, 6], [19, 29]], mask=base64.b64encode(b"no png").decode()), "Not a picture"),
        (shape("mask", [[4, 6], [19, 29]], mask=png(np.zeros((24, 16), dtype=np.uint8))), "is empty"),
        (shape("mask", [[40, 30], [55, 53]], mask=png(np.ones((24, 16), dtype=np.uint8))), "does not fit"),
        (shape("mask", [], mask=png(np.ones((24, 16), dtype=np.uint8))), "does not fit"),
        (shape("mask", [[0, 0], [9, 9]], mask=png(np.ones((200, 200), dtype=np.uint8))), "too large"),
        (shape("mask", [[0, 0], [9, 9]]), "is damaged"),
        (shape("hologram", [[1, 1]]), "too few points"),
    ],
)
def test_a_labelme_shape_that_makes_no_sense(
    project: Project, source: Path, bad: dict[str, object], words: str
) -> None:
    save_picture(source / "a.png")
    good = shape("polygon", [[4, 6], [20, 6], [20, 30], [4, 30]])
    report = bring(project, save_json(source / "a.json", labelme([bad, good])))
    (line,) = told(report, "warning")
    assert words in line
    assert same(marks(project)["a.png"], [("cat", A)])


@pytest.mark.parametrize(
    "line", ["", "x 1 2 3", "0 a b c d e f", "0 .1 .1 .2 .2 .3", "0 5 5 6 5 6 6", "0 nan 0 1 0 1 1"]
)
def test_a_yolo_line_that_makes_no_sense(project: Project, source: Path, line: str) -> None:
    save_picture(source / "a.png")
    good = " ".join(str(value) for value in (np.array(corners(4, 6, 20, 30)).reshape(-1, 2) / SIZE).ravel())
    (source / "a.txt").write_text(f"{line}\n1 {good}\n")
    (source / "classes.txt").write_text("dog\ncat\n")
    report = bring(project, source, kind="yolo")
    assert same(marks(project)["a.png"], [("cat", A)])
    assert len(told(report, "warning")) == bool(line)


def test_an_outline_beyond_the_picture_is_cut_off_and_told(project: Project, source: Path) -> None:
    report = bring(project, _good_coco(source, {"segmentation": [corners(30, -9, 90, 12)]}))
    assert told(report, "warning") == ["a.png: An outline reaches beyond the picture"]
    assert same(marks(project)["a.png"], [("cat", A), ("cat", square(30, 0, 48, 12))])


# --- files that make no sense


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "damaged"),
        (b"{", "damaged"),
        (b'{"images": [], "annotations": [', "damaged"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "nested too deeply"),
        (b'{"images": [], "annotations": [' + b"9" * 5000 + b"]}", "damaged"),
        (b"\xff\xfe\x00", "damaged"),
        (b'{"shapes": 5, "imagePath": 5}', "no COCO file"),
    ],
)
def test_a_file_that_is_no_coco(project: Project, source: Path, data: bytes, words: str) -> None:
    (source / "x.json").write_bytes(data)
    (line,) = bring(project, source / "x.json", kind="coco").lines
    assert words in line.title
    assert line.level == "error"
    assert queries.labels(project) == ()


@pytest.mark.parametrize(
    "document",
    [
        {"images": 5, "annotations": 6},
        {"images": [5, None, {}], "annotations": [7, []], "categories": {"a": 1}},
        {"images": [{"id": [], "file_name": {}}], "annotations": [{"image_id": {}}]},
        {"images": [{"id": 1e999, "file_name": ""}], "annotations": None},
    ],
)
def test_a_coco_file_of_nonsense_takes_nothing_in(project: Project, source: Path, document: dict[str, object]) -> None:
    save_picture(source / "a.png")
    report = bring(project, save_json(source / "x.json", document))
    assert report.regions == ()
    assert report.change is None


def test_files_that_are_too_large_are_not_read(project: Project, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _good_coco(source)
    monkeypatch.setattr("projects.regions.exchange.files.MOST_BYTES", 100)
    (line,) = bring(project, path, kind="coco").lines
    assert "too large" in line.title
    monkeypatch.setattr(files, "MOST_FILES", 1)
    (line,) = bring(project, source, kind="labelme").lines
    assert "too many files" in line.title


def test_one_broken_labelme_file_among_others(project: Project, source: Path) -> None:
    for seed, name in enumerate("abc"):
        save_picture(source / f"{name}.png", seed)
        shapes = [shape("rectangle", [[4, 6], [20, 30]])]
        save_json(source / f"{name}.json", labelme(shapes, imagePath=f"{name}.png"))
    (source / "b.json").write_text('{"shapes": [')
    report = bring(project, source)
    assert {name: len(found) for name, found in marks(project).items()} == {"a.png": 1, "b.png": 0, "c.png": 1}
    assert told(report, "error") == ["b.json: The file is damaged"]
    assert told(report, "warning") == ["b.png: A picture has no mask"]


@pytest.mark.parametrize("kind", ["coco", "labelme", "yolo", "single", "pairs", "indexed", "instances", "auto"])
def test_folders_without_masks(project: Project, source: Path, kind: str) -> None:
    (line,) = bring(project, source, kind=kind).lines
    assert line.level == "error"
    (line,) = bring(project, source / "missing", kind=kind).lines
    assert line.level == "error"
    assert queries.images(project) == ()


# --- names that would leave the folder


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "/{outside}/secret.png",
        "..\\secret.png",
        "sub/../../secret.png",
        "C:\\secret.png",
        "secret.png\0.png",
        "link/secret.png",
        "link.png",
    ],
)
@pytest.mark.parametrize("kind", ["coco", "labelme"])
def test_only_the_folders_own_pictures_are_found(project: Project, tmp_path: Path, name: str, kind: str) -> None:
    outside, source = tmp_path / "outside", tmp_path / "outside" / "data"
    source.mkdir(parents=True)
    save_picture(outside / "secret.png")
    if sys.platform != "win32":
        (source / "link").symlink_to(outside, target_is_directory=True)
        (source / "link.png").symlink_to(outside / "secret.png")
    name = name.replace("{outside}", str(outside).strip("/"))
    document = (
        coco([{"segmentation": [corners(4, 6, 20, 30)]}], file_name=name)
        if kind == "coco"
        else labelme([shape("rectangle", [[4, 6], [20, 30]])], imagePath=name)
    )
    report = bring(project, save_json(source / "x.json", document))
    assert queries.images(project) == ()
    assert any("no picture for these marks" in line for line in told(report, "error"))


def test_a_name_with_a_strange_path_still_finds_its_picture_in_the_folder(project: Project, source: Path) -> None:
    save_picture(source / "images" / "a.png")
    document = coco([{"segmentation": [corners(4, 6, 20, 30)]}], file_name="D:\\data\\somebody\\a.png")
    bring(project, save_json(source / "x.json", document))
    assert same(marks(project)["a.png"], [("cat", A)])


# --- pictures and masks that do not fit together


def test_masks_and_pictures_that_lack_each_other(project: Project, source: Path) -> None:
    save_picture(source / "images" / "a.png", 0)
    save_picture(source / "images" / "bare.png", 1)
    save_values(source / "masks" / "a.png", A)
    save_values(source / "masks" / "lone.png", B)
    report = bring(project, source)
    assert same(marks(project)["a.png"], [("object", A)])
    assert told(report, "error") == ["lone.png: There is no picture for these marks"]
    assert told(report, "warning") == ["bare.png: A picture has no mask"]
    assert len(report.added) == 2


@pytest.mark.parametrize(
    ("mask", "level", "words"),
    [
        (np.zeros((36, 48), dtype=np.uint8), "warning", "is empty"),
        (np.full((30, 48), 255, dtype=np.uint8), "error", "another size"),
        (np.kron(A, np.ones((2, 2), dtype=bool)), "warning", "resized"),
        (np.repeat(np.arange(36 * 48, dtype=np.uint8).reshape(36, 48), 1, axis=0), "warning", "not just black"),
        (np.where(A, 3, np.where(B, 2, 0)).astype(np.uint8), "error", "holds numbers"),
        (photo(3, SIZE), "error", "no mask"),
        (b"not a picture", "error", "Not a picture"),
        (b"", "error", "Not a picture"),
    ],
    ids=["empty", "size", "double", "soft", "numbers", "photo", "nonsense", "nothing"],
)
def test_a_mask_that_does_not_fit(project: Project, source: Path, mask: object, level: str, words: str) -> None:
    for seed, name in enumerate(("a", "good")):
        save_picture(source / "images" / f"{name}.png", seed)
    save_values(source / "masks" / "good.png", B)
    if isinstance(mask, bytes):
        (source / "masks" / "a.png").write_bytes(mask)
    elif isinstance(mask, np.ndarray):
        save_values(source / "masks" / "a.png", mask)
    else:
        mask.save(source / "masks" / "a.png")
    report = bring(project, source, kind="pairs")
    (line,) = [line for line in report.lines if line.level == level]
    assert line.file == "a.png"
    assert words in line.title
    assert same(marks(project)["good.png"], [("object", B)])
    assert len(marks(project)["a.png"]) == (words in {"resized", "not just black"})
    if words == "resized":
        assert same(marks(project)["a.png"], [("object", A)])


@pytest.mark.parametrize(("threshold", "share"), [(0.5, 128), (0.25, 192), (1.0, 1)])
def test_soft_masks_are_cut_at_a_threshold_that_is_told(
    project: Project, source: Path, threshold: float, share: int
) -> None:
    save_picture(source / "images" / "a.png", 0, (256, 40))
    save_values(source / "masks" / "a.png", np.tile(np.arange(256, dtype=np.uint8), (40, 1)))
    report = bring(project, source, threshold=threshold)
    ((_label, inside),) = marks(project)["a.png"]
    assert inside[0].sum() == share
    (line,) = [line for line in report.lines if line.level == "warning"]
    assert f"{threshold:.0%}" in line.hint
    assert "256 shades" in line.hint


def test_a_threshold_must_be_one(project: Project, source: Path) -> None:
    for wrong in (0, -1, 1.01, float("nan")):
        (line,) = bring(project, source, threshold=wrong).lines
        assert "no threshold" in line.title


def test_colours_and_shades_are_no_classes(project: Project, source: Path) -> None:
    save_picture(source / "images" / "a.png", 0, (256, 20))
    save_values(source / "masks" / "a.png", np.tile(np.arange(256, dtype=np.uint8), (20, 1)))
    assert told(bring(project, source, kind="indexed"), "error") == ["a.png: The mask holds shades, not classes"]
    photo(0, (256, 20)).save(source / "masks" / "a.png")
    assert "colours" in told(bring(project, source, kind="indexed"), "error")[0]
    assert "colours" in told(bring(project, source, kind="instances"), "error")[0]


def test_a_stack_is_no_mask(project: Project, source: Path) -> None:
    save_picture(source / "images" / "a.png")
    (source / "masks").mkdir()
    slices = [Image.fromarray(A.astype(np.uint16)) for _ in range(3)]
    slices[0].save(source / "masks" / "a.tif", save_all=True, append_images=slices[1:])
    assert told(bring(project, source, kind="instances"), "error") == ["a.tif: The file holds several pictures"]


def test_two_pictures_of_one_name_are_not_mixed_up(project: Project, source: Path, tmp_path: Path) -> None:
    for seed, folder in enumerate(("x", "y")):
        save_picture(source / folder / "a.png", seed)
    report = bring(project, save_json(source / "m.json", coco([{"segmentation": [corners(4, 6, 20, 30)]}])))
    assert told(report, "error") == ["a.png: Several pictures have that name"]
    importing.import_paths(project, [source / "x", source / "y"], None)
    report = bring(project, save_json(tmp_path / "m" / "m.json", coco([{"segmentation": [corners(4, 6, 20, 30)]}])))
    assert told(report, "error") == ["a.png: Several pictures have that name"]


def test_a_broken_picture_takes_its_marks_along(project: Project, source: Path) -> None:
    save_picture(source / "images" / "good.png")
    (source / "images" / "a.png").write_bytes(b"broken")
    for name in ("a", "good"):
        save_values(source / "masks" / f"{name}.png", A)
    report = bring(project, source)
    assert [line.split(":")[0] for line in told(report, "error")] == ["a.png"]
    assert list(marks(project)) == ["good.png"]


# --- turned pictures


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["pairs", "coco", "labelme"])
def test_masks_follow_pictures_turned_by_their_camera_data(
    project: Project, source: Path, orientation: int, kind: str
) -> None:
    """Tools that look at the pixels as stored mark them lying; the project shows them upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    save_picture(source / "images" / "a.jpg", 0, SIZE, exif=exif)
    sideways = orientation >= 5
    if kind == "pairs":
        save_values(source / "masks" / "a.png", A)
    elif kind == "coco":
        save_json(source / "m.json", coco([{"segmentation": [corners(4, 6, 20, 30)]}], file_name="a.jpg"))
    else:
        save_json(source / "a.json", labelme([shape("rectangle", [[4, 6], [20, 30]])], imagePath="images/a.jpg"))
    report = bring(project, source)
    ((_label, inside),) = marks(project)["a.jpg"]
    if sideways:
        with_data = Image.fromarray(A.astype(np.uint8) * 255)
        with_data.getexif()[0x0112] = orientation
        assert np.array_equal(inside, np.asarray(ImageOps.exif_transpose(with_data)) > 0)
        assert any("turned upright" in line for line in told(report, "info"))
    else:
        # Nothing tells how it was drawn: it is taken as upright, and the person is asked to look.
        assert np.array_equal(inside, A)
        assert any("lie right" in line for line in told(report, "warning"))


def test_masks_drawn_on_the_upright_picture_stay(project: Project, source: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save_picture(source / "images" / "a.jpg", 0, SIZE, exif=exif)
    save_values(source / "masks" / "a.png", A.T.copy())
    report = bring(project, source)
    assert same(marks(project)["a.jpg"], [("object", A.T)])
    assert told(report, "warning") == []


def test_huge_pictures_cost_no_more_than_their_marks(project: Project, source: Path) -> None:
    """A row stands for a picture of 200 megapixels; its marks are drawn without drawing all of it."""
    frame = Frame(20_000, 10_000)
    tracemalloc.start()
    mask, _beyond = frame.outlined([np.array([(15_000.0, 9000.0), (15_400.0, 9000.0), (15_200.0, 9400.0)])])
    _size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert mask.area == pytest.approx(80_000, rel=0.01)
    assert peak < 8_000_000
