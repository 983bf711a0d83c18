"""Taking pictures in when something is wrong: every trouble is a line in one report, and nothing good is lost."""

from __future__ import annotations

import errno
import io
import os
import sqlite3
import time
import tracemalloc
from pathlib import Path

import pytest

from projects import edits, importing, intake, queries, thumbnails
from projects.errors import ProjectError
from projects.intake import PixelBudget
from projects.project import Project
from projects.upkeep import tidy
from tests.projects.pictures import photo, save_photo
from tests.projects.test_pixels_hostile import encoded, png_claiming, tiff_claiming


def _files(project: Project) -> set[str]:
    return {f"{folder}/{path.name}" for folder in ("images", "masks") for path in (project.root / folder).iterdir()}


def _listed(project: Project) -> set[str]:
    return {file for image in queries.images(project) for file in (image.file, image.mask) if file}


def _errors(report: importing.ImportReport) -> dict[str, str]:
    return {line.file: line.title for line in report.lines if line.level == "error"}


def test_every_broken_file_has_its_line_and_the_good_ones_come_in(project: Project, concept: str, source: Path) -> None:
    broken = {
        "truncated.jpg": encoded("JPEG")[:-900],
        "truncated.png": encoded("PNG")[:2000],
        "text.png": b"this is no picture\n" * 100,
        "empty.jpg": b"",
        "bomb.png": png_claiming(30_000, 30_000),
        "bomb.tif": tiff_claiming(4_000_000_000, 4_000_000_000),
        "nothing.gif": b"GIF89a",
    }
    for name, data in broken.items():
        (source / name).write_bytes(data)
    for number in range(3):
        save_photo(source / f"good {number}.png", number)
    report = importing.import_paths(project, [source], concept)
    assert len(report.added) == 3
    assert set(_errors(report)) == set(broken)
    assert report.lines[0].level == "error"
    assert _errors(report)["empty.jpg"] == "The file is empty"
    assert _errors(report)["bomb.png"] == "The picture is too large"
    assert _errors(report)["truncated.jpg"] == "The picture is damaged"
    assert _files(project) == _listed(project)


@pytest.mark.parametrize("count", [300])
def test_many_files_with_three_broken_ones(project: Project, concept: str, source: Path, count: int) -> None:
    """A larger folder differs only in time; 10,000 files were tried by hand with the same bound on memory."""
    for number in range(count):
        path = source / f"{number}.bmp"
        photo(number % 7, (24, 24)).save(path)
        if number in {5, 100, 290}:
            path.write_bytes(path.read_bytes()[:40])
    tracemalloc.start()
    started = time.perf_counter()
    report = importing.import_paths(project, [source], concept)
    seconds = time.perf_counter() - started
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(report.added) == count - 3
    assert set(_errors(report)) == {"5.bmp", "100.bmp", "290.bmp"}
    assert peak < 30_000_000
    assert seconds < 60


def test_an_unreadable_file_and_folder(
    project: Project, concept: str, source: Path, request: pytest.FixtureRequest
) -> None:
    save_photo(source / "good.png", 1)
    save_photo(source / "secret.png", 2).chmod(0)
    (source / "locked").mkdir(mode=0)
    if os.name == "nt":
        pytest.skip("permissions work otherwise there")
    for path in (project.root, *project.root.rglob("*")):
        path.chmod(0o777)
    project.close()
    request.getfixturevalue("unprivileged")
    with Project.open(project.root) as opened:
        report = importing.import_paths(opened, [source], concept)
    assert len(report.added) == 1
    assert _errors(report) == {
        "secret.png": "The file cannot be read",
        "locked": "The folder cannot be opened",
    }


def test_a_read_only_project_is_one_line(project: Project, concept: str, source: Path) -> None:
    save_photo(source / "a.png", 1)
    project.read_only_reason = "Its folder cannot be written to."
    for report in (
        importing.import_paths(project, [source], concept),
        importing.import_image_bytes(project, b"x", "x", concept),
    ):
        assert report.change is None
        assert _errors(report) == {"": "The project cannot be changed"}
    assert _files(project) == set()


