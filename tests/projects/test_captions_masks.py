"""Captions and masks as other programs leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from projects import edits, importing, masks, queries
from projects.captions import MOST_BYTES, read_sidecar
from projects.errors import ImportFailure
from projects.pixels import Picture, load_rgb
from projects.project import Project
from tests.projects.pictures import photo, save_photo


@pytest.mark.parametrize(
    ("data", "words", "remarked"),
    [
        (b"a dog", "a dog", False),
        ("\ufeffein Hündchen\r\n".encode(), "ein Hündchen", False),
        ("größer".encode("cp1252"), "größer", True),
        ("größer".encode("utf-16"), "größer", False),
        (b"one\n\n  two,\tthree \n", "one two, three", False),
        (b"", "", False),
        ("日本語, 犬".encode(), "日本語, 犬", False),
        (b"bell \x07 and escape \x1b[31m", "bell and escape [31m", False),
        (b"x" * 5000, "x" * 4000, True),
        ("é".encode() * MOST_BYTES, "é" * 4000, True),
        (b"x" + "é".encode() * MOST_BYTES, "x" + "é" * 3999, True),
    ],
    ids=["utf8", "bom", "cp1252", "utf16", "lines", "empty", "japanese", "controls", "long", "huge", "huge-odd"],
)
def test_captions_in_any_encoding(source: Path, data: bytes, words: str, remarked: bool) -> None:
    path = source / "a.txt"
    path.write_bytes(data)
    text, remark = read_sidecar(path)
    assert text == words
    assert bool(remark) == remarked


def test_a_caption_that_is_no_text_is_refused(source: Path) -> None:
    (source / "a.txt").write_bytes(b"\x89PNG\0\0\0\0")
    with pytest.raises(ImportFailure, match="not text"):
        read_sidecar(source / "a.txt")
    with pytest.raises(ImportFailure, match="cannot be read"):
        read_sidecar(source / "missing.txt")


def _picture(size: tuple[int, int], turned: Image.Transpose | None = None) -> Picture:
    return Picture(Image.new("RGB", size), None, *size, "PNG", turned)


def _half(size: tuple[int, int], mode: str = "L") -> Image.Image:
    """Left half white, right half black."""
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return mask.convert(mode)


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "P", "RGBA"])
def test_masks_of_every_mode(source: Path, mode: str) -> None:
    _half((40, 30), mode).save(source / "m.png")
    mask, remark = masks.read_mask(source / "m.png", _picture((40, 30)))
    assert remark == ""
    assert mask.mode == "L"
    assert (mask.getpixel((3, 3)), mask.getpixel((35, 3))) == (255, 0)


def test_a_mask_drawn_on_transparency(source: Path) -> None:
    drawn = Image.new("RGBA", (40, 30), (255, 255, 255, 0))
    drawn.paste((255, 255, 255, 255), (0, 0, 20, 30))
    drawn.save(source / "m.png")
    mask, _remark = masks.read_mask(source / "m.png", _picture((40, 30)))
    assert (mask.getpixel((3, 3)), mask.getpixel((35, 3))) == (255, 0)


def test_a_label_mask_of_noughts_and_ones(source: Path) -> None:
    Image.fromarray(np.eye(30, dtype=np.uint8)).save(source / "m.png")
    mask, _remark = masks.read_mask(source / "m.png", _picture((30, 30)))
    assert mask.getextrema() == (0, 255)


def test_a_mask_of_another_size_is_resized_or_refused(source: Path) -> None:
    _half((400, 300)).save(source / "m.png")
    mask, remark = masks.read_mask(source / "m.png", _picture((800, 600)))
    assert mask.size == (800, 600)
    assert "400 × 300" in remark
    with pytest.raises(ImportFailure, match="another shape"):
        masks.read_mask(source / "m.png", _picture((600, 800)))


def test_a_mask_of_the_stored_pixels_is_turned_with_them(source: Path) -> None:
    _half((40, 30)).save(source / "m.png")
    mask, remark = masks.read_mask(source / "m.png", _picture((30, 40), Image.Transpose.ROTATE_270))
    assert mask.size == (30, 40)
    assert (mask.getpixel((3, 3)), mask.getpixel((3, 37))) == (255, 0)
    assert "upright" in remark


def test_a_black_mask_is_refused(source: Path) -> None:
    Image.new("L", (40, 30), 0).save(source / "m.png")
    with pytest.raises(ImportFailure, match="black everywhere"):
        masks.read_mask(source / "m.png", _picture((40, 30)))


def test_words_and_masks_come_in_with_their_picture(project: Project, concept: str, source: Path) -> None:
    folder = source / "10_sks dog"
    folder.mkdir()
    for number, name in enumerate("abcd"):
        save_photo(folder / f"{name}.png", number)
    (folder / "a.txt").write_text("a dog on grass")
    (folder / "b.txt").write_bytes(b"\0\0")
    _half((400, 300)).save(folder / "a-masklabel.png")
    _half((300, 400)).save(folder / "b-masklabel.png")
    (folder / "c-masklabel.png").write_bytes(b"broken")
    report = importing.import_paths(project, [source], concept)
    images = queries.images(project)
    assert [image.caption for image in images] == ["a dog on grass", "sks dog", "sks dog", "sks dog"]
    assert {image.repeats for image in images} == {10}
    assert [image.mask is not None for image in images] == [True, False, False, False]
    assert images[0].mask is not None
    assert load_rgb(project.path(images[0].mask)).size == (400, 300)
    about = {(line.file, line.title) for line in report.lines if line.level == "warning"}
    assert ("b.txt", "The caption is not text") in about
    assert ("b-masklabel.png", "The mask has another shape than its picture") in about
    assert ("c-masklabel.png", "Not a picture that can be read") in about


def test_a_painted_mask_is_stored_under_a_new_name_each_time(project: Project, concept: str, source: Path) -> None:
    save_photo(source / "a.png", 1)
    importing.import_paths(project, [source], concept)
    (image,) = queries.images(project)
    first = masks.save_mask(project, image, _half((400, 300)))
    edits.set_mask(project, image.id, first)
    second = masks.save_mask(project, image, Image.new("L", (400, 300), 255))
    change = edits.set_mask(project, image.id, second)
    assert first != second
    change.inverse(project)
    assert queries.image(project, image.id).mask == first
    assert project.path(first).is_file()
    with pytest.raises(ImportFailure, match="another size"):
        masks.save_mask(project, image, _half((40, 30)))


def test_transparency_can_become_the_mask(project: Project, concept: str, source: Path) -> None:
    cut = photo(1).convert("RGBA")
    cut.putalpha(_half((400, 300)))
    cut.save(source / "a.png")
    save_photo(source / "b.png", 2)
    importing.import_paths(project, [source], concept)
    first, second = queries.images(project)
    assert "has-alpha" in first.flags
    file = masks.mask_from_alpha(project, first)
    assert file is not None
    assert Image.open(project.path(file)).getpixel((3, 3)) == 255
    assert masks.mask_from_alpha(project, second) is None
