"""Finding pictures in what people drop."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from projects.scanning import repeats_and_words, scan


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def _names(folder: Path) -> list[str]:
    return [picture.name for picture in scan([folder]).pictures]


def test_folders_are_searched_in_natural_order(source: Path) -> None:
    _touch(
        source,
        "10.jpg",
        "2.JPG",
        "a.txt",
        "b/3.webp",
        "b/c/4.avif",
        ".hidden.png",
        ".git/5.png",
        "readme.md",
        "clip.mp4",
    )
    found = scan([source])
    assert [picture.name for picture in found.pictures] == ["2.JPG", "10.jpg", "3.webp", "4.avif"]
    assert [(line.level, line.title) for line in found.lines] == [("info", "2 other files were left alone")]


def test_a_file_dropped_twice_counts_once(source: Path) -> None:
    _touch(source, "1.jpg")
    assert len(scan([source, source / "1.jpg", source]).pictures) == 1


def test_names_that_differ_in_case_only_are_two_pictures(source: Path) -> None:
    _touch(source, "a.jpg")
    if (source / "A.JPG").exists():
        pytest.skip("this disk does not tell upper from lower case")
    _touch(source, "A.JPG")
    assert sorted(_names(source)) == ["A.JPG", "a.jpg"]


@pytest.mark.parametrize("whole_folder", [True, False])
def test_captions_and_masks_lie_beside(source: Path, whole_folder: bool) -> None:
    _touch(source, "a.jpg", "a.txt", "a.caption", "a-masklabel.png", "b.png", "b.caption", "c.png", "c-condlabel.png")
    dropped = [source] if whole_folder else sorted(source.iterdir())
    found = scan(dropped)
    about = {picture.name: picture for picture in found.pictures}
    assert list(about) == ["a.jpg", "b.png", "c.png"]
    assert (about["a.jpg"].caption, about["a.jpg"].mask) == (source / "a.txt", source / "a-masklabel.png")
    assert (about["b.png"].caption, about["b.png"].mask) == (source / "b.caption", None)
    assert not found.lines


@pytest.mark.parametrize("whole_folder", [True, False])
def test_a_mask_without_its_picture_is_reported(source: Path, whole_folder: bool) -> None:
    _touch(source, "a.jpg", "b-masklabel.png")
    dropped = [source] if whole_folder else [source / "a.jpg", source / "b-masklabel.png"]
    (line,) = scan(dropped).lines
    assert (line.level, line.file) == ("warning", "b-masklabel.png")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("10_dog", (10, "dog")),
        ("1_sks dog", (1, "sks dog")),
        ("500_a_b", (500, "a_b")),
        ("2023_holiday", None),
        ("999_x", None),
        ("01_session", None),
        ("10_", None),
        ("dog_10", None),
        ("10", None),
        ("0_dog", None),
    ],
)
def test_folder_names_with_repeats(name: str, expected: tuple[int, str] | None) -> None:
    assert repeats_and_words(name) == expected


@pytest.mark.parametrize("pointed_at", ["img", "img/10_sks dog", "img/10_sks dog/1.png"])
def test_repeats_folders_through_parent_folder_or_file(source: Path, pointed_at: str) -> None:
    _touch(source, "img/10_sks dog/1.png")
    (picture,) = scan([source / pointed_at]).pictures
    assert (picture.repeats, picture.words) == (10, "sks dog")


def test_regularisation_pictures_are_left_out_and_said(source: Path) -> None:
    _touch(source, "img/5_sks dog/1.png", "reg/1_dog/2.png", "regatta/3.png")
    found = scan([source])
    assert [(picture.name, picture.repeats) for picture in found.pictures] == [("1.png", 5), ("3.png", 1)]
    assert any("Regularisation" in line.title for line in found.lines)


def test_a_folder_called_reg_with_ordinary_pictures_is_taken(source: Path) -> None:
    _touch(source, "reg/1.png")
    assert _names(source) == ["1.png"]


def test_links_in_a_circle_end(source: Path) -> None:
    _touch(source, "a/1.png")
    try:
        (source / "a" / "back").symlink_to(source, target_is_directory=True)
        (source / "self.png").symlink_to(source / "self.png")
    except OSError:
        pytest.skip("links cannot be made here")
    found = scan([source])
    assert sorted(picture.name for picture in found.pictures) == ["1.png", "self.png"]


def test_the_project_is_not_imported_into_itself(source: Path) -> None:
    _touch(source, "project/images/1.png", "2.png")
    found = scan([source], project_root=source / "project")
    assert [picture.name for picture in found.pictures] == ["2.png"]
    assert [line.title for line in found.lines] == ["This is the project's own folder"]
    assert scan([source / "project"], project_root=source / "project").pictures == ()


def test_what_is_not_there_or_no_file_is_reported(source: Path) -> None:
    lines = scan([source / "missing.jpg", Path("bad\0name.jpg")]).lines
    assert [line.level for line in lines] == ["error", "error"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(source / "pipe.jpg")
        (line,) = scan([source / "pipe.jpg"]).lines
        assert line.title == "Not an ordinary file"


def test_camera_formats_are_told_apart_from_other_files(source: Path) -> None:
    _touch(source, "IMG_1.HEIC", "a.dng")
    assert [(line.level, line.title) for line in scan([source]).lines] == [
        ("error", "DNG pictures cannot be read"),
        ("error", "HEIC pictures cannot be read"),
    ]


def test_undecodable_names_can_be_shown(source: Path) -> None:
    try:
        (source / os.fsdecode(b"caf\xe9.jpg")).touch()
    except OSError:
        pytest.skip("this disk refuses such names")
    (picture,) = scan([source]).pictures
    picture.name.encode("utf-8")
    assert picture.path.exists()


def test_of_another_project_only_the_pictures_are_taken(source: Path) -> None:
    _touch(source, "old/project.db", "old/images/1.png", "old/masks/1-ab.png", "old/runs/r/samples/2.png")
    found = scan([source], project_root=source / "new")
    assert [picture.name for picture in found.pictures] == ["1.png"]
    assert [line.title for line in found.lines] == ["This is another project", "1 other file was left alone"]


def test_the_projects_own_pictures_are_not_imported_again(source: Path) -> None:
    _touch(source, "project/images/1.png")
    assert scan([source / "project" / "images"], project_root=source / "project").pictures == ()
