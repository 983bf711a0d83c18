"""Taking pictures in, when all goes well."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from projects import edits, importing, queries, thumbnails, training_set
from projects.errors import ProjectError
from projects.health import FLAG_WORDS, Limits
from projects.project import Project
from tests.projects.pictures import photo, save_photo
from tests.projects.rows import snapshot


def _levels(report: importing.ImportReport, level: str) -> list[tuple[str, str]]:
    return [(line.file, line.title) for line in report.lines if line.level == level]


def test_originals_are_kept_byte_for_byte_and_never_touched(project: Project, concept: str, source: Path) -> None:
    for number, name in enumerate(("a.jpg", "b.png", "c.webp", "d.avif", "e.bmp", "f.gif", "g.tif")):
        save_photo(source / name, number)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.iterdir()}
    report = importing.import_paths(project, [source], concept)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.iterdir()} == before
    images = queries.images(project, concept)
    assert [image.original_name for image in images] == sorted(before)
    assert tuple(image.id for image in images) == report.added
    for image in images:
        stored = project.path(image.file)
        assert stored.read_bytes() == before[image.original_name][0]
        assert hashlib.sha256(stored.read_bytes()).hexdigest() == image.sha256
        assert (image.width, image.height) == (400, 300)
        assert image.file.startswith(f"images/{image.id}.")
    assert report.lines == ()


def test_thumbnails_are_made_on_the_way(project: Project, concept: str, source: Path) -> None:
    save_photo(source / "a.jpg", 1, (900, 600))
    importing.import_paths(project, [source], concept)
    (image,) = queries.images(project)
    place = thumbnails.cached(image.sha256)
    assert place.is_file()
    assert thumbnails.thumbnail(project, image) == place
    with Image.open(place) as small:
        assert small.size == (256, 171)
    place.unlink()
    with Image.open(thumbnails.thumbnail(project, image, 64)) as smaller:
        assert smaller.width == 64
        assert smaller.height in {42, 43}


def test_undo_and_redo_of_an_import(project: Project, concept: str, source: Path) -> None:
    save_photo(source / "a.png", 1)
    save_photo(source / "b.png", 2)
    before = snapshot(project)
    report = importing.import_paths(project, [source], concept)
    assert report.change is not None
    assert report.change.title == "Import 2 pictures"
    after = snapshot(project)
    redo = report.change.inverse(project)
    assert snapshot(project) == before
    redo.inverse(project)
    assert snapshot(project) == after
    assert all(project.path(image.file).is_file() for image in queries.images(project))


def test_a_folder_dropped_twice_comes_in_once(project: Project, concept: str, source: Path) -> None:
    save_photo(source / "a.png", 1)
    importing.import_paths(project, [source], concept)
    again = importing.import_paths(project, [source], concept)
    assert again.added == ()
    assert again.change is None
    assert _levels(again, "info") == [("a.png", "Already there")]
    other = edits.add_concept(project, "Other").ids[0]
    assert len(importing.import_paths(project, [source], other).added) == 1
    assert len(list((project.root / "images").iterdir())) == 2


def test_many_files_that_are_there_already_are_one_line(project: Project, concept: str, source: Path) -> None:
    for number in range(15):
        save_photo(source / f"{number}.bmp", number, (48, 48))
    importing.import_paths(project, [source], concept)
    again = importing.import_paths(project, [source], concept)
    assert _levels(again, "info") == [("", "15 files were already there")]


def test_a_removed_picture_can_be_imported_again(project: Project, concept: str, source: Path) -> None:
    save_photo(source / "a.png", 1)
    first = importing.import_paths(project, [source], concept)
    edits.remove_images(project, first.added)
    assert len(importing.import_paths(project, [source], concept).added) == 1


def test_copies_are_taken_in_and_flagged(project: Project, concept: str, source: Path) -> None:
    original = photo(1, (800, 600))
    original.save(source / "a.png")
    (source / "b copy.png").write_bytes((source / "a.png").read_bytes())
    original.resize((600, 450)).save(source / "c smaller.jpg", quality=70)
    save_photo(source / "d other.png", 2)
    report = importing.import_paths(project, [source], concept)
    first, copy, smaller, other = queries.images(project)
    assert first.flags == other.flags == frozenset()
    assert copy.flags == {"duplicate"}
    assert smaller.flags == {"near-duplicate"}
    assert copy.twin == smaller.twin == first.id
    assert [file for file, _title in _levels(report, "warning")] == ["b copy.png", "c smaller.jpg"]
    edits.remove_images(project, [first.id])
    assert queries.image(project, copy.id).flags == frozenset()


def test_a_near_copy_in_another_colour_is_another_picture(project: Project, concept: str, source: Path) -> None:
    original = photo(1)
    red, green, blue = original.split()
    original.save(source / "a.png")
    Image.merge("RGB", (green, red, blue)).convert("L").convert("RGB").save(source / "b.png")
    importing.import_paths(project, [source], concept)
    assert [image.flags for image in queries.images(project)] == [frozenset(), frozenset()]


def test_what_deserves_a_look_is_flagged(project: Project, concept: str, source: Path) -> None:
    photo(1, (900, 900)).filter(ImageFilter.GaussianBlur(6)).save(source / "a blurred.png")
    save_photo(source / "b small.png", 2, (200, 180))
    save_photo(source / "c long.png", 3, (1300, 400))
    photo(4).convert("RGBA").resize((400, 300)).save(source / "d opaque.png")
    cut = photo(5).convert("RGBA")
    cut.putalpha(Image.linear_gradient("L").resize(cut.size))
    cut.save(source / "e cut.png")
    importing.import_paths(project, [source], concept)
    flags = [set(image.flags) for image in queries.images(project)]
    assert flags == [{"blurry"}, {"small"}, {"extreme-aspect"}, set(), {"has-alpha"}]
    assert all(FLAG_WORDS[flag] for found in flags for flag in found)
    assert queries.counts(project).flagged == 4


def test_the_limits_are_the_callers(project: Project, concept: str, source: Path) -> None:
    save_photo(source / "a.png", 1, (400, 300))
    importing.import_paths(project, [source], concept, limits=Limits(small_side=512, aspect=1.2))
    assert queries.images(project)[0].flags == {"small", "extreme-aspect"}


def test_two_files_of_one_name_both_come_in(project: Project, concept: str, source: Path) -> None:
    for number, folder in enumerate("ab"):
        (source / folder).mkdir()
        save_photo(source / folder / "photo.png", number)
    report = importing.import_paths(project, [source], concept)
    assert len(report.added) == 2
    assert [image.original_name for image in queries.images(project)] == ["photo.png", "photo.png"]


def test_strange_and_long_names_are_kept(project: Project, concept: str, source: Path) -> None:
    names = ["日本語 👩‍👧.png", "x" * 240 + ".png", "näme with  spaces .png", "quote'\"s;--.png"]
    kept = []
    for number, name in enumerate(names):
        try:
            save_photo(source / name, number)
        except OSError:
            continue
        kept.append(name)
    assert len(kept) >= 2  # a file system may refuse some
    importing.import_paths(project, [source], concept)
    assert sorted(image.original_name for image in queries.images(project)) == sorted(kept)
    assert all(len(image.file) < 40 for image in queries.images(project))


def test_from_the_clipboard(project: Project, concept: str) -> None:
    data = io.BytesIO()
    photo(1).save(data, "PNG")
    report = importing.import_image_bytes(project, data.getvalue(), "Pasted\udcff picture " + "x" * 400, concept)
    (image,) = queries.images(project)
    assert report.added == (image.id,)
    assert project.path(image.file).read_bytes() == data.getvalue()
    assert len(image.original_name) <= 300
    broken = importing.import_image_bytes(project, b"no picture", "Pasted", concept)
    assert _levels(broken, "error") == [("Pasted", "Not a picture that can be read")]


def test_progress_is_told_after_each_file_and_can_stop_the_import(project: Project, concept: str, source: Path) -> None:
    for number in range(30):
        save_photo(source / f"{number}.bmp", number, (64, 64))
    told: list[tuple[int, int, str]] = []

    def stop_after_eight(done: int, total: int, name: str) -> bool:
        told.append((done, total, name))
        return done < 8

    report = importing.import_paths(project, [source], concept, progress=stop_after_eight)
    assert told == [(number + 1, 30, f"{number}.bmp") for number in range(8)]
    assert report.cancelled
    assert 8 <= len(report.added) < 30
    assert {image.id for image in queries.images(project)} == set(report.added)
    stored = {f"images/{path.name}" for path in (project.root / "images").iterdir()}
    assert stored == {image.file for image in queries.images(project)}
    rest = importing.import_paths(project, [source], concept)
    assert len(report.added) + len(rest.added) == 30


def test_pictures_follow_those_that_are_there(project: Project, concept: str, source: Path) -> None:
    save_photo(source / "b.png", 1)
    importing.import_paths(project, [source / "b.png"], concept)
    save_photo(source / "a.png", 2)
    importing.import_paths(project, [source / "a.png"], concept)
    assert [image.original_name for image in queries.images(project)] == ["b.png", "a.png"]


def test_the_concept_must_exist(project: Project, source: Path) -> None:
    with pytest.raises(ProjectError, match="concept"):
        importing.import_paths(project, [source], "nothing")


def test_the_training_set(project: Project, concept: str, source: Path) -> None:
    from engines.api.job import JobConcept, JobImage

    with pytest.raises(ProjectError, match="no pictures"):
        training_set.build(project, concept)
    save_photo(source / "a.png", 1)
    save_photo(source / "b.png", 2)
    (source / "a.txt").write_text("a [trigger] dog on grass")
    importing.import_paths(project, [source], concept)
    about, pictures = training_set.build(project, concept)
    assert JobConcept.model_validate(about).trigger == "sks"
    jobs = [JobImage.model_validate(picture) for picture in pictures]
    assert [job.caption for job in jobs] == ["a [trigger] dog on grass", "a [trigger] dog"]
    assert [job.file for job in jobs] == [image.file for image in queries.images(project)]
    project.path(jobs[0].file).unlink()
    with pytest.raises(ProjectError, match="gone"):
        training_set.build(project, concept)


def test_real_photos(project: Project, concept: str, shared_data: Path) -> None:
    report = importing.import_paths(project, [shared_data / "subjects"], concept)
    images = queries.images(project)
    assert len(images) == len(report.added) >= 32
    assert not any(line.level == "error" for line in report.lines)
    assert all(image.flags == frozenset() for image in images)
    assert np.mean([min(image.width, image.height) for image in images]) > 500