class _FullDisk:
    """Lets some bytes be written to the project, then reports a full disk, as a real one does."""

    def __init__(self, room: int) -> None:
        self.room = room

    def flush(self, path: Path) -> None:
        self.room -= path.stat().st_size
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_stops_the_import_and_says_so(
    project: Project, concept: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        save_photo(source / f"{number}.bmp", number, (100, 100))
    size = (source / "0.bmp").stat().st_size
    monkeypatch.setattr(intake, "flush_file", _FullDisk(size * 5 + 10).flush)
    report = importing.import_paths(project, [source], concept, threads=2)
    titles = [line.title for line in report.lines if line.level == "error"]
    assert titles[0] == "The disk is full"
    left = 12 - len(report.added)
    assert titles[1] == f"{left} files were not taken in"
    assert _files(project) == _listed(project)
    monkeypatch.undo()
    rest = importing.import_paths(project, [source], concept)
    assert len(report.added) + len(rest.added) == 12


def test_a_disk_that_fills_up_at_the_database_loses_only_that_batch(
    project: Project, concept: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        save_photo(source / f"{number}.bmp", number, (64, 64))
    pages = int(project.rows("PRAGMA page_count")[0][0])
    project.connection().execute(f"PRAGMA max_page_count = {pages + 1}")
    report = importing.import_paths(project, [source], concept)
    assert _errors(report)[""] in {"The disk is full", f"{40 - len(report.added)} files were not taken in"}
    assert len(report.added) < 40
    assert _files(project) == _listed(project)
    assert len(queries.images(project)) == len(report.added)
    with pytest.raises(ProjectError, match="disk is full"):
        edits.set_setting(project, "big", "x" * 100_000)
    assert queries.setting(project, "big") is None


@pytest.mark.parametrize("what", ["images", "project"])
def test_the_projects_folder_vanishing_midway_is_a_line(
    project: Project, concept: str, source: Path, what: str
) -> None:
    for number in range(40):
        save_photo(source / f"{number}.bmp", number, (64, 64))

    def unplug(done: int, _total: int, _name: str) -> bool:
        if done == 1:
            folder = project.root / "images" if what == "images" else project.root
            folder.rename(folder.with_name("unplugged"))
        return True

    report = importing.import_paths(project, [source], concept, progress=unplug)
    assert len(report.added) < 40
    assert "not taken in" in [line for line in report.lines if line.level == "error"][-1].title


def test_files_vanishing_midway_are_lines(project: Project, concept: str, source: Path) -> None:
    for number in range(40):
        save_photo(source / f"{number:02}.bmp", number, (64, 64))

    def take_away(done: int, _total: int, _name: str) -> bool:
        if done == 1:
            for number in range(35, 40):
                (source / f"{number}.bmp").unlink()
        return True

    report = importing.import_paths(project, [source], concept, progress=take_away)
    assert len(report.added) == 35
    assert set(_errors(report).values()) == {"The file cannot be read"}
    assert len(_errors(report)) == 5


def test_a_concept_removed_midway_ends_the_import(project: Project, concept: str, source: Path) -> None:
    for number in range(40):
        save_photo(source / f"{number:02}.bmp", number, (64, 64))

    def remove(done: int, _total: int, _name: str) -> bool:
        if done == 1:
            edits.remove_concept(project, concept)
        return True

    report = importing.import_paths(project, [source], concept, progress=remove)
    assert _errors(report)[""] in {
        "The concept is no longer there",
        f"{40 - len(report.added)} files were not taken in",
    }
    edits.restore_images(project, [])
    assert len(_files(project)) == len(report.added)


def test_no_pictures_at_all_is_said(project: Project, concept: str, source: Path) -> None:
    (line,) = importing.import_paths(project, [source], concept).lines
    assert line.title == "No pictures were found"
    (line,) = importing.import_paths(project, [], concept).lines
    assert line.level == "warning"


def test_a_pipe_does_not_hang_the_import(project: Project, concept: str, source: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no pipes in folders here")
    os.mkfifo(source / "a.png")
    report = importing.import_paths(project, [source, source / "a.png"], concept)
    assert _errors(report) == {"a.png": "Not an ordinary file"}


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(
    project: Project, concept: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_photo(source / "a.png", 1)
    monkeypatch.setenv("LORIKEET_HOME", str(source / "a.png" / "impossible"))
    assert len(importing.import_paths(project, [source], concept).added) == 1


def test_two_imports_at_once_keep_their_pictures_apart(project: Project, concept: str, source: Path) -> None:
    import threading

    for number in range(24):
        save_photo(source / f"{number}.bmp", number, (64, 64))
    half = sorted(source.iterdir())[:12], sorted(source.iterdir())[12:]
    reports: list[importing.ImportReport] = []
    with Project.open(project.root) as other:
        second = threading.Thread(target=lambda: reports.append(importing.import_paths(other, half[1], concept)))
        second.start()
        reports.append(importing.import_paths(project, half[0], concept))
        second.join()
    assert sum(len(report.added) for report in reports) == 24
    assert _files(project) == _listed(project)
    assert tidy(project, older_than_s=0).missing == ()


def test_the_pixel_budget_lets_a_giant_through_alone() -> None:
    budget = PixelBudget(pixels=100)
    with budget.spend(1000):
        pass
    with budget.spend(60), budget.spend(40):
        pass
    assert budget._used == 0


def test_a_database_error_is_told_in_words(project: Project, concept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO()
    photo(1).save(data, "PNG")
    with sqlite3.connect(project.root / "project.db") as locker:
        monkeypatch.setattr("projects.database.BUSY_TIMEOUT_S", 0.05)
        with Project.open(project.root) as late:
            locker.execute("BEGIN IMMEDIATE")
            report = importing.import_image_bytes(late, data.getvalue(), "a.png", concept)
    locker.close()
    assert "The project is busy" in {line.title for line in report.lines}
    assert _files(project) == set()
    assert not thumbnails.cached("0" * 64).exists()


def test_closing_the_project_midway_is_a_line_and_loses_nothing(project: Project, concept: str, source: Path) -> None:
    for number in range(40):
        save_photo(source / f"{number}.bmp", number, (64, 64))

    def close(done: int, _total: int, _name: str) -> bool:
        if done == 1:
            project.close()
        return True

    report = importing.import_paths(project, [source], concept, progress=close)
    assert "The project is closed" in {line.title for line in report.lines}
    with Project.open(project.root) as again:
        assert {image.id for image in queries.images(again)} == set(report.added)
        assert _files(again) == _listed(again)
